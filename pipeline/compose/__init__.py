"""Words what was decided and published: mails as Drafts, made of templates and values and nothing else.

A mail kind is a folder under templates/ (``subject.txt.j2``, ``body.txt.j2``, ``body.html.j2``); shared pieces stand
in ``templates/_base/``. Nothing here asks a clock, a network or a disk but ``Templates.load``, which reads once.
"""

from pipeline.compose.amendments import amendment_reply
from pipeline.compose.aside import SetAside, aside_note
from pipeline.compose.correspondent import Correspondent, Register, correspondent_of, own_marked, sender_confirmed
from pipeline.compose.drafting import reply
from pipeline.compose.envelope import Enclosure, Sender
from pipeline.compose.notices import ReleaseNotice, notices, settings_troubles
from pipeline.compose.proof import bodies, verify
from pipeline.compose.reminders import expired_notice, reminder
from pipeline.compose.sent import outcome_of, stands_in
from pipeline.compose.templates import Templates, TemplatesBroken

__all__ = [
    "Correspondent",
    "Enclosure",
    "Register",
    "ReleaseNotice",
    "Sender",
    "SetAside",
    "Templates",
    "TemplatesBroken",
    "amendment_reply",
    "aside_note",
    "bodies",
    "correspondent_of",
    "expired_notice",
    "notices",
    "outcome_of",
    "own_marked",
    "reminder",
    "reply",
    "sender_confirmed",
    "settings_troubles",
    "stands_in",
    "verify",
]
