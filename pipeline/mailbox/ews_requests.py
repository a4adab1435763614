"""What is asked of Exchange: the body of each operation we use, in the order of its schema.

The schema is that of Exchange 2013 SP1, which every later version takes, and the first to mark a mail read without a
read receipt being sent (SuppressReadReceipts).
"""

import base64
from collections.abc import Sequence

from lxml import etree
from lxml.builder import ElementMaker

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MESSAGES = "http://schemas.microsoft.com/exchange/services/2006/messages"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"

PAGE = 500
"""Entries on a page of a list, at most; Exchange's own limit is 1,000."""
_CHANGES = 512  # changes in one answer, at most: Exchange's own limit
KEY_SET, KEY_NAME = "6a1d0a5c-2f0e-4c63-9d2a-4f3c1f6f6d52", "CplPipelineDraft"
"""Named property of a draft of ours, its value the draft's Message-ID. Nobody can set it by sending a mail."""
KEY = "key"
"""Stands for that property where others are named by their FieldURI."""

_VERSION = "Exchange2013_SP1"
_soap = ElementMaker(namespace=SOAP, nsmap={"s": SOAP, "m": MESSAGES, "t": TYPES})
_m = ElementMaker(namespace=MESSAGES, nsmap={"m": MESSAGES, "t": TYPES})
_t = ElementMaker(namespace=TYPES, nsmap={"t": TYPES})


def envelope(body: etree._Element) -> bytes:
    """Return the request as it is sent."""
    header = _soap.Header(_t.RequestServerVersion(Version=_VERSION))
    return etree.tostring(_soap.Envelope(header, _soap.Body(body)), encoding="utf-8", xml_declaration=True)


def get_folders(names: Sequence[str], address: str) -> etree._Element:
    """Ask for well-known folders (``inbox``, ``drafts``) of the mailbox of this address, with their numbers."""
    ids = [_t.DistinguishedFolderId(_t.Mailbox(_t.EmailAddress(address)), Id=name) for name in names]
    fields = ("folder:DisplayName", "folder:TotalCount", "folder:UnreadCount")
    return _m.GetFolder(_shape("FolderShape", fields), _m.FolderIds(*ids))


def find_folders(root: str, offset: int) -> etree._Element:
    """Ask for one page of all folders below one, however deep."""
    fields = ("folder:DisplayName", "folder:ParentFolderId")
    view = _m.IndexedPageFolderView(MaxEntriesReturned=str(PAGE), Offset=str(offset), BasePoint="Beginning")
    return _m.FindFolder(
        _shape("FolderShape", fields), view, _m.ParentFolderIds(_t.FolderId(Id=root)), Traversal="Deep"
    )


def create_folder(parent: str, name: str) -> etree._Element:
    """Ask for a new folder for mails."""
    folder = _t.Folder(_t.FolderClass("IPF.Note"), _t.DisplayName(name))
    return _m.CreateFolder(_m.ParentFolderId(_t.FolderId(Id=parent)), _m.Folders(folder))


def find_items(
    folders: Sequence[str], offset: int, fields: Sequence[str], restriction: etree._Element | None
) -> etree._Element:
    """Ask for one page of the items of each of some folders, the oldest first."""
    view = _m.IndexedPageItemView(MaxEntriesReturned=str(PAGE), Offset=str(offset), BasePoint="Beginning")
    order = _m.SortOrder(_t.FieldOrder(_t.FieldURI(FieldURI="item:DateTimeReceived"), Order="Ascending"))
    wanted = [] if restriction is None else [_m.Restriction(restriction)]
    parents = _m.ParentFolderIds(*(_t.FolderId(Id=folder) for folder in folders))
    return _m.FindItem(_shape("ItemShape", fields), view, *wanted, order, parents, Traversal="Shallow")


def sync_items(folder: str, state: str, fields: Sequence[str]) -> etree._Element:
    """Ask for the items of a folder that changed since a state; for all of them where it is empty."""
    since = [_m.SyncState(state)] if state else []
    return _m.SyncFolderItems(
        _shape("ItemShape", fields),
        _m.SyncFolderId(_t.FolderId(Id=folder)),
        *since,
        _m.MaxChangesReturned(str(_CHANGES)),
        _m.SyncScope("NormalItems"),
    )


def get_item(uid: str, fields: Sequence[str], *, mime: bool = False) -> etree._Element:
    """Ask for one item, and for its MIME octets where ``mime``."""
    return _m.GetItem(_shape("ItemShape", fields, mime=mime), _m.ItemIds(_t.ItemId(Id=uid)))


def create_draft(raw: bytes, message_id: str, address: str) -> etree._Element:
    """Ask for a draft of these octets in Drafts, read and with its key, all in one go."""
    folder = _t.DistinguishedFolderId(_t.Mailbox(_t.EmailAddress(address)), Id="drafts")
    message = _t.Message(
        _t.MimeContent(base64.b64encode(raw).decode("ascii"), CharacterSet="UTF-8"),
        _t.ExtendedProperty(_field(KEY), _t.Value(message_id)),
        _t.IsRead("true"),
    )
    return _m.CreateItem(_m.SavedItemFolderId(folder), _m.Items(message), MessageDisposition="SaveOnly")


def mark_read(uid: str) -> etree._Element:
    """Ask for an item to be marked read, whatever somebody else did to it; the sender gets no receipt."""
    update = _t.SetItemField(_field("message:IsRead"), _t.Message(_t.IsRead("true")))
    change = _t.ItemChange(_t.ItemId(Id=uid), _t.Updates(update))
    how = {"ConflictResolution": "AlwaysOverwrite", "MessageDisposition": "SaveOnly", "SuppressReadReceipts": "true"}
    return _m.UpdateItem(_m.ItemChanges(change), **how)


def set_categories(uid: str, version: str, names: Sequence[str]) -> etree._Element:
    """Ask for an item to have these categories, should it still be of this version (its ChangeKey)."""
    wanted = _t.Message(_t.Categories(*map(_t.String, names)))
    change = _t.ItemChange(
        _t.ItemId(Id=uid, ChangeKey=version), _t.Updates(_t.SetItemField(_field("item:Categories"), wanted))
    )
    how = {"ConflictResolution": "NeverOverwrite", "MessageDisposition": "SaveOnly", "SuppressReadReceipts": "true"}
    return _m.UpdateItem(_m.ItemChanges(change), **how)


def move_item(uid: str, folder: str) -> etree._Element:
    """Ask for an item to be moved, and for the other id it has then."""
    ids = _m.ItemIds(_t.ItemId(Id=uid))
    return _m.MoveItem(_m.ToFolderId(_t.FolderId(Id=folder)), ids, _m.ReturnNewItemIds("true"))


def equal(field: str, value: str) -> etree._Element:
    """Return the restriction to items with this value of a property."""
    return _t.IsEqualTo(_field(field), _t.FieldURIOrConstant(_t.Constant(Value=value)))


def at_least(field: str, value: str) -> etree._Element:
    """Return the restriction to items with this value of a property, or a greater one."""
    return _t.IsGreaterThanOrEqualTo(_field(field), _t.FieldURIOrConstant(_t.Constant(Value=value)))


def either(*restrictions: etree._Element) -> etree._Element:
    """Return the restriction to items that meet one of these."""
    return _t("Or", *restrictions)


def _shape(tag: str, fields: Sequence[str], *, mime: bool = False) -> etree._Element:
    included = [_t.IncludeMimeContent("true")] if mime else []
    properties = [_t.AdditionalProperties(*map(_field, fields))] if fields else []
    return _m(tag, _t.BaseShape("IdOnly"), *included, *properties)


def _field(name: str) -> etree._Element:
    if name == KEY:
        return _t.ExtendedFieldURI(PropertySetId=KEY_SET, PropertyName=KEY_NAME, PropertyType="String")
    return _t.FieldURI(FieldURI=name)
