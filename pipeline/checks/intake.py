"""The mail and its files: is there a workbook, could everything be read, who sent it, was it seen before?"""

from collections.abc import Iterator

from pipeline.checks.matter import Matter, Say, check
from pipeline.checks.sender import DomainCheck, domain_of, misnamed, vouched
from pipeline.checks.smets1 import listed
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding
from pipeline.domain.message import Message, Problem


@check("intake.workbook", needs="mail")
def workbook(matter: Matter, say: Say) -> Iterator[Finding]:
    """A mail that speaks of a submission brings a workbook."""
    if not matter.submission.file:
        yield say.ask(
            "Your mail speaks of a CPL submission, but we found no 'CPL - New Entry' workbook in it.",
            _mail(matter),
            expected="one .xlsm workbook with the tab 'CPL - New Entry' for each submission",
            remedy="Send the workbook and its certificates in reply to this mail. If you meant something else, such as "
            "a new CPA Certificate for an entry on the list, tell us so and a person will look after it.",
        )


@check("intake.encrypted", needs="file")
def encrypted(matter: Matter, say: Say) -> Iterator[Finding]:
    """A file that asks for a password cannot be judged."""
    for problem, evidence in _problems(matter):
        if problem.kind == "encrypted":
            yield say.fail(
                f"{_file(problem, matter)} cannot be opened: {problem.text.rstrip('.')}.",
                evidence,
                expected="files that open without a password",
                why="SECAS must read every value in it.",
                remedy="Take the password off and send the file again. Sheet protection may stay.",
            )


@check("intake.unpacked", needs="file")
def unpacked(matter: Matter, say: Say) -> Iterator[Finding]:
    """The workbook could be read; what else could not be is looked at by a person."""
    own = {problem.text for problem in matter.submission.form.problems}
    for problem, evidence in _problems(matter):
        if problem.kind == "encrypted":
            continue
        sentence = f"{_file(problem, matter)} could not be read: {problem.text.rstrip('.')}."
        if problem.text in own or not matter.submission.file:
            yield say.fail(
                sentence,
                evidence,
                expected="an .xlsm workbook that Excel opens without repair",
                remedy="Open the file in Excel, save it again as .xlsm and send it anew.",
            )
        else:
            yield say.look(sentence, evidence)


def _problems(matter: Matter) -> Iterator[tuple[Problem, tuple[Evidence, ...]]]:
    for problem in matter.submission.form.problems:
        yield problem, matter.whole_file()
    if matter.first and matter.message:
        # The mail reader sees a broken workbook too; the form reader's words for it are enough.
        told = {item.file for item in matter.batch if item.form.problems}
        for problem in matter.message.problems:
            if problem.where not in told:
                yield problem, (Evidence(matter.message.sha256, problem.where),)


def _file(problem: Problem, matter: Matter) -> str:
    return problem.where or matter.submission.file.rsplit(" › ", 1)[-1] or "A part of the mail"


def _mail(matter: Matter) -> tuple[Evidence, ...]:
    message = matter.message
    return (Evidence(message.sha256, "", "header Subject", message.subject),) if message else ()


@check("intake.sender", needs="mail")
def sender(matter: Matter, say: Say) -> Iterator[Finding]:
    """One sender, who is who they seem, and whom the register of submitters knows, where a register is kept."""
    message, register = matter.message, matter.circumstances.submitters
    if message is None:
        yield say.not_applicable("There is no mail, only a workbook.")
    elif len(message.senders) != 1:
        yield say.look(f"The mail names {len(message.senders)} senders instead of one.", _from(message))
    elif pretended := misnamed(message.senders[0]):
        addr = message.senders[0].addr
        yield say.look(f"The sender's name reads {pretended}, but the address is {addr}.", _from(message))
    elif not message.senders[0].addr.isascii():
        yield say.look("The sender's address has letters that may look like others.", _from(message))
    elif not register:
        yield say.not_applicable("No register of submitters is kept.")
    elif not listed(message.senders[0], (*register, *matter.circumstances.dcc)):
        yield say.look(f"{message.senders[0].addr} is not in the register of submitters.", _from(message))


@check("intake.authentic", needs="mail")
def authentic(matter: Matter, say: Say) -> Iterator[Finding]:
    """The mail comes from the domain it says: the policy of that domain (DMARC) was checked at our border."""
    message, circumstances = matter.message, matter.circumstances
    if message is None:
        yield say.not_applicable("There is no mail, only a workbook.")
        return
    if not circumstances.border:
        yield say.not_applicable("No mail server is named whose check of the sender is believed.")
        return
    if len(message.senders) != 1:
        yield say.not_applicable("The mail does not name one sender.")
        return
    found, domain = vouched(message, circumstances.border), domain_of(message.senders[0])
    evidence = (Evidence(message.sha256, "", "header Authentication-Results", found.text),)
    if found.result is DomainCheck.FAILED:
        sentence = f"The mail claims to come from {domain}, but the check of that domain's policy (DMARC) failed at"
        yield say.look(f"{sentence} our border, {found.by}.", evidence)
    elif found.result is DomainCheck.UNKNOWN:
        speak = say.look if circumstances.submitters else say.advice
        yield speak(
            f"It could not be established that the mail comes from {domain}: our border has no result of a check of "
            "that domain's policy (DMARC) that says so.",
            evidence,
            remedy="Whoever looks after your domain can publish such a policy and have your mail signed (DKIM).",
        )


def _from(message: Message) -> tuple[Evidence, ...]:
    return (Evidence(message.sha256, "", "header From", ", ".join(a.addr for a in message.senders[:5])),)


@check("intake.repeat", needs="file")
def repeat(matter: Matter, say: Say) -> Iterator[Finding]:
    """The same workbook, octet for octet, that was judged in another Case."""
    case = (matter.circumstances.seen or {}).get(matter.submission.artefact, "")
    if case:
        yield say.advice(f"This very workbook was sent before and is known as case {case}.", matter.whole_file())
