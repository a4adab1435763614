"""What people do in the helpdesk's mailbox: they send replies, and find a mail there that nobody can read."""

import os
from email import message_from_bytes, policy
from email.message import EmailMessage

from pipeline.compose.proof import bodies
from pipeline.demo.mail import mail
from pipeline.domain.message import Problem
from tests.office import HELPDESK, NOW, Remembering

POISON = mail("POISON", "x\n", NOW, message_id="<poison@maker.example>")


class Dying(Remembering):
    """Readers that die over one mail while they are ``ill``."""

    ill = True

    def message(self, raw):
        if self.ill and b"POISON" in raw:
            return Problem("crash", "The reader crashed on it.")
        return super().message(raw)


def draft_text(helpdesk, position=-1):
    return bodies(helpdesk.drafts[position])[0]


def sends(helpdesk, text="", *, html="", to="", reply_to="", message_id="<sent-1@secas.example>", **headers):
    """A person sends a mail, as Outlook leaves it among the sent ones: with a Message-ID of its own."""
    answered = message_from_bytes(helpdesk.drafts[-1], policy=policy.default)
    sent = EmailMessage(policy=policy.SMTP)
    sent["From"], sent["To"] = f"Robin <{HELPDESK}>", to or answered["To"]
    sent["Subject"], sent["Message-ID"] = answered["Subject"], message_id
    sent["In-Reply-To"] = reply_to or answered["In-Reply-To"]
    for name, value in headers.items():
        sent[name.replace("_", "-")] = value
    sent.set_content(html or text, subtype="html" if html else "plain")
    lies(helpdesk, sent.as_bytes(), message_id)


def lies(helpdesk, raw, name):
    folder = helpdesk.mail / ".Sent" / "cur"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{abs(hash(name))}:2,S"
    file.write_bytes(raw)
    at = helpdesk.clock.now.timestamp()
    os.utime(file, (at, at))
