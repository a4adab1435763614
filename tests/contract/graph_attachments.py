"""What the stub of Graph can do with the attachments of a message, and the other host that large ones are sent to."""

import base64
import re
from urllib.parse import unquote

from tests.contract.graph_operations import MOST_OCTETS, Call, Operations
from tests.contract.graph_state import Asked, MailboxState, Refused, Reply, Upload, error, said

SMALL_OCTETS = 3_000_000
PIECE = 320 * 1024
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def _listed(call: Call, name: str) -> Reply:
    reply = call.more()
    if reply:
        return reply
    if call.take("$select") != "name":
        raise call.state.fault("attachments told with their content")
    return call.page([{"id": uid, "name": told} for uid, (told, _) in call.item(name).attachments.items()])


def _octets(call: Call, name: str, uid: str) -> Reply:
    held = call.item(name).attachments
    if unquote(uid) not in held:
        return error(404, "ErrorItemNotFound")
    return Reply(200, held[unquote(uid)][1], {"Content-Type": "application/octet-stream"})


def _attach(call: Call, name: str) -> Reply:
    item = call.item(name)
    if len(call.asked.body) > MOST_OCTETS:
        return error(413, "RequestEntityTooLarge")
    body = call.json("@odata.type", "name", "contentType", "contentBytes")
    octets = base64.b64decode(body["contentBytes"], validate=True)
    if body["@odata.type"] != "#microsoft.graph.fileAttachment" or len(octets) > SMALL_OCTETS or not item.draft:
        raise call.state.fault("no attachment that may be posted")
    uid = call.state.new_id("AAt")
    item.attachments[uid] = (body["name"], octets)
    call.state.touch(item)
    return said(201, {"id": uid, "name": body["name"]})


def _open(call: Call, name: str) -> Reply:
    item, told = call.item(name), call.json("AttachmentItem")["AttachmentItem"]
    if set(told) != {"attachmentType", "name", "size", "contentType"} or told["size"] <= SMALL_OCTETS - 100_000:
        raise call.state.fault(f"no upload session is needed for {told}")
    ticket = f"ticket{len(call.state.uploads)}"
    call.state.uploads[ticket] = Upload(item, told["name"], told["size"])
    url = f"{call.state.uploads_at}/upload/{call.state.home.rpartition('/')[2]}?authtoken={ticket}"
    return said(201, {"uploadUrl": url, "expirationDateTime": "2026-03-02T01:00:00Z", "nextExpectedRanges": ["0-"]})


ATTACHMENTS: Operations = [
    (r"GET messages/([^/]+)/attachments", _listed),
    (r"POST messages/([^/]+)/attachments", _attach),
    (r"GET messages/([^/]+)/attachments/([^/]+)/\$value", _octets),
    (r"POST messages/([^/]+)/attachments/createUploadSession", _open),
]


def receive(state: MailboxState, asked: Asked) -> Reply:
    """Take a piece of an attachment, or tell what is there of it. The address is the permission: no token is wanted."""
    if "authorization" in asked.headers:
        raise state.fault("the token was sent to the host for uploads")
    ticket = asked.options.get("authtoken", "")
    if ticket not in state.uploads:
        return error(404, "ErrorItemNotFound", f"no upload at {asked.path}?authtoken={ticket}")
    upload = state.uploads[ticket]
    if asked.method == "PUT":
        found = _RANGE.fullmatch(asked.headers.get("content-range", ""))
        if not found or asked.headers.get("content-type") != "application/octet-stream":
            raise state.fault("a piece that does not say which")
        start, last, size = map(int, found.groups())
        whole = last + 1 == upload.size
        if last - start + 1 != len(asked.body) or size != upload.size or not (whole or len(asked.body) % PIECE == 0):
            raise state.fault("a piece that is not as said")
        if len(asked.body) > MOST_OCTETS:
            raise Refused(error(413, "RequestEntityTooLarge"))
        if start != len(upload.has):
            return error(416, "ErrorInvalidRange")
        upload.has += asked.body
        if whole:
            del state.uploads[ticket]
            upload.item.attachments[state.new_id("AAt")] = (upload.name, upload.has)
            state.touch(upload.item)
            return Reply(201, b"", {"Location": "https://elsewhere.example/"})
    elif asked.method != "GET" or asked.body:
        raise state.fault(f"{asked.method} to the host for uploads")
    return said(200, {"NextExpectedRanges": [str(len(upload.has))]})
