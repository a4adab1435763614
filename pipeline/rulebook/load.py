"""Read the files under rules/ into one Rulebook; refuse, with file and place, what does not fit."""

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from pipeline.domain.finding import Settler, Status
from pipeline.domain.judgement import Outcome
from pipeline.domain.product import DEVICE_TYPE
from pipeline.rulebook.alignment import AlignmentFile, Convention, conventions
from pipeline.rulebook.certificates import CertificateKind, certificate_kinds
from pipeline.rulebook.reminders import RemindersFile
from pipeline.rulebook.requests import RequestsFile
from pipeline.rulebook.schema import (
    AssuranceFile,
    CheckRule,
    ChecksFile,
    Choice,
    Condition,
    DecisionFile,
    FieldRule,
    FormChange,
    FormFile,
    KindsFile,
)
from pipeline.rulebook.signers import SignersFile

SMETS1_VERSION = "SMETS V1.2"
SMETS1_GBCS = "GBCS Version 0.0"
REQUESTS = "requests.yaml"
REMINDERS = "reminders.yaml"

Combination = tuple[str, str, str]
"""Device_Type, SMETS/CHTS version, GBCS version (Device Level Versioning, guidance Appendix 8)."""

_Shape = TypeVar("_Shape")

_VERSION = re.compile(r"[0-9]{1,4}\.[0-9]{1,4}")

# The C parser is ten times as fast; PyYAML carries it in its wheels, but not everywhere.
_SafeLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_SafeLoader):  # type: ignore[misc]  # one of two base classes, chosen when the program starts
    """A safe YAML loader that refuses a key that stands twice, where PyYAML would silently take the last one."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """Build one mapping; ConstructorError where a key is repeated."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' stands twice", key.start_mark)
            if isinstance(key.value, str):
                seen.add(key.value)
        built: dict[object, object] = super().construct_mapping(node, deep)
        return built


class RulesBroken(Exception):  # noqa: N818 - named for the fact
    """A file under rules/ cannot be used. The text names the file, the place and what is wrong."""


@dataclass(frozen=True)
class Rulebook:
    """All rules in force, and the bundle of bytes they were read from.

    version: the newest form version described. earliest: the oldest CPL version whose form is taken.
    combinations: every known triple, True where it is still offered. files: path under rules/ to its text.
    reminders: None only in rules stored before there were any, which judge as they did and remind of nothing.
    stored: read back for a replay; there may be checks today that they do not know.
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
    signers: SignersFile
    certificates: Mapping[str, CertificateKind]
    alignment: AlignmentFile
    conventions: Mapping[str, tuple[Convention, ...]]
    decision: DecisionFile
    kinds: KindsFile
    requests: RequestsFile
    manufacturers: Mapping[str, tuple[str, ...]]
    reminders: RemindersFile | None
    files: Mapping[str, str]
    stored: bool = field(default=False, compare=False)

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
        try:
            files = msgspec.json.decode(bundle, type=dict[str, str])
        except msgspec.MsgspecError as error:
            raise RulesBroken(f"the stored rules are damaged: {error}") from error
        return cls.from_files(files, stored=True)

    @classmethod
    def from_files(cls, files: Mapping[str, str], *, stored: bool = False) -> "Rulebook":
        """Build the rules from file texts by path under rules/. stored: they may be older than a file of today's."""
        form = _read(files, "form.yaml", FormFile)
        fields: dict[str, FieldRule] = {}
        _add(fields, form.fields, "form.yaml")
        version, earliest = form.version, form.version
        for name, change in _changes(files):
            for item in change.change:
                _change(fields, item, name)
            _add(fields, change.add, name)
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
            signers=_read(files, "signers.yaml", SignersFile),
            certificates=_kinds(files),
            alignment=_read(files, "alignment.yaml", AlignmentFile),
            conventions=_conventions(files),
            decision=_read(files, "decision.yaml", DecisionFile),
            kinds=_read(files, "kinds.yaml", KindsFile),
            requests=RequestsFile() if stored and REQUESTS not in files else _read(files, REQUESTS, RequestsFile),
            manufacturers=_manufacturers(files),
            reminders=None if stored and REMINDERS not in files else _read(files, REMINDERS, RemindersFile),
            files=dict(files),
            stored=stored,
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
        """``smets1`` or ``smets2`` (guidance 6 and 7); an empty version says nothing.

        Empty where neither says anything, or where the two contradict each other and nobody can tell which is wrong.
        """
        pairs = ((smets_chts, SMETS1_VERSION), (gbcs, SMETS1_GBCS))
        said = {"smets1" if version == smets1 else "smets2" for version, smets1 in pairs if version}
        return said.pop() if len(said) == 1 else ""

    def _loose_ends(self) -> Iterator[str]:
        """Names that one file uses and the other does not have."""
        for rule in self.fields.values():
            used = [rule.required, *rule.forbidden, rule.tolerated.condition if rule.tolerated else ""]
            yield from (f"{rule.field}: condition {n}" for n in used if n and n not in self.conditions)
            ids = [rule.missing, *(bad.check for bad in rule.bad)]
            yield from (f"{rule.field}: check {n}" for n in ids if n not in self.checks)
            if rule.goes_with and rule.goes_with.field not in self.fields:
                yield f"{rule.field}: field {rule.goes_with.field}"
        known = self.fields[DEVICE_TYPE].format if DEVICE_TYPE in self.fields else None
        names = known.values if isinstance(known, Choice) else ()
        audiences = self.reminders.audiences if self.reminders else {}
        for name, condition in (*self.conditions.items(), *audiences.items()):
            meant = (*condition.types, *condition.not_types)
            yield from (f"condition {name}: Device_Type {kind}" for kind in meant if kind not in names)
        for kind in self.assurance.certificates:
            if kind.required not in self.conditions:
                yield f"assurance {kind.kind}: condition {kind.required}"
            if f"certificate.present.{kind.kind}" not in self.checks:
                yield f"assurance {kind.kind}: check certificate.present.{kind.kind}"
        for request in self.requests.requests:
            yield from (f"request {request.kind}: {k}" for k in request.documents if k not in self.certificates)

    def _cross_check(self) -> None:
        loose = list(self._loose_ends())
        if loose:
            raise RulesBroken("rules/: used but nowhere described: " + "; ".join(loose))
        _check_tables(self.decision)


def _check_tables(decision: DecisionFile) -> None:
    """No table may fall off its end, and no edit of the submission table may accept what is not settled."""
    for table, rows in (("submission", decision.submission), ("mail", decision.mail)):
        where = f"rules/decision.yaml: the table '{table}'"
        if not rows or not rows[-1].when.otherwise:
            raise RulesBroken(f"{where}: the last row must be the one that always holds")
        if len({row.id for row in rows}) != len(rows):
            raise RulesBroken(f"{where}: an id stands twice")
        for row in rows[:-1]:
            if row.outcome is Outcome.ACCEPT:
                raise RulesBroken(f"{where}: only the last row may accept, not '{row.id}'")
    held = {(row.when.any, row.when.settle) for row in decision.submission[:-1]}
    unclear = [(Status.UNCLEAR, None)] if (Status.UNCLEAR, None) in held else [(Status.UNCLEAR, s) for s in Settler]
    missing = [
        status
        for status, settle in ((Status.FAIL, None), (Status.BROKEN, None), *unclear)
        if (status, settle) not in held
    ]
    if missing or not any(row.when.none for row in decision.submission[:-1]):
        named = ", ".join(missing) or "no Findings at all"
        raise RulesBroken(f"rules/decision.yaml: the table 'submission' has no row of its own for: {named}")


def _read(files: Mapping[str, str], name: str, shape: type[_Shape]) -> _Shape:
    try:
        tree: Any = yaml.load(files[name], Loader=_Loader)  # noqa: S506 - a safe loader, made stricter
        return msgspec.convert(tree, type=shape)
    except KeyError:
        raise RulesBroken(f"rules/{name} is missing") from None
    except (yaml.YAMLError, msgspec.ValidationError, ValueError, TypeError) as error:
        raise RulesBroken(f"rules/{name}: {error}") from error


def _changes(files: Mapping[str, str]) -> list[tuple[str, FormChange]]:
    """Return what later form versions changed, the oldest first."""
    found = []
    for name in files:
        if name.startswith("form-") and name.endswith(".yaml"):
            change = _read(files, name, FormChange)
            if name != f"form-{change.version}.yaml" or not _VERSION.fullmatch(change.version):
                raise RulesBroken(f"rules/{name}: describes version '{change.version}'; the two must be the same")
            found.append((name, change))
    return sorted(found, key=lambda item: [int(part) for part in item[1].version.split(".")])


def _add(fields: dict[str, FieldRule], rules: Iterable[FieldRule], name: str) -> None:
    for rule in rules:
        if rule.field in fields:
            raise RulesBroken(f"rules/{name}: the field '{rule.field}' stands twice")
        fields[rule.field] = rule


def _change(fields: dict[str, FieldRule], item: dict[str, object], name: str) -> None:
    field = str(item.get("field", ""))
    if field not in fields:
        raise RulesBroken(f"rules/{name}: changes the unknown field '{field}'")
    merged = msgspec.to_builtins(fields[field]) | {key: value for key, value in item.items() if key != "field"}
    try:
        fields[field] = msgspec.convert(merged, type=FieldRule)
    except msgspec.ValidationError as error:
        raise RulesBroken(f"rules/{name}: {field}: {error}") from error
    if fields[field].field != field:
        raise RulesBroken(f"rules/{name}: {field}: the group and the attribute name the field and cannot change")


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


def _kinds(files: Mapping[str, str]) -> Mapping[str, CertificateKind]:
    try:
        return certificate_kinds(files, _read)
    except ValueError as error:
        raise RulesBroken(str(error)) from error


def _conventions(files: Mapping[str, str]) -> Mapping[str, tuple[Convention, ...]]:
    if "conventions.csv" not in files:
        raise RulesBroken("rules/conventions.csv is missing")
    try:
        return conventions(files["conventions.csv"])
    except ValueError as error:
        raise RulesBroken(f"rules/conventions.csv: {error}") from error


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
