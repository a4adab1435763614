"""The Manufacturer Image: its three fields together, its hash, and what can be upgraded to it."""

from collections.abc import Iterator

from pipeline.checks.fields import field_findings
from pipeline.checks.matter import Matter, Say, check, device_model
from pipeline.domain.evidence import Evidence
from pipeline.domain.finding import Finding
from pipeline.domain.product import DEVICE_TYPE, IMAGE_HASH, Product, ProductList
from pipeline.rulebook.schema import UpgradePath

CREATOR = "Manufacturer_Image.creator"
DESCRIPTOR = "Manufacturer_Image.descriptor"
FIRMWARE = "Device_Model.firmware_version"
MANUFACTURER = "Device_Model.manufacturer_identifier"
PATH = "Firmware_Upgrade.Path"
_NAMED_AT_MOST = 6


@check("image.complete")
def complete(matter: Matter, say: Say) -> Iterator[Finding]:
    """Creator, hash and descriptor together or not at all; a descriptor alone is only told (docs/adr/0005)."""
    names = (CREATOR, IMAGE_HASH, DESCRIPTOR)
    if any(name not in matter.submission.answers for name in names):
        yield say.not_applicable("A row of the image is missing, which form.layout reports.")
        return
    given = [name for name in names if matter.submission.text(name)]
    # A field whose cell has a fault of its own (a formula that gives nothing) is not reported as missing too.
    missing = [name for name in names if name not in given and matter.sound(name)]
    if not given or not missing:
        return
    evidence = tuple(item for name in names for item in matter.evidence(name))
    if given == [DESCRIPTOR]:
        yield say.advice(
            f"{DESCRIPTOR} is filled, but there is no hash; the entry will have no image.", evidence, subject=DESCRIPTOR
        )
        return
    matter.faulty.update(missing)
    yield say.fail(
        f"{' and '.join(given)} {'is' if len(given) == 1 else 'are'} filled, "
        f"but {' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} empty.",
        evidence,
        subject=missing[0],
        expected="creator, hash and descriptor all filled, or all empty",
        why="A hash is of no use to a Device without the identity of who made the image and what it contains.",
        remedy=f"Fill in {' and '.join(missing)}, or clear all three fields.",
    )


@check("image.hash-reused")
def hash_reused(matter: Matter, say: Say) -> Iterator[Finding]:
    """The same hash under another firmware version is a copying error more often than not; a person looks."""
    image = matter.submission.text(IMAGE_HASH)
    firmware = matter.submission.text(FIRMWARE)
    if not image or not firmware or not matter.sound(IMAGE_HASH, FIRMWARE):
        yield say.not_applicable("There is no sound hash to compare.")
        return
    others = [p for p in matter.products.with_hash(image) if p.model.firmware_version != firmware]
    if others:
        yield say.look(
            f"The hash is on the CPL already, under another firmware version: {_named(others)}.",
            (*matter.evidence(IMAGE_HASH), *(_entry(matter.products, p) for p in others[:_NAMED_AT_MOST])),
            subject=IMAGE_HASH,
            why="One image has one firmware version, so one of the two entries names the wrong hash.",
        )


@check("image.upgrade-path")
def upgrade_path(matter: Matter, say: Say) -> Iterator[Finding]:
    """Every entry named is on the CPL and of the same device type; NA only where the guidance allows it."""
    faults = list(field_findings(matter, say))
    path = matter.submission.text(PATH)
    rule = matter.rules.fields[PATH]
    if faults or not path or not isinstance(rule.format, UpgradePath) or not matter.sound(PATH):
        yield from faults
    elif path == rule.format.none:
        yield from _none_given(matter, say)
    elif not matter.submission.text(IMAGE_HASH):
        if IMAGE_HASH not in matter.submission.answers or not matter.sound(IMAGE_HASH):
            return  # the hash itself is reported already
        yield say.fail(
            f"{PATH} names entries, but the submission has no hash.",
            matter.evidence(PATH),
            subject=PATH,
            expected=rule.format.none,
            why=rule.why,
            remedy=f"Write {rule.format.none}, or give the Manufacturer Image.",
        )
    elif matter.template is None:
        yield say.look(
            f"There is no CPL in force to look up the entries of {PATH} in.", matter.evidence(PATH), subject=PATH
        )
    else:
        yield from _entries(matter, say, path.split("; "))


def _entries(matter: Matter, say: Say, numbers: list[str]) -> Iterator[Finding]:
    """One fault for all numbers that are wrong in the same way."""
    device_type = matter.device_type if matter.sound(DEVICE_TYPE) else ""
    maker = matter.submission.text(MANUFACTURER) if matter.sound(MANUFACTURER) else ""
    found = {number: matter.products.with_number(number) for number in numbers}
    unknown = [number for number, product in found.items() if product is None]
    entries = [product for product in found.values() if product is not None]
    other_type = [p for p in entries if device_type and p.kind[0].casefold() != device_type.casefold()]
    strangers = [p for p in entries if maker and p.model.manufacturer_identifier != maker]
    evidence = matter.evidence(PATH)
    more = {"subject": PATH, "why": matter.rules.fields[PATH].why}
    if unknown:
        yield say.fail(
            f"{PATH} names {', '.join(unknown)}, which the CPL does not have.",
            evidence,
            expected="numbers from column B of the Central Products List tab",
            remedy="Correct the numbers.",
            **more,
        )
    elif other_type:
        yield say.fail(
            f"{PATH} names entries of another device type: {_named(other_type)}.",
            evidence,
            expected=f"entries of the type {device_type}",
            remedy="Correct the numbers.",
            **more,
        )
    elif len(set(numbers)) < len(numbers):
        yield say.advice(f"{PATH} names an entry twice.", evidence, **more)
    elif strangers:
        yield say.look(f"{PATH} names entries of another manufacturer: {_named(strangers)}.", evidence, **more)


def _none_given(matter: Matter, say: Say) -> Iterator[Finding]:
    """NA with a hash is asked about when the list has other firmware of the same hardware."""
    model = device_model(matter.submission)
    if not matter.submission.text(IMAGE_HASH) or model is None:
        return
    siblings = [
        product
        for product in matter.products.with_hardware(model)
        if product.status == "Current"
        and product.model.firmware_version != model.firmware_version
        and product.kind[0].casefold() == matter.submission.text(DEVICE_TYPE).casefold()
    ]
    if siblings:
        yield say.ask(
            f"{PATH} is NA, but the CPL has other firmware of the same hardware: {_named(siblings)}.",
            matter.evidence(PATH),
            subject=PATH,
            expected="the entries that can be upgraded directly to this Device Model, or your word that there are none",
            why=matter.rules.fields[PATH].why,
            remedy="Tell us in your reply whether none of them can be upgraded to this firmware without an interim "
            "step; if some can, send the form again with their numbers.",
        )


def _named(products: list[Product]) -> str:
    shown = ", ".join(f"{p.number} ({p.model.firmware_version})" for p in products[:_NAMED_AT_MOST])
    more = len(products) - _NAMED_AT_MOST
    return f"{shown} and {more} more" if more > 0 else shown


def _entry(products: ProductList, product: Product) -> Evidence:
    return Evidence(
        products.artefact, f"CPL {products.version}", f"Central Products List, row {product.row}", product.number
    )
