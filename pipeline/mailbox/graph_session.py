"""A conversation with Microsoft Graph about one mailbox: who we are, what an error means, and how long to wait.

One request at a time: Graph takes four at once for an application and a mailbox. A request that creates something is
sent again only where the server says that it did not take it (401, 429), never after a broken connection.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from pipeline.mailbox.graph_answers import Failure, Page, Reason
from pipeline.mailbox.graph_settings import GraphSettings
from pipeline.mailbox.graph_wire import Answer, AnswerTooLong, Wire
from pipeline.mailbox.oauth import AppTokens
from pipeline.mailbox.oauth_settings import Tokens
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.mailbox.trouble import MailTooLarge, in_words

T = TypeVar("T")

PATIENCE_SECONDS = 30.0
"""How long one visit waits, in all, when the server asks it to; after that the visit ends and comes back later."""
_ANSWER_OCTETS = 16_000_000  # of JSON; a page of our lists has under one
_MOST_PAGES = 5_000
_PAGE = 200  # messages on a page, at most
_PREFER = f'IdType="ImmutableId", odata.maxpagesize={_PAGE}'
_MISSING = {"ErrorItemNotFound", "ErrorInvalidIdMalformed", "ErrorFolderNotFound"}
_WAIT = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
_LATER = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.CONFLICT, HTTPStatus.PRECONDITION_FAILED, HTTPStatus.LOCKED}


class ItemMissing(MailboxRefused):
    """There is no message or folder of this id: moved out of the mailbox, deleted, or the ids were given anew."""


class Exists(MailboxUnavailable):
    """What was to be made is there already, or somebody changed it at the same moment."""


class ChangesLost(MailboxUnavailable):
    """The server no longer knows since when it was to tell the changes (410): the list must be read anew."""


class Session:
    """Requests under ``/users/<mailbox>``. tokens: the application's own unless given. sleep: waits for seconds."""

    def __init__(
        self, settings: GraphSettings, *, tokens: Tokens | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.settings = settings
        self._wire = Wire(settings)
        self._tokens = tokens or AppTokens(settings.app, self._wire)
        self._sleep = sleep
        self._patience = PATIENCE_SECONDS

    def get(self, path: str, kind: type[T], **query: str) -> T:
        """Return what stands at a path, for example ``messages/<id>``; query: OData options without their ``$``."""
        return self._read(self._ask("GET", self._address(path, query)), kind)

    def pages(self, path: str, kind: type[Page[T]], **query: str) -> Iterator[Page[T]]:
        """Give the pages of a list, the links between them followed on this server only."""
        return self.follow(self._address(path, query), kind)

    def follow(self, link: str, kind: type[Page[T]]) -> Iterator[Page[T]]:
        """Give the pages from a link on that the server gave."""
        for _ in range(_MOST_PAGES):
            page = self._read(self._ask("GET", self._own(link)), kind)
            yield page
            link = page.next
            if not link:
                return
        raise MailboxUnavailable(f"{self.settings.place}: a list has more than {_MOST_PAGES:,} pages; it was given up.")

    def octets(self, path: str) -> bytes:
        """Return a body as the octets it is; MailTooLarge where it has more than the settings allow."""
        limit = self.settings.max_octets
        try:
            return self._ask("GET", self._address(path, {}), limit=limit).body
        except AnswerTooLong as error:
            raise MailTooLarge(error.size, limit) from error

    def post(self, path: str, body: dict[str, Any], kind: type[T]) -> T:
        """Create something, or let something be done."""
        return self._read(self._ask("POST", self._address(path, {}), json.dumps(body).encode("ascii")), kind)

    def post_mime(self, path: str, encoded: bytes, kind: type[T]) -> T:
        """Create a message from base64 of its MIME octets."""
        return self._read(self._ask("POST", self._address(path, {}), encoded, "text/plain"), kind)

    def patch(self, path: str, body: dict[str, Any], *, version: str = "") -> None:
        """Change something; MailboxUnavailable where it is no longer of this version."""
        told = {"If-Match": version} if version else {}
        self._ask("PATCH", self._address(path, {}), json.dumps(body).encode("ascii"), told=told)

    def send_bare(self, method: str, url: str, headers: dict[str, str], content: bytes) -> Answer:
        """Return whatever answers a request without our token, to an address that carries a permission of its own."""
        while True:
            answer = self._wire.send(method, url, headers, content, _ANSWER_OCTETS)
            if not self._waited(method, answer):
                return answer

    def close(self) -> None:
        """End the visit: the connections are closed, the token is kept."""
        self._wire.close()
        self._patience = PATIENCE_SECONDS

    def _address(self, path: str, query: dict[str, str]) -> str:
        options = urlencode({f"${name}": value for name, value in query.items()}, quote_via=quote, safe="$")
        user = quote(self.settings.user, safe="@")
        return f"{self.settings.base_url}/users/{user}/{path}{'?' if options else ''}{options}"

    def _own(self, link: str) -> str:
        """Refuse a link that would take the token to another server, or to another place on this one."""
        if not link.startswith(f"{self.settings.base_url}/") or not (link.isascii() and link.isprintable()):
            try:
                place = in_words(urlsplit(link).netloc)
            except ValueError:
                place = ""
            raise MailboxRefused(
                f"{self.settings.place}: its answer points to {place or 'no server'} for more, where we do not follow."
            )
        return link

    def _ask(
        self,
        method: str,
        url: str,
        content: bytes = b"",
        content_type: str = "application/json",
        *,
        limit: int = _ANSWER_OCTETS,
        told: Mapping[str, str] = MappingProxyType({}),
    ) -> Answer:
        """Return the answer to a request that succeeded; another raises what it means."""
        renewed = False
        while True:
            token = self._tokens.token(renew=renewed)
            headers = {"Authorization": f"Bearer {token}", "Prefer": _PREFER, **told}
            if content:
                headers["Content-Type"] = content_type
            answer = self._wire.send(method, url, headers, content, limit)
            if answer.status < HTTPStatus.BAD_REQUEST:
                return answer
            if answer.status == HTTPStatus.UNAUTHORIZED and not renewed:
                renewed = True
            elif not self._waited(method, answer):
                raise self._named(answer, token)

    def _waited(self, method: str, answer: Answer) -> bool:
        """Wait as long as the server asks, within the patience of the visit; say whether to ask again."""
        if answer.status not in _WAIT or (method == "POST" and answer.status != HTTPStatus.TOO_MANY_REQUESTS):
            return False
        seconds = _retry_after(answer)
        if seconds is None or max(seconds, 1) > self._patience:
            return False
        self._patience -= max(seconds, 1)
        self._sleep(seconds)
        return True

    def _read(self, answer: Answer, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            raise MailboxUnavailable(
                f"{self.settings.place}: its answer cannot be understood ({type(error).__name__})."
            ) from None  # the decoder's text may quote the answer

    def _named(self, answer: Answer, token: str) -> MailboxRefused | MailboxUnavailable:
        """Say what an error means in the port's terms: try later, or a person is needed."""
        settings, reason = self.settings, _reason(answer)
        words = in_words(f"{reason.code} {reason.message}", token, settings.client_secret)
        said = f"{settings.place}: status {answer.status}{words and f', {words}'}."
        match answer.status:
            case _ if reason.code in _MISSING:
                return ItemMissing(said)
            case HTTPStatus.GONE:
                return ChangesLost(said)
            case HTTPStatus.CONFLICT:
                return Exists(said)
            case HTTPStatus.UNAUTHORIZED:
                return MailboxRefused(f"{said} The token is not accepted: check tenant, client_id and base_url.")
            case HTTPStatus.FORBIDDEN:
                return MailboxRefused(
                    f"{said} Application {settings.client_id} may not use the mailbox {settings.user}: it needs the "
                    "application permission Mail.ReadWrite, and a scope (RBAC for Applications, or an application "
                    "access policy) with this mailbox in it. A change takes up to two hours."
                )
            case HTTPStatus.NOT_FOUND:
                return MailboxRefused(f"{said} There is no mailbox {settings.user}: check user and tenant.")
            case status if status in _LATER or status in _WAIT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                seconds = _retry_after(answer)
                when = "" if seconds is None else f" It asks to be left alone for {seconds} seconds."
                return MailboxUnavailable(f"{said} The server is busy or broken.{when}")
            case _:
                return MailboxRefused(said)


def _reason(answer: Answer) -> Reason:
    try:
        return msgspec.json.decode(answer.body, type=Failure).error
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return Reason()


def _retry_after(answer: Answer) -> int | None:
    """Seconds of Retry-After (RFC 9110, 10.2.3); None where it is missing or a date, which Graph never sends."""
    told = answer.headers.get("retry-after", "")
    return int(told) if told.isascii() and told.isdecimal() and len(told) <= len("999999") else None
