"""When the worker does its rounds; nothing else. What is due is always computed from the ledger, never from a timer."""

import fcntl
import os
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler

from pipeline.trouble import Unavailable, in_words
from pipeline.worker import Worker

_STOP = {signal.SIGTERM, signal.SIGINT}

log = structlog.get_logger()


class AlreadyRunning(Exception):  # noqa: N818 - named for the fact
    """Another worker has this data folder; two would answer twice. The text says which."""


@contextmanager
def only_one(data: Path) -> Iterator[None]:
    """Hold the data folder's lock. The system lets go of it whatever way the process ends."""
    try:
        data.mkdir(parents=True, exist_ok=True, mode=0o700)
        file = (data / "worker.lock").open("a+", encoding="ascii")
    except OSError as error:
        raise Unavailable(
            f"{data}: the worker cannot write here ({error.strerror}). Give its user the right to, or set 'data'."
        ) from error
    with file as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise AlreadyRunning(f"{data}: the worker with process id {lock.read() or '?'} is at work here") from None
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield


class Watching(Protocol):
    """Tells of new mail before it is polled for."""

    def run(self) -> None:
        """Watch until stopped."""
        ...

    def stop(self) -> None:
        """End ``run`` soon. Called from another thread."""
        ...


def run_until_stopped(
    worker: Worker,
    seconds: int,
    notify: Callable[[str], None],
    work: Callable[[], object] | None = None,
    watch: Callable[[Callable[[], None]], Watching] | None = None,
) -> None:
    """Do a round now and then every so many seconds, until SIGTERM or SIGINT; the mail at hand is finished first.

    work: what does one round, where others watch it; otherwise the worker's own ``run_once``.
    watch: makes what calls its argument when mail has come; then a round is done at once, or after the one at hand.
    A round that is late is done once (coalesce), never skipped (no misfire limit), and never beside another.
    A second signal does not cut the end short (SIGKILL does).
    """
    asked_to_stop = _stop_signals()
    scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(1)}, timezone="UTC")

    do = work or worker.run_once
    at_work, mail_came, stopping = threading.Event(), threading.Event(), threading.Event()

    def one_round() -> None:
        try:
            do()
        except Exception as error:  # noqa: BLE001 - a round that fails is told, and the next one is done all the same
            log.critical("round failed", step="round", **in_words(error))
        else:
            notify("WATCHDOG=1")

    def rounds() -> None:
        at_work.set()
        mail_came.set()
        while mail_came.is_set() and not stopping.is_set():
            mail_came.clear()
            one_round()
        at_work.clear()

    job = scheduler.add_job(
        rounds,
        "interval",
        seconds=seconds,
        next_run_time=worker.office.clock(),
        misfire_grace_time=None,
        coalesce=True,
        max_instances=1,
    )

    def poke() -> None:
        """Do not wait for the next round. Where this comes too late or too early, it is waited for all the same."""
        mail_came.set()
        if not at_work.is_set() and not stopping.is_set():
            job.modify(next_run_time=worker.office.clock())

    scheduler.start()
    notify("READY=1")
    watching = watch(poke) if watch else None
    if watching:
        threading.Thread(target=watching.run, name="watch", daemon=True).start()
    number = _stopped_by(asked_to_stop, job, worker.office.clock, seconds)
    stopping.set()
    if watching:
        watching.stop()
    worker.stop()
    notify("STOPPING=1")
    log.info("stopping", step="stop", signal=signal.Signals(number).name)
    scheduler.shutdown()
    log.info("stopped", step="stop")


def _stopped_by(asked_to_stop: int, job: Job, clock: Callable[[], datetime], seconds: int) -> int:
    """Wait for a signal and return its number.

    Where the clock is set back meanwhile, the next round begins at once: APScheduler would wait until the time that it
    noted for it comes again.
    """
    while not select.select([asked_to_stop], [], [], seconds)[0]:
        if job.next_run_time - clock() > timedelta(seconds=2 * seconds):
            log.warning("the clock was set back", step="round")
            job.modify(next_run_time=clock())
    return os.read(asked_to_stop, 1)[0]


def _stop_signals() -> int:
    """Return a file descriptor from which the number of each SIGTERM and SIGINT can be read, as one octet, from now on.

    They are not blocked and waited for, as libraries start threads of their own (numpy's does when it is imported)
    that have nothing blocked: a signal that reached one of them would end the process. The handler does nothing, as
    it would run between any two steps, also where a lock is held that it would need.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in _STOP:
        signal.signal(number, lambda *_: None)
    return reader


def notifier() -> Callable[[str], None]:
    """Return what tells systemd how the service is (sd_notify(3)); it does nothing where there is no systemd."""
    address = os.environ.get("NOTIFY_SOCKET", "")

    def notify(text: str) -> None:
        if not address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel, suppress(OSError):
            channel.sendto(text.encode(), address.replace("@", "\0", 1) if address.startswith("@") else address)

    return notify
