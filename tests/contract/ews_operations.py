"""What the stub of Exchange can do with a mailbox: each operation with the elements it takes, and no other."""

import base64
import binascii
from collections.abc import Callable

from pipeline.mailbox.headers import message_id_of
from tests.contract.ews_state import ROOT, Asked, MailboxState, Missing, Node, Wrong, answered, part, refusal, written
from tests.contract.graph_state import WELL_KNOWN, Item, Reply

MOST_CHANGES = 512
PAGE = 4  # fewer than a client asks for, so that lists have pages


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _id_of(item: Item) -> str:
    return message_id_of(item.raw)


def _moment(item: Item) -> str:
    minutes, seconds = divmod(item.received, 60)
    return f"2026-03-02T{minutes // 60:02d}:{minutes % 60:02d}:{seconds:02d}Z"


_FIELDS: dict[str, Callable[[Item], str]] = {
    "item:ParentFolderId": lambda item: f'<t:ParentFolderId Id="{item.folder}" ChangeKey="x"/>',
    "item:Categories": lambda item: (
        f"<t:Categories>{''.join(f'<t:String>{written(one)}</t:String>' for one in item.categories)}</t:Categories>"
        if item.categories
        else ""
    ),
    "item:DateTimeReceived": lambda item: f"<t:DateTimeReceived>{_moment(item)}</t:DateTimeReceived>",
    "message:IsRead": lambda item: f"<t:IsRead>{_truth(item.read)}</t:IsRead>",
    "item:Size": lambda item: f"<t:Size>{len(item.raw)}</t:Size>",
    "item:IsDraft": lambda item: f"<t:IsDraft>{_truth(item.draft)}</t:IsDraft>",
    "message:InternetMessageId": lambda item: (
        f"<t:InternetMessageId>{written(message_id_of(item.raw))}</t:InternetMessageId>" if _id_of(item) else ""
    ),
}
_VALUES: dict[str, Callable[[Item], str]] = {
    "item:DateTimeSent": _moment,
    "message:IsRead": lambda item: _truth(item.read),
    "message:InternetMessageId": _id_of,
}


def perform(state: MailboxState, asked: Asked) -> Reply:
    """Do what was asked; Wrong where it is not a request that is known."""
    body = Node(asked.body)
    if asked.name not in _OPERATIONS:
        raise Wrong(f"unknown operation {asked.name}")
    try:
        reply = _OPERATIONS[asked.name](state, body)
    except Missing as missing:
        return refusal(asked.name, str(missing))
    body.done()
    return reply


def _property(node: Node) -> str:
    """Name a property: its FieldURI, or set and name of one of our own."""
    if node.name == "t:FieldURI":
        name = node.attribute("FieldURI")
    elif node.name == "t:ExtendedFieldURI":
        if node.attribute("PropertyType") != "String":
            raise Wrong("a property that is no string")
        name = f"{node.attribute('PropertySetId')}/{node.attribute('PropertyName')}"
    else:
        raise Wrong(f"unknown property {node.name}")
    node.done()
    return name


def _shape(node: Node) -> tuple[bool, list[str]]:
    """Read what of a thing is to be told: whether MIME, and which properties."""
    if node.child("t:BaseShape").value() != "IdOnly":
        raise Wrong("more than ids")
    mime = node.maybe("t:IncludeMimeContent")
    properties = node.maybe("t:AdditionalProperties")
    names = [_property(one) for one in properties.every()] if properties else []
    node.done()
    return mime is not None and mime.value() == "true", names


def _view(node: Node) -> int:
    if not 0 < int(node.attribute("MaxEntriesReturned")) <= 1_000 or node.attribute("BasePoint") != "Beginning":
        raise Wrong("a view that Exchange limits, or that does not begin at the beginning")
    offset = int(node.attribute("Offset"))
    node.done()
    return offset


def _folder_id(state: MailboxState, node: Node) -> str:
    place = node.attribute("Id")
    if node.name == "t:DistinguishedFolderId":
        address = node.child("t:Mailbox").child("t:EmailAddress").value()
        if address != state.address:
            raise Missing("ErrorNonExistentMailbox")
        if place not in {*WELL_KNOWN, "msgfolderroot"}:
            raise Wrong(f"unknown folder {place}")
        place = state.place(place)
    elif node.name != "t:FolderId":
        raise Wrong(f"{node.name} is no folder")
    node.done()
    if place not in state.folders:
        raise Missing("ErrorFolderNotFound")
    return place


def _item(state: MailboxState, node: Node) -> Item:
    uid = node.attribute("Id")
    node.done()
    if not uid.startswith("AA"):
        raise Missing("ErrorInvalidIdMalformed")
    if uid not in state.items:
        raise Missing("ErrorItemNotFound")
    return state.items[uid]


def _shown_folder(state: MailboxState, place: str, names: list[str]) -> str:
    directory, held = state.folders[place], state.inside(place)
    known = {
        "folder:DisplayName": f"<t:DisplayName>{written(directory.name)}</t:DisplayName>",
        "folder:ParentFolderId": f'<t:ParentFolderId Id="{directory.parent}"/>',
        "folder:TotalCount": f"<t:TotalCount>{len(held)}</t:TotalCount>",
        "folder:UnreadCount": f"<t:UnreadCount>{sum(not item.read for item in held)}</t:UnreadCount>",
    }
    tag = state.kind(place)
    return f'<t:{tag}><t:FolderId Id="{place}" ChangeKey="x"/>{"".join(known[name] for name in names)}</t:{tag}>'


def _shown(item: Item, names: list[str], *, mime: bool = False) -> str:
    content = base64.b64encode(item.raw).decode()
    told = [f'<t:MimeContent CharacterSet="UTF-8">{content}</t:MimeContent>'] if mime else []
    told.append(f'<t:ItemId Id="{item.id}" ChangeKey="v{item.version}"/>')
    for name in names:
        if "/" not in name:
            told.append(_FIELDS[name](item))
        elif name in item.properties:
            set_id, key = name.split("/")
            field = f'<t:ExtendedFieldURI PropertySetId="{set_id}" PropertyName="{key}" PropertyType="String"/>'
            value = f"<t:Value>{written(item.properties[name])}</t:Value>"
            told.append(f"<t:ExtendedProperty>{field}{value}</t:ExtendedProperty>")
    return f"<t:Message>{''.join(told)}</t:Message>"


def _page(operation: str, entries: str, shown: list[str], offset: int) -> str:
    end = offset + PAGE
    more = f'IndexedPagingOffset="{min(end, len(shown))}" IncludesLastItemInRange="{_truth(end >= len(shown))}"'
    root = f'<m:RootFolder {more} TotalItemsInView="{len(shown)}">'
    inner = f"<t:{entries}>{''.join(shown[offset:end])}</t:{entries}>"
    return part(operation, f"{root}{inner}</m:RootFolder>")


def _get_folder(state: MailboxState, body: Node) -> Reply:
    _, names = _shape(body.child("m:FolderShape"))
    places = [_folder_id(state, one) for one in body.child("m:FolderIds").every()]
    shown = (f"<m:Folders>{_shown_folder(state, place, names)}</m:Folders>" for place in places)
    return answered("GetFolder", *(part("GetFolder", one) for one in shown))


def _find_folder(state: MailboxState, body: Node) -> Reply:
    if body.attribute("Traversal") != "Deep":
        raise Wrong("not a search at any depth")
    _, names = _shape(body.child("m:FolderShape"))
    offset = _view(body.child("m:IndexedPageFolderView"))
    (parent,) = [_folder_id(state, one) for one in body.child("m:ParentFolderIds").every()]
    shown = [_shown_folder(state, directory.id, names) for directory in state.below(parent)]
    return answered("FindFolder", _page("FindFolder", "Folders", shown, offset))


def _create_folder(state: MailboxState, body: Node) -> Reply:
    (parent,) = [_folder_id(state, one) for one in body.child("m:ParentFolderId").every()]
    folder = body.child("m:Folders").child("t:Folder")
    if folder.child("t:FolderClass").value() != "IPF.Note":
        raise Wrong("a folder that is not for mails")
    name = folder.child("t:DisplayName").value()
    folder.done()
    if any(child.name.casefold() == name.casefold() for child in state.children(parent)):
        return refusal("CreateFolder", "ErrorFolderExists")
    made = state.make(parent, name)
    return answered("CreateFolder", part("CreateFolder", f"<m:Folders>{_shown_folder(state, made.id, [])}</m:Folders>"))


def _meets(node: Node) -> Callable[[Item], bool]:
    if node.name == "t:Or":
        every = [_meets(one) for one in node.every()]
        return lambda item: any(one(item) for one in every)
    if node.name not in {"t:IsEqualTo", "t:IsGreaterThanOrEqualTo"}:
        raise Wrong(f"unknown restriction {node.name}")
    field, constant = node.every()
    name = _property(field)
    value = constant.child("t:Constant").attribute("Value").casefold()
    if "/" in name:
        return lambda item: item.properties.get(name, "").casefold() == value
    if node.name == "t:IsGreaterThanOrEqualTo":
        return lambda item: _VALUES[name](item).casefold() >= value
    return lambda item: _VALUES[name](item).casefold() == value


def _find_item(state: MailboxState, body: Node) -> Reply:
    if body.attribute("Traversal") != "Shallow":
        raise Wrong("a traversal that is not shallow")
    mime, names = _shape(body.child("m:ItemShape"))
    if mime:
        raise Wrong("FindItem tells no MIME content")
    offset = _view(body.child("m:IndexedPageItemView"))
    restriction = body.maybe("m:Restriction")
    meets = _meets(*restriction.every()) if restriction else lambda _: True
    order = body.child("m:SortOrder").child("t:FieldOrder")
    if order.attribute("Order") != "Ascending" or _property(*order.every()) != "item:DateTimeReceived":
        raise Wrong("an unknown order")
    places = [_folder_id(state, one) for one in body.child("m:ParentFolderIds").every()]
    held = ([item for item in state.inside(place) if meets(item)] for place in places)
    pages = (_page("FindItem", "Items", [_shown(item, names) for item in items], offset) for items in held)
    return answered("FindItem", *pages)


def _get_item(state: MailboxState, body: Node) -> Reply:
    mime, names = _shape(body.child("m:ItemShape"))
    (item,) = [_item(state, one) for one in body.child("m:ItemIds").every()]
    return answered("GetItem", part("GetItem", f"<m:Items>{_shown(item, names, mime=mime)}</m:Items>"))


def _sync_folder_items(state: MailboxState, body: Node) -> Reply:
    mime, names = _shape(body.child("m:ItemShape"))
    (place,) = [_folder_id(state, one) for one in body.child("m:SyncFolderId").every()]
    since = body.maybe("m:SyncState")
    most = int(body.child("m:MaxChangesReturned").value())
    if mime or not 0 < most <= MOST_CHANGES or body.child("m:SyncScope").value() != "NormalItems":
        raise Wrong("a synchronization that Exchange does not do")
    found = state.changes(place, since.value() if since else "", min(PAGE, most))
    if found is None:
        return refusal("SyncFolderItems", "ErrorInvalidSyncStateData")
    rows, following, last = found
    told = []
    for kind, uid in rows:
        item = state.items.get(uid)
        if item is None or item.folder != place:
            told.append(f'<t:Delete><t:ItemId Id="{uid}" ChangeKey="x"/></t:Delete>')
        elif kind == "ReadFlagChange":
            told.append(f'<t:{kind}><t:ItemId Id="{uid}"/><t:IsRead>{_truth(item.read)}</t:IsRead></t:{kind}>')
        else:
            told.append(f"<t:{kind}>{_shown(item, names)}</t:{kind}>")
    end = f"<m:SyncState>{following}</m:SyncState><m:IncludesLastItemInRange>{_truth(last)}</m:IncludesLastItemInRange>"
    return answered("SyncFolderItems", part("SyncFolderItems", f"{end}<m:Changes>{''.join(told)}</m:Changes>"))


def _create_item(state: MailboxState, body: Node) -> Reply:
    if body.attribute("MessageDisposition") != "SaveOnly":
        raise Wrong("a mail that would be sent")
    (place,) = [_folder_id(state, one) for one in body.child("m:SavedItemFolderId").every()]
    if place != state.place("drafts"):
        raise Wrong("a draft that is not put into Drafts")
    message = body.child("m:Items").child("t:Message")
    content = message.child("t:MimeContent")
    content.attribute("CharacterSet")
    key = message.child("t:ExtendedProperty")
    name = _property(key.child("t:ExtendedFieldURI"))
    value = key.child("t:Value").value()
    read = message.child("t:IsRead").value() == "true"
    message.done()
    try:
        raw = base64.b64decode(content.value(), validate=True)
    except binascii.Error:
        return refusal("CreateItem", "ErrorMimeContentInvalidBase64String")
    item = state.add(raw, place, read=read, draft=True)
    item.properties[name] = value
    return answered("CreateItem", part("CreateItem", f"<m:Items>{_shown(item, [])}</m:Items>"))


def _update_item(state: MailboxState, body: Node) -> Reply:
    how = [body.attribute(name) for name in ("ConflictResolution", "MessageDisposition", "SuppressReadReceipts")]
    change = body.child("m:ItemChanges").child("t:ItemChange")
    node = change.child("t:ItemId")
    known = node.attribute("ChangeKey") if how[0] == "NeverOverwrite" else ""
    item = _item(state, node)
    update = change.child("t:Updates").child("t:SetItemField")
    what, message = _property(update.child("t:FieldURI")), update.child("t:Message")
    if (what, how) == ("message:IsRead", ["AlwaysOverwrite", "SaveOnly", "true"]):
        item.read = message.child("t:IsRead").value() == "true"
        state.touch(item, "ReadFlagChange")
    elif (what, how) == ("item:Categories", ["NeverOverwrite", "SaveOnly", "true"]):
        if known != f"v{item.version}":
            return refusal("UpdateItem", "ErrorIrresolvableConflict")
        item.categories = [one.value() for one in message.child("t:Categories").every()]
        state.touch(item)
    else:
        raise Wrong(f"an update of {what} done {how}")
    message.done()
    update.done()
    change.done()
    return answered("UpdateItem", part("UpdateItem", f"<m:Items>{_shown(item, [])}</m:Items>"))


def _move_item(state: MailboxState, body: Node) -> Reply:
    (goal,) = [_folder_id(state, one) for one in body.child("m:ToFolderId").every()]
    (item,) = [_item(state, one) for one in body.child("m:ItemIds").every()]
    if body.child("m:ReturnNewItemIds").value() != "true":
        raise Wrong("moves a mail without asking for its new id")
    if goal == ROOT:
        raise Wrong("a mail moved to the root")
    state.move(item, goal)
    return answered("MoveItem", part("MoveItem", f"<m:Items>{_shown(item, [])}</m:Items>"))


_OPERATIONS: dict[str, Callable[[MailboxState, Node], Reply]] = {
    "GetFolder": _get_folder,
    "FindFolder": _find_folder,
    "CreateFolder": _create_folder,
    "FindItem": _find_item,
    "GetItem": _get_item,
    "SyncFolderItems": _sync_folder_items,
    "CreateItem": _create_item,
    "UpdateItem": _update_item,
    "MoveItem": _move_item,
}
