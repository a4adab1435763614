"""Which issuers' newest revocation list has run out."""

from datetime import UTC, datetime, timedelta

from pipeline.demo.pki import authority, ec_key, root
from pipeline.domain.signature import TrustMaterial
from pipeline.readers.trust_lists import lists_out_of_date

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
ONE, OTHER = (
    root(authority(name, "Larkholme", AT - 900 * DAY, AT + 900 * DAY), ec_key(name)) for name in ("One", "Other")
)


def test_the_newest_list_of_each_issuer_counts():
    old, new = ONE.crl(AT - 9 * DAY, AT - 2 * DAY), ONE.crl(AT - DAY, AT + 6 * DAY)
    gone = OTHER.crl(AT - 9 * DAY, AT - 3 * DAY)
    assert lists_out_of_date(TrustMaterial(crls=(new, old)), AT) == ()
    assert lists_out_of_date(TrustMaterial(crls=(old, new)), AT) == ()
    ((issuer, until),) = lists_out_of_date(TrustMaterial(crls=(new, gone, old)), AT)
    assert "Other" in issuer
    assert until == "2026-11-18T09:00:00Z"


def test_a_list_runs_out_after_its_last_moment():
    crls = (ONE.crl(AT - DAY, AT),)
    assert lists_out_of_date(TrustMaterial(crls=crls), AT) == ()
    assert len(lists_out_of_date(TrustMaterial(crls=crls), AT + timedelta(seconds=1))) == 1


def test_no_lists_are_not_out_of_date():
    assert lists_out_of_date(TrustMaterial(), AT) == ()
