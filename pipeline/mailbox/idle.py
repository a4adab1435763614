"""Have an IMAP server tell of new mail (IDLE, RFC 2177), over a connection of its own. Only a hint: polling stays.

imapclient's ``idle_check`` takes the end of the line for silence, so every wait ends with DONE: a server that answers
it in time is there. IDLE is begun anew every nine minutes, as many networks forget a silent line after ten.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

import structlog

from pipeline.mailbox.imap_session import ImapSettings, Login, Session
from pipeline.mailbox.patience import pause_seconds
from pipeline.mailbox.port import MailboxRefused, MailboxUnavailable
from pipeline.mailbox.trouble import LoginRefused

IDLE_SECONDS = 540.0
LULL_SECONDS = 5.0

log = structlog.get_logger()


class Watch:
    """Watches the inbox until stopped. poke: called when mail has come. chance: evenly from [0, 1), for the pauses.

    account: read anew for each connection, as secrets may change; raises MailboxRefused where it cannot be read.
    idle_seconds: how long one IDLE lasts. lull_seconds: between two pokes at least, whatever the server says.
    """

    def __init__(
        self,
        account: Callable[[], tuple[ImapSettings, Login]],
        poke: Callable[[], None],
        chance: Callable[[], float],
        *,
        idle_seconds: float = IDLE_SECONDS,
        lull_seconds: float = LULL_SECONDS,
    ) -> None:
        self._account = account
        self._poke = poke
        self._chance = chance
        self._idle_seconds = idle_seconds
        self._lull_seconds = lull_seconds
        self._stopped = threading.Event()
        self._line: socket.socket | None = None
        self._failures = 0
        self.pause: Callable[[float], object] = self._stopped.wait

    def run(self) -> None:
        """Watch until stopped, over as many connections as it takes. Never raises what a server does wrong.

        It ends at once where the server has no IDLE: then there is polling only.
        """
        while not self._stopped.is_set():
            try:
                settings, login = self._account()
                if not self._watched(settings, login):
                    return
            except (MailboxUnavailable, MailboxRefused) as error:
                if self._stopped.is_set():
                    return
                self._failures += 1
                seconds = pause_seconds(self._failures, self._chance(), login=isinstance(error, LoginRefused))
                log.warning("watch broken", step="watch", error=str(error), again_in=round(seconds))
                self.pause(seconds)

    def stop(self) -> None:
        """End it soon. Called from another thread; the line is cut, as the server may no longer answer."""
        self._stopped.set()
        line = self._line
        if line is not None:
            with contextlib.suppress(OSError, ValueError):
                line.shutdown(socket.SHUT_RDWR)

    def _watched(self, settings: ImapSettings, login: Login) -> bool:
        """Wait on one connection until stopped; what goes wrong is raised. False where the server has no IDLE."""
        session = Session(settings, login)
        try:
            with session.visit("wait for new mail") as client:
                if not client.has_capability("IDLE"):
                    log.warning("no IDLE", step="watch", why="the server does not offer it: the mailbox is polled only")
                    return False
                self._line = client.socket()
                client.select_folder(settings.inbox, readonly=True)
                while not self._stopped.is_set():
                    self._idle(client)
        finally:
            self._line = None
            session.close()
        return True

    def _idle(self, client: Any) -> None:
        client.idle()
        told = client.idle_check(timeout=self._idle_seconds)
        _, more = client.idle_done()
        self._failures = 0
        if any(_is_new(one) for one in (*told, *more)):
            self._poke()
            self.pause(self._lull_seconds)


def _is_new(answer: Any) -> bool:
    """Tell whether an answer during IDLE says that the folder has grown: ``(23, b"EXISTS")``."""
    return isinstance(answer, tuple) and len(answer) > 1 and answer[1] == b"EXISTS"
