"""The duplicate check against lists of growing length: the time must not grow with them.

python benchmarks/duplicates.py [--entries 1000 10000 100000] [--runs 200]
"""

import argparse
from dataclasses import replace
from datetime import date
from functools import partial

from timing import milliseconds, table

from pipeline.checks import duplicates
from pipeline.checks.matter import Matter, Say, device_model
from pipeline.config import shipped
from pipeline.demo.answers import good_answers
from pipeline.demo.form import new_entry_form
from pipeline.demo.workbook import sample_cpl
from pipeline.domain.finding import Finding
from pipeline.domain.judgement import Circumstances
from pipeline.domain.product import DeviceModel, Product, ProductList
from pipeline.readers.cpl import read_cpl
from pipeline.readers.form import read_form
from pipeline.readers.submission import assemble
from pipeline.rulebook import Rulebook


def entries(count: int) -> tuple[Product, ...]:
    """Return made entries, every Device Model once."""
    return tuple(
        Product(f"{n:06}", "Current", DeviceModel("E1:09", "00:01", "01", "02", n.to_bytes(4, "big").hex(":").upper()),
                {"Device_Type.name": "Gas Smart Meter"}, n)
        for n in range(1, count + 1)
    )  # fmt: skip


def asked(matter: Matter, say: Say) -> list[Finding]:
    """Run the check itself."""
    return list(duplicates.on_list.judge(matter, say))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="lengths of the list")
    parser.add_argument("--runs", type=int, default=200, help="counted runs of each")
    given = parser.parse_args()

    rules = Rulebook.load(shipped("rules"))
    template = read_cpl(sample_cpl()).template
    form = read_form(new_entry_form(good_answers()))
    submission = assemble("form.xlsm", "0" * 64, form, rules=rules, template=template)
    model = device_model(submission)
    assert model is not None
    say = Say(rules.checks[duplicates.on_list.id])
    on = Circumstances(date(2026, 11, 20))

    rows, base = [], 0.0
    for count in given.entries:
        made = entries(count)
        built = milliseconds(partial(ProductList, "", "", made), 1)
        without = Matter(submission, rules, on, template, ProductList("", "", made))
        listed = ProductList("", "", (*made[:-1], replace(made[-1], model=model)))
        holding = replace(without, products=listed)
        new = milliseconds(partial(asked, without, say), given.runs) * 1000
        known = milliseconds(partial(asked, holding, say), given.runs) * 1000
        base = base or new
        rows.append([f"{count:,}", f"{built:.1f}", f"{new:.1f}", f"{known:.1f}", f"{new / base:.2f}"])
    print("The duplicate check of one submission; the index is built once for each list")
    print(table(("entries", "index, ms", "not listed, us", "listed, us", "against the shortest"), rows))


if __name__ == "__main__":
    main()
