"""Read the files under rules/ into one Rulebook; refuse, with file and place, what does not fit."""

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from pipeline.rulebook.schema import (
    AssuranceFile,
    CheckRule,
    ChecksFile,
    Condition,
    DecisionFile,
    FieldRule,
    FormChange,
    FormFile,
    KindsFile,
)

SMETS1_VERSION = "SMETS V1.2"
SMETS1_GBCS = "GBCS Version 0.0"

Combination = tuple[str, str, str]
"""Device_Type, SMETS/CHTS version, GBCS version (Device Level Versioning, guidance Appendix 8)."""

_Shape = TypeVar("_Shape")

# The C parser is ten times as fast; PyYAML carries it in its wheels, but not everywhere.
_YamlLoader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class RulesBroken(Exception):  # noqa: N818 - named for the fact
    """A file under rules/ cannot be used. The text names the file, the place and what is wrong."""


@dataclass(frozen=True)
class Rulebook:
    """All rules in force, and the bundle of bytes they were read from.

    version: the newest form version described. earliest: the oldest CPL version whose form is taken.
    combinations: every known triple, True where it is still offered. files: path under rules/ to its text.
    """

    version: str
    earliest: str
    conditions: Mapping[str, Condition]
    allocated: tuple[str, ...]
    fields: Mapping[str, FieldRule]
    combinations: Mapping[Combination, bool]
    checks: Mapping[str, CheckRule]
    confidential_words: tuple[str, ...]
    assurance: AssuranceFile
    decision: DecisionFile
    kinds: KindsFile
    manufacturers: Mapping[str, tuple[str, ...]]
    files: Mapping[str, str]

    @classmethod
    def load(cls, folder: Path) -> "Rulebook":
        """Read a folder laid out as rules/. RulesBroken names what does not fit."""
        paths = sorted(p for p in folder.rglob("*") if p.suffix in {".yaml", ".csv"})
        if not paths:
            raise RulesBroken(f"{folder}: no rules files here")
        try:
            return cls.from_files({p.relative_to(folder).as_posix(): p.read_text("utf-8") for p in paths})
        except (OSError, UnicodeDecodeError) as error:
            raise RulesBroken(f"{folder}: {error}") from error

    @classmethod
    def from_bundle(cls, bundle: bytes) -> "Rulebook":
        """Read the rules back from stored bytes (``pipeline replay``)."""
        return cls.from_files(msgspec.json.decode(bundle, type=dict[str, str]))

    @classmethod
    def from_files(cls, files: Mapping[str, str]) -> "Rulebook":
        """Build the rules from file texts by path under rules/."""
        form = _read(files, "form.yaml", FormFile)
        fields = {rule.field: rule for rule in form.fields}
        version, earliest = form.version, form.version
        for name in sorted(n for n in files if n.startswith("form-") and n.endswith(".yaml")):
            change = _read(files, name, FormChange)
            for item in change.change:
                _change(fields, item, name)
            fields |= {rule.field: rule for rule in change.add}
            version, earliest = change.version, change.earliest or earliest
        checks = _read(files, "checks.yaml", ChecksFile)
        by_id = {check.id: check for check in checks.checks}
        if len(by_id) != len(checks.checks):
            raise RulesBroken("rules/checks.yaml: an id stands twice")
        book = cls(
            version=version,
            earliest=earliest,
            conditions=form.conditions,
            allocated=form.allocated,
            fields=fields,
            combinations=_combinations(files),
            checks=by_id,
            confidential_words=checks.confidential_words,
            assurance=_read(files, "assurance.yaml", AssuranceFile),
            decision=_read(files, "decision.yaml", DecisionFile),
            kinds=_read(files, "kinds.yaml", KindsFile),
            manufacturers=_manufacturers(files),
            files=dict(files),
        )
        book._cross_check()
        return book

    @cached_property
    def bundle(self) -> bytes:
        """The rules as canonical bytes, to be stored once as an artefact."""
        return json.dumps(self.files, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()

    @cached_property
    def fingerprint(self) -> str:
        """sha256 of the bundle: names these rules for ever."""
        return hashlib.sha256(self.bundle).hexdigest()

    def holds(self, condition: str, device_type: str, family: str) -> bool:
        """Say whether a named condition holds for a Device; the empty name never does."""
        return bool(condition) and self.conditions[condition].holds(device_type, family)

    def family(self, smets_chts: str, gbcs: str) -> str:
        """``smets1`` or ``smets2``; the GBCS version decides where the SMETS one is missing (guidance 6 and 7)."""
        if smets_chts:
            return "smets1" if smets_chts == SMETS1_VERSION else "smets2"
        return "smets1" if gbcs == SMETS1_GBCS else "smets2"

    def _loose_ends(self) -> Iterator[str]:
        """Names that one file uses and the other does not have."""
        for rule in self.fields.values():
            used = [rule.required, *rule.forbidden, rule.tolerated.condition if rule.tolerated else ""]
            yield from (f"{rule.field}: condition {n}" for n in used if n and n not in self.conditions)
            ids = [rule.missing, *(bad.check for bad in rule.bad)]
            yield from (f"{rule.field}: check {n}" for n in ids if n not in self.checks)
            if rule.goes_with and rule.goes_with.field not in self.fields:
                yield f"{rule.field}: field {rule.goes_with.field}"
        for kind in self.assurance.certificates:
            if kind.required not in self.conditions:
                yield f"assurance {kind.kind}: condition {kind.required}"
            if f"certificate.present.{kind.kind}" not in self.checks:
                yield f"assurance {kind.kind}: check certificate.present.{kind.kind}"

    def _cross_check(self) -> None:
        loose = list(self._loose_ends())
        if loose:
            raise RulesBroken("rules/: used but nowhere described: " + "; ".join(loose))
        for table, rows in (("submission", self.decision.submission), ("mail", self.decision.mail)):
            if not rows or not rows[-1].when.otherwise:
                raise RulesBroken(f"rules/decision.yaml: the last row of '{table}' must be the one that always holds")


def _read(files: Mapping[str, str], name: str, shape: type[_Shape]) -> _Shape:
    try:
        tree: Any = yaml.load(files[name], Loader=_YamlLoader)  # noqa: S506 - both candidates are safe loaders
        return msgspec.convert(tree, type=shape)
    except KeyError:
        raise RulesBroken(f"rules/{name} is missing") from None
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise RulesBroken(f"rules/{name}: {error}") from error


def _change(fields: dict[str, FieldRule], item: dict[str, object], name: str) -> None:
    field = str(item.get("field", ""))
    if field not in fields:
        raise RulesBroken(f"rules/{name}: changes the unknown field '{field}'")
    merged = msgspec.to_builtins(fields[field]) | {key: value for key, value in item.items() if key != "field"}
    try:
        fields[field] = msgspec.convert(merged, type=FieldRule)
    except msgspec.ValidationError as error:
        raise RulesBroken(f"rules/{name}: {field}: {error}") from error


def _table(files: Mapping[str, str], name: str, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    if name not in files:
        raise RulesBroken(f"rules/{name} is missing")
    header, *rows = list(csv.reader(io.StringIO(files[name]))) or [[]]
    if tuple(header) != columns:
        raise RulesBroken(f"rules/{name}: the first line must be {','.join(columns)}")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(columns):
            raise RulesBroken(f"rules/{name}, line {number}: {len(row)} values instead of {len(columns)}")
    return [tuple(row) for row in rows]


def _combinations(files: Mapping[str, str]) -> dict[Combination, bool]:
    name = "device_level_versions.csv"
    found: dict[Combination, bool] = {}
    for number, row in enumerate(
        _table(files, name, ("device_type", "smets_chts_version", "gbcs_version", "offered")), start=2
    ):
        triple = (row[0], row[1], row[2])
        if triple in found or row[3] not in {"yes", "no"}:
            raise RulesBroken(f"rules/{name}, line {number}: stands twice, or 'offered' is not yes or no")
        found[triple] = row[3] == "yes"
    return found


def _manufacturers(files: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    rows = _table(files, "manufacturers.csv", ("manufacturer_identifier", "name", "aliases"))
    return {code: (name, *filter(None, aliases.split("|"))) for code, name, aliases in rows}
