"""Topics that this version does not judge yet: each is a point for the reviewer, so that nothing passes unchecked."""

from collections.abc import Iterator

from pipeline.checks.matter import Check, Judge, Matter, Say, check
from pipeline.domain.finding import Finding
from pipeline.domain.product import IMAGE_HASH


@check("signature.present")
def signature(matter: Matter, say: Say) -> Iterator[Finding]:
    """A hash asks for a digital signature, which a person must look at in Excel for now."""
    count = matter.submission.form.signatures
    if not matter.submission.text(IMAGE_HASH):
        yield say.not_applicable("There is no hash, so no signature is needed.")
        return
    stands = f"carries {count} signature{'s' if count > 1 else ''}" if count else "carries no signature"
    yield say.look(
        f"The digital signature is not checked by this version; the workbook {stands}.",
        matter.whole_file(),
        subject=IMAGE_HASH,
    )


def _certificate(kind: str) -> Judge:
    def judge(matter: Matter, say: Say) -> Iterator[Finding]:
        """Ask the reviewer to compare the certificate that Table 6 demands."""
        rule = next(item for item in matter.rules.assurance.certificates if item.kind == kind)
        if matter.depends_on_type(rule.required) or not matter.holds(rule.required):
            yield say.not_applicable(f"No {rule.name} is needed for this Device.")
        else:
            yield say.look(
                f"The {rule.name} is not checked by this version.",
                matter.whole_file(),
                clause=f"{say.rule.clause}; Table 6",
            )

    return judge


CERTIFICATES: tuple[Check, ...] = tuple(
    check(f"certificate.present.{kind}")(_certificate(kind)) for kind in ("zse", "cpa", "dlms")
)
