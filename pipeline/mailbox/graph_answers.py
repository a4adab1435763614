"""What Graph answers, as far as we read it: types and sizes are checked, and what else stands there is passed over."""

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

SIZE = "Integer 0x0E08"
"""PidTagMessageSize ([MS-OXPROPS]): Graph has no size of a message, but for this. It counts properties, not octets."""

_MOST_DIGITS = 12


class Property(msgspec.Struct, frozen=True):
    """A single-value extended property of a message."""

    id: str
    value: str


class Message(msgspec.Struct, frozen=True, rename="camel"):
    """A message. is_read: None where the answer does not tell. removed: in a delta, that it is no longer there.

    version: changes with every change of the message.
    """

    id: str
    is_read: bool | None = None
    is_draft: bool = False
    received_date_time: str = ""
    parent_folder_id: str = ""
    internet_message_id: str | None = None
    categories: tuple[str, ...] = ()
    version: str = msgspec.field(name="@odata.etag", default="")
    removed: dict[str, str] | None = msgspec.field(name="@removed", default=None)
    properties: tuple[Property, ...] = msgspec.field(name="singleValueExtendedProperties", default=())

    @property
    def size(self) -> int:
        """The size the server tells, in octets; 0 where it tells none."""
        told = next((p.value for p in self.properties if p.id.casefold() == SIZE.casefold()), "")
        return int(told) if told.isascii() and told.isdecimal() and len(told) <= _MOST_DIGITS else 0


class Folder(msgspec.Struct, frozen=True, rename="camel"):
    """A mail folder."""

    id: str
    display_name: str = ""
    total_item_count: int = 0
    unread_item_count: int = 0


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list. next: address of the next page; delta: of the changes since, on the last page of a delta."""

    value: tuple[T, ...]
    next: str = msgspec.field(name="@odata.nextLink", default="")
    delta: str = msgspec.field(name="@odata.deltaLink", default="")


class Reason(msgspec.Struct, frozen=True):
    """Why a request failed. code: for programs, message: for people."""

    code: str = ""
    message: str = ""


class Failure(msgspec.Struct, frozen=True):
    """The body of an answer that is an error."""

    error: Reason = Reason()
