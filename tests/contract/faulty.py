"""A relay on loopback that breaks one conversation at a given octet, in one direction, in one of three ways."""

import contextlib
import selectors
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

HOST = "127.0.0.1"
_PIECE = 65_536
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time: closing sends RST and throws away what is unsent


class Way(StrEnum):
    """How a conversation breaks."""

    CUT = "cut"
    """The octets before it arrive, then both sides see the end."""
    RESET = "reset"
    """The octets before it may arrive, then both sides see a reset."""
    STALL = "stall"
    """The octets before it arrive, then nobody hears anything more; the lines stay open until one side gives up."""


class Direction(StrEnum):
    """Which octets are counted."""

    UP = "up"
    """From the client to the server."""
    DOWN = "down"
    """From the server to the client."""


@dataclass(frozen=True, slots=True)
class Fault:
    """at: how many octets still pass in that direction, over all connections of one relay."""

    way: Way
    direction: Direction
    at: int


class Relay:
    """Carries connections to a server until the fault, then none any more.

    passed: octets in each direction so far. edges: where in them one read ended and the next began, which is where a
    command or an answer does.
    """

    def __init__(self, port: int, fault: Fault | None = None) -> None:
        self._target = port
        self._fault = fault
        self.passed = {Direction.UP: 0, Direction.DOWN: 0}
        self.edges: dict[Direction, list[int]] = {Direction.UP: [], Direction.DOWN: []}
        self.broken = False
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        self._ended = threading.Event()
        self._waker, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ended.set()
        self._wake.close()
        self._thread.join(10)
        self._waker.close()
        self._listener.close()

    def _serve(self) -> None:
        with selectors.DefaultSelector() as lines:
            lines.register(self._listener, selectors.EVENT_READ)
            lines.register(self._waker, selectors.EVENT_READ)
            pairs: dict[socket.socket, tuple[socket.socket, Direction]] = {}
            while not self._ended.is_set():
                for key, _ in lines.select():
                    line = key.fileobj
                    if line is self._listener:
                        self._accept(lines, pairs)
                    elif line in pairs:
                        assert isinstance(line, socket.socket)
                        self._carry(line, lines, pairs)
            for line in pairs:
                line.close()

    def _accept(
        self, lines: selectors.BaseSelector, pairs: dict[socket.socket, tuple[socket.socket, Direction]]
    ) -> None:
        client, _ = self._listener.accept()
        if self.broken:
            client.close()
            return
        server = socket.create_connection((HOST, self._target))
        for line, other, direction in ((client, server, Direction.UP), (server, client, Direction.DOWN)):
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pairs[line] = (other, direction)
            lines.register(line, selectors.EVENT_READ)

    def _carry(
        self,
        line: socket.socket,
        lines: selectors.BaseSelector,
        pairs: dict[socket.socket, tuple[socket.socket, Direction]],
    ) -> None:
        other, direction = pairs[line]
        try:
            piece = line.recv(_PIECE)
        except OSError:
            piece = b""
        left = self._left(direction)
        if piece and left is not None and len(piece) >= left:
            self._send(other, piece[:left], direction)
            self.broken = True
            if self._fault and self._fault.way is Way.STALL:
                for one in (line, other):  # both stay open, and nobody listens to them
                    lines.unregister(one)
                return
            if self._fault and self._fault.way is Way.RESET:
                for one in (line, other):
                    with contextlib.suppress(OSError):
                        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            piece = b""
        if piece and self._send(other, piece, direction):
            return
        for one in (line, other):
            if one in pairs:
                del pairs[one]
                lines.unregister(one)
                one.close()

    def _left(self, direction: Direction) -> int | None:
        if self._fault is None or self._fault.direction is not direction:
            return None
        return self._fault.at - self.passed[direction]

    def _send(self, line: socket.socket, piece: bytes, direction: Direction) -> bool:
        self.passed[direction] += len(piece)
        self.edges[direction].append(self.passed[direction])
        try:
            line.sendall(piece)
        except OSError:
            return False
        return True


@contextlib.contextmanager
def relayed(port: int, fault: Fault | None = None) -> Iterator[Relay]:
    """Run a relay to a server on this machine; afterwards every line is closed."""
    relay = Relay(port, fault)
    try:
        yield relay
    finally:
        relay.close()
