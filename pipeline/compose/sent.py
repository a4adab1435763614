"""What became of a Draft in the mail that a person sent: whether what was decided still stands in it.

People greet otherwise, sign with their own name and add a line; Outlook gives the mail another Message-ID and sends
HTML. So words are compared, not octets: layout, punctuation and what is quoted of earlier mails do not count.
"""

import re
from email import message_from_bytes

from pipeline.compose.parity import words
from pipeline.compose.proof import bodies
from pipeline.domain.draft import Draft
from pipeline.domain.judgement import Outcome

_LABEL = re.compile(r"\s*([a-z]+);")
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}
_GREETING_WORDS = 5
"""A first or last paragraph of so many words at most greets, and is the sender's to change."""


def outcome_of(draft: Draft) -> Outcome | None:
    """Return what a Draft tells its reader was decided; None for one that tells of no decision about a submission."""
    found = _LABEL.match(str(message_from_bytes(draft.raw).get("X-CPL-Decision", "")))
    return _OUTCOMES.get(found[1]) if found else None


def stands_in(draft: Draft, sent: str, signature: tuple[str, ...]) -> bool:
    """Say whether what a Draft decides stands in the plain text of a mail that was sent.

    An acceptance stands where all its words do, unbroken: half of one could be a refusal. Of a refusal or a question
    the sentence that says so must stand, as people reword the points below it. signature: lines at the end of the
    Draft, which the sender may replace.
    """
    paragraphs = [words(one) for one in re.split(r"\n\s*\n", bodies(draft.raw)[0])]
    said = [one for one in paragraphs if one]
    if said and said[-1] == words(" ".join(signature)):
        del said[-1]
    for end in (0, -1):
        if said and len(said[end]) <= _GREETING_WORDS:
            del said[end]
    if not said:
        return False
    wanted = [word for one in said for word in one] if outcome_of(draft) is Outcome.ACCEPT else said[0]
    unquoted = "\n".join(line for line in sent.splitlines() if not line.lstrip().startswith(">"))
    return f" {' '.join(wanted)} " in f" {' '.join(words(unquoted))} "
