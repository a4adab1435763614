"""Whose word is taken for where a mail comes from, and which names pretend to be somebody else."""

from dataclasses import replace
from datetime import date

import pytest

from pipeline.checks.sender import EXCHANGE_ONLINE, DomainCheck, Vouched, believed, misnamed, vouched
from pipeline.checks.smets1 import listed
from pipeline.domain.judgement import Circumstances
from pipeline.domain.message import Address, Authentication, Message
from pipeline.ledger.codec import decode, encode
from pipeline.readers.message import read_message

MX = ("mx.secas.example",)
EOP = "db8eur05ft056.mail.protection.outlook.com"
INSIDE = ("lo2p265mb0001.gbrp265.prod.outlook.com", "cwlp265ca01.outlook.office365.com")


def stamp(by: str = MX[0], result: str = "pass", *above: str, domain: str = "maker.example") -> Authentication:
    return Authentication(by, above, ((result, domain),) if result else (), f"{by} {result}")


def read(*headers: str, sender: str = "jo@maker.example") -> Message:
    return read_message("\r\n".join((*headers, f"From: {sender}", "", "text")).encode()).message


def result(message: Message, *border: str) -> DomainCheck:
    return vouched(message, border or MX).result


GOOD = "Authentication-Results: mx.secas.example; dmarc=pass header.from=maker.example"
BAD = "Authentication-Results: mx.secas.example; dmarc=fail header.from=maker.example"
BORDER = "Received: from unknown (192.0.2.9) by mx.secas.example; Mon, 02 Nov 2026 09:00:00 +0000"
EXCHANGE = (
    "Authentication-Results: spf=pass smtp.mailfrom=maker.example;dmarc=pass action=none header.from=maker.example"
)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((GOOD, BORDER), DomainCheck.PASSED),
        ((BORDER, GOOD), DomainCheck.PASSED),
        ((GOOD, BORDER, BAD), DomainCheck.PASSED),
        ((BAD, BORDER, GOOD), DomainCheck.FAILED),
        ((BORDER, BAD, GOOD), DomainCheck.FAILED),
        ((GOOD.replace("mx.", "MX."), BORDER), DomainCheck.PASSED),
        ((GOOD.replace("mx.secas", "mx.maker"), BORDER), DomainCheck.UNKNOWN),
        ((GOOD.replace("mx.secas", "not-mx.secas"), BORDER), DomainCheck.UNKNOWN),
        ((BORDER,), DomainCheck.UNKNOWN),
        ((GOOD.replace("dmarc=pass", "dmarc=none"),), DomainCheck.UNKNOWN),
        ((GOOD.replace("dmarc=pass", "dmarc=temperror"),), DomainCheck.UNKNOWN),
        ((GOOD.replace("maker", "other"),), DomainCheck.FAILED),
        ((EXCHANGE,), DomainCheck.UNKNOWN),
    ],
)
def test_what_the_border_says_of_a_real_mail(headers, expected):
    assert result(read(*headers)) is expected


def test_who_says_so_and_in_which_words():
    assert vouched(read(BAD), MX) == Vouched(
        DomainCheck.FAILED, "mx.secas.example", "mx.secas.example; dmarc=fail header.from=maker.example"
    )
    assert vouched(read(EXCHANGE), (EXCHANGE_ONLINE,)).by == "Exchange Online"
    assert vouched(read(), MX) == Vouched(DomainCheck.UNKNOWN)


def test_one_result_for_several_senders_passes_nobody():
    assert result(read(GOOD, sender="jo@maker.example, jo@other.example")) is DomainCheck.FAILED
    assert result(read(GOOD, sender="jo@maker.example, al@maker.example")) is DomainCheck.PASSED
    assert result(read(GOOD, sender="nobody")) is DomainCheck.FAILED


@pytest.mark.parametrize("sender", ["jo@xn--mker-loa.example", "jo@m\u0430ker.example", "jo@ma\u212aer.example"])
def test_a_look_alike_of_the_domain_that_passed_is_another(sender):
    assert result(read(GOOD, sender=sender)) is DomainCheck.FAILED


@pytest.mark.parametrize(
    ("above", "of_border"),
    [
        ((), True),
        (INSIDE, True),
        (("outlook.com",), True),
        ((EOP,), False),
        ((*INSIDE, EOP), False),
        (("mx.maker.example",), False),
        (("notoutlook.com",), False),
        (("outlook.com.maker.example",), False),
        (("",), False),
    ],
)
def test_where_the_header_of_exchange_online_stands(above, of_border):
    found = believed([stamp("", "pass", *above)], (EXCHANGE_ONLINE,))
    assert bool(found) is of_border


def test_nobody_is_believed_who_is_not_named():
    everyone = [stamp(""), stamp(EXCHANGE_ONLINE), stamp(), stamp("mx.secas.example.maker.example")]
    assert believed(everyone, ()) == ()
    assert believed(everyone, ("", " ")) == ()
    assert believed(everyone[1:2], (EXCHANGE_ONLINE,)) == ()
    assert believed(everyone, (" MX.secas.example ",)) == (everyone[2],)


def test_only_the_topmost_of_a_name_and_those_beside_it():
    top, beside, below = stamp(), stamp(result="fail"), stamp(MX[0], "pass", "relay.example")
    assert believed([stamp("other.example"), top, beside, below], MX) == (top, beside)


@pytest.mark.parametrize(
    ("name", "addr", "pretends"),
    [
        ("Jo Maker", "jo@maker.example", ""),
        ("jo@maker.example", "jo@maker.example", ""),
        ("jo@MAKER.example.", "jo@mail.maker.example", ""),
        ("'jo@mail.maker.example' via list", "list@maker.example", ""),
        ("jo@maker.example", "x@evil.example", "jo@maker.example"),
        ("Jo (jo@maker.example)", "x@evil.example", "jo@maker.example"),
        ("jo@maker.example <jo@maker.example>", "x@notmaker.example", "jo@maker.example"),
        ("jo@notmaker.example", "x@maker.example", "jo@notmaker.example"),
        ("jo\uff20maker.example", "x@evil.example", "jo@maker.example"),
        ("x@evil.example jo@maker.example", "x@evil.example", "jo@maker.example"),
        ("@ 9 o'clock", "x@evil.example", ""),
        ("", "x@evil.example", ""),
    ],
)
def test_a_name_that_reads_as_another_address(name, addr, pretends):
    assert misnamed(Address(name, addr)) == pretends


@pytest.mark.parametrize(
    ("addr", "entry", "found"),
    [
        ("JO@maker.example", "jo@Maker.example", True),
        ("jo@fi\u017fher.example", "fisher.example", False),
        ("jo@ma\u212aer.example", "maker.example", False),
        ("jo@m\u00fcller.example", "m\u00fcller.example", True),
    ],
)
def test_letters_that_fold_into_others_are_no_others(addr, entry, found):
    assert listed(Address("", addr), (entry,)) is found


def test_what_was_stored_before_there_was_a_border_can_be_read_back():
    was = encode(replace(Circumstances(date(2026, 3, 4)), border=MX))
    assert decode(was, Circumstances).border == MX
    assert decode(was.replace('"border":["mx.secas.example"],', ""), Circumstances).border == ()
