"""One job in one forked child with ceilings on memory, time, files and answer (law 6).

Linux only: it uses ``/proc``, ``pidfd`` and RLIMIT_AS. The forking process must have one thread; a process with more
uses ``child.Zygote``, whose helper has one.
"""

import fcntl
import gc
import math
import os
import resource
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import msgspec

from pipeline.domain.message import Problem
from pipeline.readers.jobs import ChildLimits, Job, Value, resolve, value_of

_VALUE, _PROBLEM = b"V", b"P"
_MOST_FILES = 32
_SPARE = 2.0  # seconds after which a child whose parent is gone ends itself
_READ = 1 << 20
_PIPE = 1 << 20
_HANDLED = (
    signal.SIGALRM,
    signal.SIGCHLD,
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGTERM,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGXCPU,
)


def run_forked(job: Job[Value], payload: bytes, limits: ChildLimits) -> Value | Problem:
    """Run a job in a child of this process and return its value, or the Problem that it met."""
    return value_of(job, collect(resolve(job.target), payload, limits))


def collect(function: Callable[[bytes], object], payload: bytes, limits: ChildLimits) -> memoryview | Problem:
    """Run the function in a forked child and return its encoded value, or the Problem that it met."""
    reading, writing = os.pipe()
    with suppress(OSError):  # a wider pipe saves turns between the two processes; the default does as well
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE)
    pid = os.fork()
    if pid == 0:
        _child(function, payload, limits, writing)
    os.close(writing)
    try:
        pidfd = os.pidfd_open(pid)
        try:
            answer, over = _received(reading, pidfd, limits)
        finally:
            os.close(pidfd)
    finally:
        os.close(reading)
        os.kill(pid, signal.SIGKILL)  # it has ended (and waits to be collected), or it is over a limit
        status = os.waitpid(pid, 0)[1]
    return over or _judged(answer, status, limits)


def _received(reading: int, pidfd: int, limits: ChildLimits) -> tuple[bytearray, Problem | None]:
    """Read the answer until the child has closed the pipe and ended, or is over a limit."""
    deadline = time.monotonic() + limits.wall
    poll = select.poll()
    poll.register(reading, select.POLLIN)
    answer = bytearray()
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not poll.poll(left * 1_000):
            return answer, _late(limits)
        block = os.read(reading, _READ)
        answer += block
        if len(answer) > limits.result + 1:
            return answer, _too_large(limits)
        if not block:
            break
    # The pipe is closed; the child has only to end. Its exit status says whether the answer is whole.
    ended = select.poll()
    ended.register(pidfd, select.POLLIN)
    if not ended.poll(max(0.0, deadline - time.monotonic()) * 1_000):
        return answer, _late(limits)
    return answer, None


def _judged(answer: bytearray, status: int, limits: ChildLimits) -> memoryview | Problem:
    """Say what an ended child's answer and wait status mean."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number in {signal.SIGXCPU, signal.SIGALRM}:
            return _late(limits)
        if number == signal.SIGKILL:
            return Problem("memory", "Reading it was stopped by the system, most likely for the memory it took.")
        name = signal.Signals(number).name
        return Problem("crash", f"The reader crashed on it ({name}); it may be damaged, or made to do harm.")
    # A child that has answered whole ends with 0; whatever another one wrote is not to be trusted.
    whole = os.WEXITSTATUS(status) == 0
    if whole and answer.startswith(_VALUE):
        return memoryview(answer)[1:]
    with suppress(msgspec.MsgspecError):
        return msgspec.msgpack.decode(answer[1:] if whole and answer.startswith(_PROBLEM) else b"", type=Problem)
    return Problem("crash", "The reader ended without an answer; it may be damaged, or made to do harm.")


def _late(limits: ChildLimits) -> Problem:
    return Problem("timeout", f"Reading it took longer than {limits.wall:g} seconds and was stopped.")


def _too_large(limits: ChildLimits) -> Problem:
    return Problem("limit", f"What was read of it is over {limits.result:,} octets.")


def _child(function: Callable[[bytes], object], payload: bytes, limits: ChildLimits, writing: int) -> NoReturn:
    """Be the child: shut everything, do the job, answer, end. No cleanup of the parent's may run here."""
    status = 1
    try:
        _shut(writing)
        _cap(limits)
        for piece in _answer(function, payload, limits):
            rest = memoryview(piece)
            while rest:
                rest = rest[os.write(writing, rest) :]
        status = 0
    finally:
        os._exit(status)


def _answer(function: Callable[[bytes], object], payload: bytes, limits: ChildLimits) -> tuple[bytes, bytes]:
    """Return the encoded value or Problem. An exception's text is left out: it may quote the payload."""
    try:
        body = msgspec.msgpack.encode(function(payload))
        if len(body) <= limits.result:
            return _VALUE, body
        problem = _too_large(limits)
    except MemoryError:
        problem = Problem("memory", f"Reading it took more than {limits.memory >> 20:,} MiB of memory.")
    except RecursionError:
        problem = Problem("limit", "It is nested too deep to be read.")
    except BaseException as error:  # noqa: BLE001 - law 6: a reader's fault ends here, as a value
        problem = Problem("crash", f"The reader failed on it ({_place(error)}); a person must look.")
    return _PROBLEM, msgspec.msgpack.encode(problem)


def _place(error: BaseException) -> str:
    """Return the exception's type and where it was raised, without its text."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    return f"{type(error).__name__} at {Path(frame.f_code.co_filename).name}:{line}"


def _shut(writing: int) -> None:
    """Keep the answer's pipe alone: the parent's files, sockets and signal handlers are not this child's."""
    empty = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(empty, standard)
    os.closerange(3, writing)
    os.closerange(writing + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    signal.set_wakeup_fd(-1)
    for number in _HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    sys.dont_write_bytecode = True
    gc.freeze()  # a collection in the child would copy every page of the parent's objects


def _cap(limits: ChildLimits) -> None:
    """Set the ceilings. A child whose parent has died and left it waiting is ended by its own alarm."""
    pages = int(Path("/proc/self/statm").read_bytes().split()[0])
    cpu = math.ceil(limits.wall)
    for which, most in (
        (resource.RLIMIT_AS, pages * resource.getpagesize() + limits.memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _MOST_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(which, (most, most))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))
    signal.setitimer(signal.ITIMER_REAL, limits.wall + _SPARE)
