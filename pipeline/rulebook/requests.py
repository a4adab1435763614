"""The shape of rules/requests.yaml: how a mail is known that asks for an amendment (guidance Appendices 5 to 7)."""

from typing import Annotated, Literal

import msgspec

from pipeline.domain.release import AmendmentKind

_Wording = Annotated[str, msgspec.Meta(min_length=1)]
_Way = Annotated[tuple[Annotated[tuple[_Wording, ...], msgspec.Meta(min_length=1)], ...], msgspec.Meta(min_length=1)]


class _Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of every part of the file: frozen, and an unknown key is an error."""


class RequestRule(_Part, frozen=True):
    """How one kind of amendment is asked for.

    asker: who may ask, the Security Sub-Committee or whoever submits. ways: of one way, every group must have one of
    its wordings in the same sentence; a wording that begins with ``^`` must begin the sentence. unless: wordings that
    take a sentence back. documents: kinds of rules/certificates/ that mark the request too, in a mail with a sentence
    that fits a way of ``with_document``. sets: the form fields it may set, each with the labels that a mail gives it.
    """

    kind: AmendmentKind
    title: str
    asker: Literal["ssc", "submitter"]
    clause: str
    ways: Annotated[tuple[_Way, ...], msgspec.Meta(min_length=1)]
    unless: tuple[_Wording, ...] = ()
    documents: tuple[str, ...] = ()
    with_document: tuple[_Way, ...] = ()
    sets: dict[str, tuple[_Wording, ...]] = {}

    def __post_init__(self) -> None:
        """Refuse documents without the words that go with them, and the other way round."""
        if bool(self.documents) != bool(self.with_document):
            raise ValueError(f"{self.kind.value}: 'documents' and 'with_document' go together")


class RequestsFile(_Part, frozen=True):
    """rules/requests.yaml. An empty one recognises nothing: rules stored before the file existed have none.

    about: wordings of which a mail has one somewhere. not_asking: wordings of a sentence that asks for nothing.
    questions: first words of a sentence ending in a question mark that only wants to know. exceptions: wordings that
    take entries out again; conditions: wordings that make a request depend on something. Both are left to a person.
    """

    about: tuple[_Wording, ...] = ()
    not_asking: tuple[_Wording, ...] = ()
    questions: tuple[_Wording, ...] = ()
    exceptions: tuple[_Wording, ...] = ()
    conditions: tuple[_Wording, ...] = ()
    requests: tuple[RequestRule, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a kind that stands twice."""
        kinds = [rule.kind for rule in self.requests]
        if len(set(kinds)) != len(kinds):
            raise ValueError("a kind of amendment stands twice")

    def rule(self, kind: AmendmentKind) -> RequestRule | None:
        """Return the rule of a kind; None where the rules do not know it."""
        return next((rule for rule in self.requests if rule.kind is kind), None)
