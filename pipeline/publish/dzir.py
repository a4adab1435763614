"""The Device ZigBee Information Repository: RED, for the Security Sub-Committee alone (guidance Appendix 7, law 8)."""

from collections.abc import Sequence

from pipeline.domain.product import ProductList
from pipeline.domain.release import RepositoryRow
from pipeline.publish.repository import Table, write_table
from pipeline.readers.repository import DZIR_HEADINGS

_CLASSIFICATION = (
    "This document is classified as <b>RED</b>. It contains non-disclosable information and is restricted to the "
    "Security Sub-Committee members (including alternates). Participants must not disseminate the information "
    "outside of the governance group. <b>RED</b> information may only be discussed during a meeting where all "
    "participants present have signed a declaration form, stating their acceptance to abide by these terms. "
    "<b>RED</b> information should not be discussed with anyone who is not a member of the governance group."
)
_PURPOSE = (
    "The following table provides information about the ZigBee Stack Vendor and the ZigBee Stack Version used by "
    "the Device Model. Historic Device Models without this information are marked accordingly."
)

DZIR = Table(
    tab="DZIR",
    notices=(_CLASSIFICATION, _PURPOSE),
    title="Device ZigBee Information Repository",
    columns=DZIR_HEADINGS,
    widths=(26, 45, 45),
)
"""Texts and columns of guidance Figure 6."""


def write_dzir(rows: Sequence[RepositoryRow], products: ProductList, line: str) -> bytes:
    """Return the DZIR (.xlsx, RED), as ``write_table`` makes it: of each row only the two fields of its columns."""
    return write_table(DZIR, rows, products, line)
