"""Mails, judgements and conclusions with invented names, for the tests of the ledger."""

from datetime import date
from hashlib import sha256

from pipeline.domain.draft import Draft
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding, Settler, Status
from pipeline.domain.judgement import Circumstances, Decision, Judged, Outcome, Pending, Verdict
from pipeline.domain.product import DeviceModel
from pipeline.domain.release import Amendment, AmendmentKind
from pipeline.ledger.records import Arrival, Conclusion, InForce, Judgement, NewEffect, Rejudged
from pipeline.ledger.release_records import ReleaseRecord

AT = "2026-11-21T09:00:00Z"
LATER = "2026-11-21T10:00:00Z"
MAILBOX = "maildir:inbox"

RED = "Zzyzxvendor"
"""A value that no other audience may see."""

ACCEPT = Decision(Outcome.ACCEPT, "all-pass", "Every check passed.")
REJECT = Decision(Outcome.REJECT, "any-fail", "One check failed.")
ASK_REVIEWER = Decision(Outcome.CLARIFY, "unclear", "A person must look.", Settler.REVIEWER)


def digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()


def model(firmware: str = "01:02:03:04") -> DeviceModel:
    return DeviceModel("10:63", "00:0A", "01", "02", firmware)


def finding(status: Status = Status.PASS, message: str = "The form is as it should be.") -> Finding:
    return Finding(
        check="form.format",
        status=status,
        message=message,
        clause="CPL guidance V6.0, Table 2",
        evidence=(Evidence(digest("form"), "fwd.eml › form.xlsm", "CPL - New Entry!G14", " 0C:03 "),),
        subject="Device_Model.firmware_version",
        settle=Settler.REVIEWER if status is Status.UNCLEAR else None,
    )


def judged(name: str = "form", decision: Decision = ACCEPT, firmware: str | None = "01:02:03:04", *found: Finding):
    return Judged(
        file=f"{name}.xlsm",
        artefact=digest(name),
        device_type="Gas Smart Meter",
        model=model(firmware) if firmware else None,
        findings=found or (finding(),),
        decision=decision,
    )


def judgement(mail: str, *parts: Judged, decision: Decision = ACCEPT, at: str = AT) -> Judgement:
    return Judgement(
        message=digest(mail),
        at=at,
        rules=digest("rules"),
        version="0.1.0",
        circumstances=Circumstances(
            on=date(2026, 11, 21),
            cpl=digest("cpl"),
            pending=(Pending("CPL-2026-00009", "other.xlsm", digest("other"), model("09:09:09:09")),),
            submitters=("maker.example",),
            seen={digest("form"): "CPL-2026-00009"},
        ),
        judged=parts,
        decision=decision,
    )


def arrival(mail: str, *, uid: str = "", at: str = AT, folder: str = "INBOX", generation: str = "1") -> Arrival:
    return Arrival(MAILBOX, folder, generation, uid or mail, digest(mail), 1234, at)


def draft(name: str, text: str = "Thank you.") -> Draft:
    return Draft("accepted", f"<{name}@cpl.example>", "anna@maker.example", f"Re: {name}", text.encode())


def effect(key: str, kind: str = "draft", **payload: str) -> NewEffect:
    return NewEffect(key, kind, payload or {"artefact": digest(key), "message_id": f"<{key}@cpl.example>"})


def conclusion(mail: str, number: str = "CPL-2026-00001", *parts: Judged, at: str = AT, **changes) -> Conclusion:
    """Return the usual end of a submission: a Case opened, one draft and two promises."""
    values = {
        "message": digest(mail),
        "at": at,
        "kind": "new-entry",
        "message_id": f"<{mail}@maker.example>",
        "subject": f"New entry: {mail}",
        "sender": "anna@maker.example",
        "case": number,
        "opens": True,
        "correspondent": "anna@maker.example",
        "due": "2026-11-26",
        "references": ("<before@maker.example>",),
        "judgement": judgement(mail, *(parts or (judged(mail),)), at=at),
        "drafts": (draft(f"answer-{mail}"),),
        "effects": (effect(f"draft:{mail}"), effect(f"file:{mail}", "file", sha256=digest(mail), target="Done")),
    }
    return Conclusion(**(values | changes))


def by_hand(mail: str, number: str, *parts: Judged, decision: Decision = ACCEPT, by: str = "Ben", at: str = LATER):
    """Return what ``pipeline decide`` commits about a mail."""
    return Rejudged(
        case=number,
        at=at,
        by=by,
        why="They said so.",
        judgement=judgement(mail, *(parts or (judged(mail, decision),)), decision=decision, at=at),
        by_hand=True,
    )


def amendment(number: str = "A-2026-00001", **changes) -> Amendment:
    values = {
        "number": number,
        "kind": AmendmentKind.DZIR,
        "entries": ("000626", "000630"),
        "values": {"Device_ZigBee_Information_Repository.Stack_Vendor": RED},
        "why": "The maker wrote.",
        "by": "anna@maker.example",
        "at": AT,
        "until": "2027-01-31",
        "evidence": (Evidence(digest("letter"), "letter.pdf", "page 1", RED),),
    }
    return Amendment(**(values | changes))


def record(version: str = "3.001", base: str = "base", **changes) -> ReleaseRecord:
    values = {
        "version": version,
        "base": digest(base),
        "cpl": digest(f"cpl {version}"),
        "at": LATER,
        "by": "Cleo",
        "issued": date(2026, 11, 21),
        "manifest": {"white/cpl.xlsm": digest(f"cpl {version}"), "red/dzir.xlsx": digest("dzir")},
        "summary": ("One new SMETS2 device model added:", "000733"),
    }
    return ReleaseRecord(**(values | changes))


def documents(version: str = "3.001") -> tuple[InForce, ...]:
    """Return what a Release puts in force."""
    cpl = InForce("cpl", digest(f"cpl {version}"), version, LATER)
    return (cpl, *(InForce(kind, digest(f"{kind} {version}"), version, LATER) for kind in ("fir", "dzir", "contacts")))


def verdict(check: str = "form.format") -> Verdict:
    return Verdict(check, "Device_Model.firmware_version", "form.xlsm", True, "The scan says so.", "Ben", LATER)
