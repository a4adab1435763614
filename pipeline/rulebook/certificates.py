"""The kinds of certificate and letter as data: rules/certificates/<kind>.yaml, and what all of them share.

``every-kind.yaml`` describes the Device Model, which every document names; a kind's own file how it is recognised and
what else it says. A new kind is one more file, a new wording one more word in one.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Protocol, TypeVar

import msgspec

Comparison = Literal["none", "exact-hex", "certificate-number", "date", "version-list", "organisation", "device-type"]
"""How a value is held against the form: the closed list of named comparisons that the checks know."""

ValueType = Literal["octets", "hardware", "maker", "device-type", "name", "date", "number", "version", "text", "phrase"]
"""What a value looks like, and so where it ends in running text; explained in every-kind.yaml."""

FOLDER = "certificates/"
SHARED = f"{FOLDER}every-kind.yaml"

_Shape = TypeVar("_Shape")
_Wording = Annotated[str, msgspec.Meta(min_length=1)]


class Read(Protocol):
    """What reads one rules file into a shape, by its path under rules/."""

    def __call__(self, files: Mapping[str, str], name: str, shape: type[_Shape], /) -> _Shape:
        """Return the file as that shape."""
        ...


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every part of these files: frozen, and an unknown key is an error."""


class CertificateField(_Part, frozen=True):
    """One thing a document says. labels: the wordings it stands after, beside or under.

    octets: how many, for the type of that name. values: the wordings of a phrase; unless: what takes them back.
    many: several stand under one label, a line each. matches: the form field it must agree with, and compare how.
    """

    type: ValueType
    labels: tuple[_Wording, ...] = ()
    octets: Annotated[int, msgspec.Meta(ge=0, le=8)] = 0
    values: tuple[_Wording, ...] = ()
    unless: tuple[_Wording, ...] = ()
    many: bool = False
    matches: str = ""
    compare: Comparison = "none"

    def __post_init__(self) -> None:
        """Refuse a field that could never be read or compared."""
        if (self.type == "phrase") != bool(self.values) or (self.type == "phrase") == bool(self.labels):
            raise ValueError("a phrase has 'values' and no 'labels'; every other field has 'labels' and no 'values'")
        if (self.type == "octets") != bool(self.octets):
            raise ValueError("a field of type octets says how many, and no other does")
        if bool(self.matches) != (self.compare != "none"):
            raise ValueError("a field that matches a form field says how they compare, and no other does")


class SharedFile(_Part, frozen=True):
    """rules/certificates/every-kind.yaml. device_types: wording to the Device Types of the CPL that it may mean."""

    clause: str
    fields: dict[str, CertificateField]
    other_labels: tuple[_Wording, ...]
    device_types: dict[str, tuple[str, ...]]


class KindFile(_Part, frozen=True):
    """rules/certificates/<kind>.yaml.

    recognise: ways to know the kind; of one way, every group must have one of its wordings in the document.
    A wording between slashes is a regular expression. not_with: wordings that stand in no document of the kind.
    order: kinds are tried from the lowest up, the most specific first. also: more labels for shared fields.
    """

    kind: Annotated[str, msgspec.Meta(pattern="^[a-z]+(-[a-z]+)*$")]
    name: str
    role: Literal["certificate", "letter"]
    clause: str
    order: int
    recognise: Annotated[tuple[tuple[tuple[_Wording, ...], ...], ...], msgspec.Meta(min_length=1)]
    fields: dict[str, CertificateField]
    not_with: tuple[_Wording, ...] = ()
    also: dict[str, tuple[_Wording, ...]] = {}
    other_labels: tuple[_Wording, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a regular expression that is none, and a kind that would fit every document."""
        if not all(way and all(way) for way in self.recognise):
            raise ValueError("every way to recognise a kind has groups, and every group has wordings")
        for wording in (*self.not_with, *(w for way in self.recognise for group in way for w in group)):
            if is_pattern(wording):
                try:
                    re.compile(wording[1:-1])
                except re.error as error:
                    raise ValueError(f"'{wording}' is not a regular expression ({error})") from error


class CertificateKind(_Part, frozen=True):
    """One kind, with what every kind shares already in it."""

    kind: str
    name: str
    role: Literal["certificate", "letter"]
    clause: str
    order: int
    recognise: tuple[tuple[tuple[str, ...], ...], ...]
    not_with: tuple[str, ...]
    fields: dict[str, CertificateField]
    other_labels: tuple[str, ...]
    device_types: dict[str, tuple[str, ...]]


def is_pattern(wording: str) -> bool:
    """Say whether a wording is a regular expression, written between slashes."""
    return len(wording) > 2 and wording[0] == wording[-1] == "/"  # noqa: PLR2004 - the slashes and something between


def _read_plain(files: Mapping[str, str], name: str, shape: type[_Shape], /) -> _Shape:
    return msgspec.yaml.decode(files[name], type=shape)


def certificate_kinds(files: Mapping[str, str], read: Read = _read_plain) -> Mapping[str, CertificateKind]:
    """Return the kinds by name, the most specific first.

    files: texts by path under rules/. read: what turns one into a shape, and words what is wrong with it; without
    one, msgspec.ValidationError. Raises ValueError, naming the file, where two files do not fit each other.
    """
    shared = read(files, SHARED, SharedFile)
    kinds = []
    for name in sorted(files):
        if name.startswith(FOLDER) and name.endswith(".yaml") and name != SHARED:
            own = read(files, name, KindFile)
            if name != f"{FOLDER}{own.kind}.yaml":
                raise ValueError(f"rules/{name}: describes the kind '{own.kind}'; the two must be the same")
            kinds.append(_whole(own, shared, name))
    kinds.sort(key=lambda kind: (kind.order, kind.kind))
    if len({kind.order for kind in kinds}) != len(kinds):
        raise ValueError(f"rules/{FOLDER}: two kinds have the same 'order', so nobody can say which is tried first")
    return {kind.kind: kind for kind in kinds}


def _whole(own: KindFile, shared: SharedFile, name: str) -> CertificateKind:
    """Put what every kind shares into a kind: its own fields first, then the Device Model with further labels."""
    fields = dict(own.fields)
    for key, field in shared.fields.items():
        if key in fields:
            raise ValueError(f"rules/{name}: '{key}' is described in {SHARED}; put further labels under 'also'")
        fields[key] = msgspec.structs.replace(field, labels=(*field.labels, *own.also.get(key, ())))
    if strange := sorted(own.also.keys() - shared.fields.keys()):
        raise ValueError(f"rules/{name}: 'also' names {', '.join(strange)}, not described in {SHARED}")
    _refuse_double(fields, name)
    # A kind may read what others pass over: its own labels count more than the shared list of other labels.
    used = {label_key(label) for field in fields.values() for label in field.labels}
    others = {label_key(label): label for label in (*shared.other_labels, *own.other_labels)}
    return CertificateKind(
        kind=own.kind,
        name=own.name,
        role=own.role,
        clause=own.clause,
        order=own.order,
        recognise=own.recognise,
        not_with=own.not_with,
        fields=fields,
        other_labels=tuple(label for key, label in others.items() if key not in used),
        device_types=shared.device_types,
    )


def label_key(label: str) -> str:
    """Return a label as labels are told apart: without case, signs at its end, and width of blanks."""
    return " ".join(label.casefold().removesuffix("(s)").rstrip(" :.#*").split())


def _refuse_double(fields: Mapping[str, CertificateField], name: str) -> None:
    seen: dict[str, str] = {}
    for field, rule in fields.items():
        for label in rule.labels:
            key = label_key(label)
            if seen.setdefault(key, field) != field:
                raise ValueError(f"rules/{name}: the label '{label}' stands for {seen[key]} and for {field}")
