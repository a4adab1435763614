"""Topics that this version does not judge yet: each is a point for the reviewer, so that nothing passes unchecked."""

from collections.abc import Iterator

from pipeline.checks.matter import Check, Judge, Matter, Say, check
from pipeline.domain.finding import Finding


def _certificate(kind: str) -> Judge:
    def judge(matter: Matter, say: Say) -> Iterator[Finding]:
        """Ask the reviewer to compare the certificate that Table 6 demands."""
        rule = next(item for item in matter.rules.assurance.certificates if item.kind == kind)
        if matter.undecided(rule.required):
            yield say.not_applicable(f"Nobody can tell yet whether a {rule.name} is needed for this Device.")
        elif not matter.holds(rule.required):
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
