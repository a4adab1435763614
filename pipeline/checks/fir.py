"""What goes into the Firmware Information Repository: beyond being complete, it must be public and its links work."""

import re
from collections.abc import Iterator

from pipeline.checks.matter import Matter, Say, check
from pipeline.domain.finding import Finding

NOTES = "FIR Release Notes.Description"
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"']+", re.IGNORECASE)


@check("fir.url")
def url(matter: Matter, say: Say) -> Iterator[Finding]:
    """A web address in the notes is opened by a person: the pipeline makes no request to a stranger's address."""
    found = [address.rstrip(".,;:)") for address in _URL.findall(matter.submission.text(NOTES))]
    if not found:
        yield say.not_applicable("The release notes have no web address.")
        return
    yield say.look(
        f"The release notes give the address {found[0][:200]}, which must open without a login.",
        matter.evidence(NOTES),
        subject=NOTES,
    )


@check("fir.public")
def public(matter: Matter, say: Say) -> Iterator[Finding]:
    """Words that suggest confidential content go to a SECAS security expert (Appendix 6.2)."""
    text = matter.submission.text(NOTES).casefold()
    words = [w for w in matter.rules.confidential_words if re.search(rf"(?<!\w){re.escape(w)}", text)]
    if words:
        yield say.look(
            f"The release notes say '{', '.join(words)}', and the FIR may hold public information only.",
            matter.evidence(NOTES),
            subject=NOTES,
        )
