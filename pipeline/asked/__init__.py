"""Mails that ask for a change to listed entries without a form: recognised, read, and proposed to a person.

Guidance V6.0, 7.2.4, 7.2.9, 7.2.10 and Appendices 3 and 5 to 7. What a mail says is a proposal and nothing more: it
changes the list only after a person has accepted it.
"""

from pipeline.asked.proposal import Asked, Askers, Proposal
from pipeline.asked.request import requested

AMENDMENT = "amendment"
"""The kind of mail that asks for amendments, beside those of rules/kinds.yaml."""

__all__ = ["AMENDMENT", "Asked", "Askers", "Proposal", "requested"]
