"""RED stays RED (law 8): what a mail says of the ZigBee stack is in Proposal.values and nowhere else."""

from dataclasses import replace

import pytest

from tests.asking import OLD, ask, cpa

VENDOR, VERSION = "Zzyzxvendor", "Q77.4"
EVERY = f"Stack Vendor: {VENDOR}\nStack Version: {VERSION}"
BODIES = [
    f"Please update the DZIR for entry 000010.\n{EVERY}",
    f"Please set the stack vendor of entry 000010 to {VERSION} {VENDOR} because {VENDOR} {VERSION} is right?",
    f"Please update the DZIR for entry 000010: {VENDOR}, {VERSION}.",
    f"Please update the DZIR for entry 000010.\nStack Vendor: {VENDOR * 9}\nStack Version: {VERSION}",
    f"Please update the DZIR for entry 000010.\n{EVERY}\n{EVERY} or {VENDOR}2",
    f"Please update the DZIR of 000010.\n{EVERY}\n\nPlease remove 000001 from the CPL because {VENDOR} fails.",
    f"Please correct the typo in the firmware version of entry 000010 because of {VENDOR}.\n{EVERY}",
    f"Please update {OLD} as attached, because of {VENDOR}.\n{EVERY}",
    f"Please remove entry 000010 from the CPL because of {VENDOR}.\n\n> ZigBee stack version: {VERSION}",
]


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("subject", ["A request", f"DZIR {VENDOR} {VERSION}"])
def test_it_is_in_the_values_alone(body, subject):
    paper = replace(cpa(), file=f"{VENDOR}.pdf")
    odd = replace(paper, kind="", file=f"{VERSION}.pdf")
    found = ask(body, subject, papers=[paper, odd])
    assert found.proposals
    for proposal in found.proposals:
        said = [proposal.why, *proposal.doubts, *(e.text for e in proposal.evidence), repr(proposal.entries)]
        assert not [text for text in (*said, *found.unclear) if VENDOR in text or VERSION in text]
        bare = replace(proposal, evidence=tuple(replace(e, file="") for e in proposal.evidence))
        assert VENDOR not in repr(bare)
        assert VERSION not in repr(bare)


def test_a_stack_version_that_looks_like_an_entry_is_none():
    (found,) = ask("Please update the DZIR for entry 000010.\nStack Vendor: Acme\nStack Version: 000009").proposals
    assert (found.entries, found.doubts) == (("000010",), ())
    assert "000009" not in repr(found)


def test_only_the_dzir_may_set_what_is_red():
    (found,) = ask(f"Please correct the typo in the firmware version of entry 000010.\n{EVERY}").proposals
    assert not {VENDOR, VERSION} & set(found.values.values())
