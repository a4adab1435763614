"""The entries of the new workbook as our own reader reads them: what will be imported is what was planned."""

from collections.abc import Iterator, Mapping
from itertools import count

from pipeline.domain.product import DeviceModel, Product
from pipeline.domain.release import ReleasePlan
from pipeline.readers.cpl import CplReading, read_cpl

_MOST_NAMED = 20
Plain = tuple[str, str, DeviceModel, Mapping[str, str]]
"""What counts of an entry: not its row, nor a value that is empty."""


def product_faults(before: bytes, after: bytes, plan: ReleasePlan) -> Iterator[str]:
    """Yield what differs between the planned entries and those of the new workbook."""
    then, now = read_cpl(before), read_cpl(after)
    yield from (f"the old workbook: {problem.text}" for problem in then.problems)
    yield from (f"the new workbook: {problem.text}" for problem in now.problems)
    if now.template and (now.template.version, now.template.issued) != (plan.version, f"{plan.issued:%d-%m-%Y}"):
        yield f"the new workbook says that it is version {now.template.version} of {now.template.issued}"
    if not then.problems and not now.problems:
        yield from _entry_faults(then, now, plan)


def _entry_faults(then: CplReading, now: CplReading, plan: ReleasePlan) -> Iterator[str]:
    due = {product.number: _plain(product) for product in then.products}
    for change in plan.difference.changes:
        if change.before and due.get(change.number) != _plain(change.before):
            yield f"entry {change.number} of the old workbook is not what the plan was made from"
        if change.after:
            due[change.number] = _plain(change.after)
    if list(due.values()) != [_plain(product) for product in now.products]:
        wrong = [one.number for one in now.products if due.get(one.number) != _plain(one)]
        which = ", ".join(wrong[:_MOST_NAMED]) or "some are missing, or in another order"
        yield f"the entries of the new workbook are not the planned ones: {which}"
    rows = [product.row for product in then.products]
    below = count(rows[-1] + 1 if rows else 1)
    rows += [next(below) for _ in now.products[len(rows) :]]
    if [product.row for product in now.products] != rows:
        yield "the entries of the new workbook do not stand where they stood, the new ones below"


def _plain(product: Product) -> Plain:
    return product.number, product.status, product.model, {name: text for name, text in product.values.items() if text}
