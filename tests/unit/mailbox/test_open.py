"""The one list of kinds."""

import pytest

from pipeline.mailbox import EwsSettings, GraphSettings, ImapSettings, MaildirSettings, open_mailbox
from pipeline.mailbox.ews import Ews
from pipeline.mailbox.graph import Graph
from pipeline.mailbox.imap import Imap
from pipeline.mailbox.maildir import Maildir


@pytest.mark.parametrize(
    ("settings", "kind", "name"),
    [
        (MaildirSettings("var/mail", name="demo"), Maildir, "demo"),
        (ImapSettings("mail.example", "desk", "word"), Imap, "imap:desk@mail.example"),
        (GraphSettings("mail.example", "app", "desk@mail.example", "word"), Graph, "graph:desk@mail.example"),
        (EwsSettings("https://mail.example/EWS/", "desk@mail.example", "u", "word"), Ews, "ews:desk@mail.example"),
    ],
    ids=["maildir", "imap", "graph", "ews"],
)
def test_settings_open_their_kind_without_touching_anything(settings, kind, name):
    mailbox = open_mailbox(settings)
    assert isinstance(mailbox, kind)
    assert mailbox.name == name
    mailbox.close()
