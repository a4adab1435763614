"""Jobs that do harm, for ``test_child``: the helper process imports this module by name."""

import ctypes
import os
import resource
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path


def echo(data: bytes) -> bytes:
    return data


def length(data: bytes) -> int:
    return len(data)


def spin(data: bytes) -> int:
    while True:
        pass


def sleep(data: bytes) -> int:
    time.sleep(3_600)
    return 0


def hog(data: bytes) -> int:
    return len([bytes(1 << 20) for _ in range(1 << 20)])


def huge(data: bytes) -> bytes:
    return bytes(int(data))


def recurse(data: bytes) -> int:
    return recurse(data) + 1


def fail(data: bytes) -> int:
    raise ValueError(data.decode())


def leave(data: bytes) -> int:
    sys.exit(0)


def quit_silently(data: bytes) -> int:
    os._exit(0)


def abort(data: bytes) -> int:
    os.abort()


def fault(data: bytes) -> int:
    return len(ctypes.string_at(8))


def kill_self(data: bytes) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def ignore_all(data: bytes) -> int:
    for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGXCPU):
        signal.signal(number, signal.SIG_IGN)
    return sleep(data)


def close_and_stay(data: bytes) -> int:
    os.closerange(0, 64)
    return sleep(data)


def wrong_type(data: bytes) -> str:
    return "not a number"


def unsayable(data: bytes) -> object:
    return threading.Lock()


def surrogate(data: bytes) -> str:
    return "\udc80"


def forge(data: bytes) -> int:
    """Write an answer of its own to every descriptor there is, then fail."""
    for descriptor in range(3, 64):
        with suppress(OSError):
            os.write(descriptor, b"V\x07")
    os._exit(3)


def write_file(data: bytes) -> int:
    return Path(data.decode()).write_bytes(b"x" * 10_000)


def descriptors(data: bytes) -> list[str]:
    """Say what is open, and write to standard output what must not come between two answers."""
    os.write(1, b"noise")
    found = []
    for descriptor in range(64):
        with suppress(OSError):
            found.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()).partition(":")[0])
    return found


def variables(data: bytes) -> list[str]:
    return sorted(os.environ)


def ceilings(data: bytes) -> list[int]:
    return [
        resource.getrlimit(which)[0] for which in (resource.RLIMIT_CPU, resource.RLIMIT_FSIZE, resource.RLIMIT_CORE)
    ]


def many_sockets(data: bytes) -> int:
    return len([socket.socket(socket.AF_UNIX) for _ in range(100)])


def kill_parent(data: bytes) -> int:
    os.kill(os.getppid(), signal.SIGKILL)
    return 0


def kill_parent_once(data: bytes) -> int:
    """Kill the helper at the first call; the marker file tells the first from the second."""
    try:
        Path(data.decode()).unlink()
    except FileNotFoundError:
        return 1
    os.kill(os.getppid(), signal.SIGKILL)
    return 0
