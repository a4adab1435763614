"""Mails that ask for no amendment, however much they speak of the CPL."""

import pytest

from pipeline.domain.message import Attachment
from tests.asking import SSC, ask
from tests.papers import read

OTHERS = [
    ("Meter fault", "My smart meter shows no reading since Monday. Please send an engineer and replace it."),
    (
        "Gas meter",
        "The gas meter at 12 High Street displays error 000012. Please correct the fault and change the battery.",
    ),
    ("IHD blank", "Please remove the in-home display from my account, it is broken."),
    (
        "DCC incident INC000000626626",
        "DCC incident INC000000626626: the SM WAN is degraded in the North. Please note that updates follow hourly.",
    ),
    (
        "Major incident closed",
        "The Severity 1 incident on the DSP has been resolved. Entries in the queue have been corrected.",
    ),
    (
        "Invoice 000626",
        "Please find attached invoice 000626 for November. Please update your records and pay by 30/11/2026.",
    ),
    (
        "Purchase order",
        "Please amend purchase order 000010 to read 5 units and change the delivery date to 01/12/2026.",
    ),
    ("Credit note", "We request a correction of invoice 000009: the VAT number is wrong."),
    (
        "Invitation: CPL drop-in",
        "You are invited to the CPL drop-in session on 3 December. Please reply to be added to the meeting.",
    ),
    ("TABASC meeting", "Please add the firmware upgrade path to the agenda of the meeting on Thursday."),
    (
        "SEC newsletter November",
        "In this newsletter: CPA lifetime certificates explained, and 12 entries were removed from the CPL.",
    ),
    (
        "CPL 3.001 published",
        "Version 3.001 of the Central Products List has been published. Entries 000009 and 000010 have been updated.",
    ),
    (
        "Industry news",
        "The SSC publishes its work plan. The CPA scheme has changed its fees, read more on our website.",
    ),
    ("Question", "What is the CPL, and where can I find it?"),
    ("Question on removal", "How do we remove an entry from the CPL when a trial has ended?"),
    ("Question on duty", "Should entry 000010 be removed from the CPL?"),
    ("Question on order", "Must the CPA certificate of entry 000010 be updated before it expires?"),
    ("Question on expiry", "Could you tell us what happens to entry 000010 when its CPA certificate expires?"),
    ("FIR access", "Please could you give me access to the FIR? I need to add a login for a colleague."),
    ("FIR", "Where can I download the latest Firmware Information Repository?"),
    ("DZIR", "Who may see the DZIR, and why is it RED?"),
    ("Upgrade path", "Is the upgrade path from 000009 to 000010 still valid?"),
    ("Mailing list", "Please remove me from the CPL mailing list."),
    ("New starter", "Please add Bob Example to the CPL distribution list and remove Ann Example as a contact."),
    (
        "Out of office: CPL",
        "I am out of the office until 30 November. For urgent CPL matters please contact ssc@ssc.example.",
    ),
    ("Left the company", "Ann has left the company. Please update your contact list for CPL notices."),
    ("Website", "The link to the CPL on your website gives an error, please fix it."),
    ("Login", "Please reset my password for the SEC website so that I can see entry 000010."),
    ("Macro", "The validation macro of the CPL new entry form shows an error in cell G14, please correct it."),
    ("Form", "Please send me the latest CPL New Entry form."),
    ("New entry soon", "We will send a CPL submission for a new Device Model next week."),
    ("Thanks", "Thank you for the updated CPL, and for removing entry 000012 so quickly."),
    ("Acknowledged", "Thanks for the correction of the hash of entry 000010."),
    ("No change", "Please do not remove entry 000010 from the CPL."),
    ("No need", "There is no need to update the expiry date of NCSC-7300000001-1010."),
    ("Confirmation", "Please confirm that entry 000010 is on the CPL with the right hash."),
    ("Confirm removal", "Please confirm whether entry 000012 has been removed from the CPL."),
    ("Question of timing", "Please advise when the CPL will be updated with our submission."),
    ("SMKI", "Please renew our SMKI organisation certificate, its expiry date is 30/08/2027."),
    ("Website certificate", "The TLS certificate of our portal is due to expire, please update it."),
    ("Training", "Please register three people for the CPL training and change the invoice address."),
    ("Consultation", "Our response to the consultation on MP231: the upgrade path should be part of the CPL."),
    ("Complaint", "We have waited for weeks. Please escalate our complaint about the CPL helpdesk."),
    ("Telephone", "Please call me back on 0044 000626 about the list of entries."),
    ("Lunch", "Shall we meet for lunch at 12:30? I will bring the list."),
    ("Price list", "Please remove the old meters from your price list and send the new one."),
    ("Job application", "I request to be considered for the post in the SSC team, see entry 3 of my CV."),
]


def test_there_are_forty():
    assert len({body for _, body in OTHERS}) >= 40


@pytest.mark.parametrize(("subject", "body"), OTHERS, ids=[subject for subject, _ in OTHERS])
@pytest.mark.parametrize("sender", ["bob@else.example", SSC])
def test_what_is_no_request_is_never_taken_for_one(subject, body, sender):
    found = ask(body, subject, sender=sender)
    assert (found.proposals, found.unclear) == ((), ())


ASKED = "Please remove entry 000001 from the CPL."


def test_the_request_that_the_following_are_made_from_is_one():
    assert len(ask(ASKED).proposals) == 1


@pytest.mark.parametrize("reason", ["auto-submitted", "bounce", "list", "no-return-path", "daemon", "own"])
def test_a_machine_asks_for_nothing(reason):
    assert ask(ASKED, automatic=(reason,)).proposals == ()


def test_a_workbook_means_a_new_entry():
    book = Attachment("form.xlsm", "form.xlsm", "workbook", "application/octet-stream", "b" * 64, 10)
    assert ask(ASKED, attachments=(book,)).proposals == ()


def test_a_mail_about_a_case_is_a_reply():
    assert ask(ASKED, "RE: Your submission [CPL-2026-00042]").proposals == ()


@pytest.mark.parametrize(
    "body",
    [
        f"> {ASKED}\n> Ann\n\nWe have seen this.",
        f"FYI\n\nFrom: Ann Example\nSent: Friday\nTo: Helpdesk\nSubject: CPL\n\n{ASKED}",
        f"See below.\n\n*From:* Ann Example <ann@quillmoor.example>\n*Date:* Friday\n\n{ASKED}",
        f"Noted.\n\n-----Original Message-----\n{ASKED}",
        f"Noted.\n\n---------- Forwarded message ---------\n{ASKED}",
        f"Noted.\n\nOn Fri, 20 Nov 2026 at 10:00, Ann Example <ann@quillmoor.example> wrote:\n\n{ASKED}",
        f"Noted.\n\nOn Fri, 20 Nov 2026 at 10:00, Ann Example\n<ann@quillmoor.example> wrote:\n\n{ASKED}",
        f"Noted.\n\nKind regards,\nBob\n{ASKED}",
        f"Noted.\n-- \n{ASKED}",
        f"Noted.\n________________________________\n{ASKED}",
    ],
)
def test_an_earlier_mail_and_a_signature_are_not_the_askers_words(body):
    assert ask(body, "FW: CPL").proposals == ()


def test_a_reply_under_a_quotation_is_read():
    body = f"On Fri, 20 Nov 2026 at 10:00, the Helpdesk wrote:\n> What may we do?\n\n{ASKED}"
    assert [p.entries for p in ask(body, "RE: CPL").proposals] == [("000001",)]


def test_the_words_of_a_certificate_about_something_else_ask_for_nothing():
    zse = read("ZigBee Certified Product\nCertification ID: ZIG24110ZSE20010-24")
    assert ask("Please find the certificate attached.", "ZigBee", papers=[zse]).proposals == ()


def test_rules_stored_before_the_file_existed_recognise_nothing():
    from pipeline.asked import requested
    from pipeline.rulebook import Rulebook
    from tests.asking import LISTED, RULES, mail

    stored = {name: text for name, text in RULES.files.items() if name != "requests.yaml"}
    old = Rulebook.from_files(stored, stored=True)
    assert requested(mail(ASKED), (), LISTED, old).proposals == ()
