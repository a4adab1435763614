"""The helper process behind ``child.Zygote``: it imports the readers once and forks a capped child for each job.

Run as ``python -m pipeline.readers.zygote module:function...``. It speaks on its standard input and output: a frame is
eight octets of length (big endian) and that many octets of MessagePack. It ends when its input does, and heeds no
other signal than SIGKILL, so that a terminal's Ctrl-C or a service stop lets its owner finish.
"""

import gc
import os
import signal
import struct
import sys
from collections.abc import Iterable
from typing import IO

import msgspec

from pipeline.domain.message import Problem
from pipeline.readers.fork import collect
from pipeline.readers.jobs import ChildLimits, resolve

_LENGTH = struct.Struct(">Q")


class Request(msgspec.Struct, frozen=True):
    """One job to run; ``target`` must be one that the helper was started with."""

    target: str
    payload: bytes
    limits: ChildLimits


class Reply(msgspec.Struct, frozen=True):
    """Its outcome: the encoded value, or the Problem."""

    value: memoryview | None = None
    problem: Problem | None = None


def send(stream: IO[bytes], message: msgspec.Struct) -> None:
    """Write one frame. Raises OSError where the other side is gone."""
    body = msgspec.msgpack.encode(message)
    stream.write(_LENGTH.pack(len(body)))
    stream.write(body)
    stream.flush()


def receive(stream: IO[bytes]) -> bytes | None:
    """Read one frame; None where the stream ended."""
    length = stream.read(_LENGTH.size)
    if len(length) < _LENGTH.size:
        return None
    (octets,) = _LENGTH.unpack(length)
    body = stream.read(octets)
    return body if len(body) == octets else None


def serve(targets: Iterable[str]) -> None:
    """Answer requests until the input ends."""
    # The protocol moves to descriptors of its own: nothing a module prints can come between two frames.
    asked, answered = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    empty = os.open(os.devnull, os.O_RDWR)
    os.dup2(empty, 0)
    os.dup2(empty, 1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    functions = {target: resolve(target) for target in targets}
    gc.freeze()  # what is loaded now stays as it is, shared with every child
    send(answered, Reply())  # ready
    while (frame := receive(asked)) is not None:
        request = msgspec.msgpack.decode(frame, type=Request)
        outcome = collect(functions[request.target], request.payload, request.limits)
        send(answered, Reply(problem=outcome) if isinstance(outcome, Problem) else Reply(value=outcome))


if __name__ == "__main__":
    serve(sys.argv[1:])
