"""The monitor's HTTP server as an attacker meets it, and that it goes when it is told to. Loopback only."""

import re
import signal
import socket
import threading
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipeline.monitor import listening
from pipeline.monitor.server import Server
from pipeline.trouble import Unavailable

WELL = '{"healthy": true}\n'
PAGE = "# TYPE cpl_x gauge\ncpl_x 1.0\n"
_PATIENCE = 20


class Figures:
    """What the server tells. trouble: raised instead."""

    well = True
    trouble = None

    def health(self):
        if self.trouble:
            raise self.trouble
        return self.well, WELL

    def metrics(self):
        return PAGE


@contextmanager
def serving(figures=None, host="127.0.0.1", **more):
    with Server((host, 0), figures or Figures(), **more) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_address[:2]
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def place():
    with serving() as found:
        yield found


def line_to(place):
    return socket.create_connection(place, _PATIENCE)


def everything(line):
    parts = []
    while part := line.recv(65536):
        parts.append(part)
    return b"".join(parts)


def sent(place, request):
    with line_to(place) as line:
        line.sendall(request)
        return everything(line)


def get(place, path, method="GET"):
    """Ask properly; return status, headers in lower case, and body."""
    head, _, body = sent(place, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()).partition(b"\r\n\r\n")
    first, *rest = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    return int(first.split()[1]), headers, body.decode()


def test_both_pages_are_told(place):
    status, headers, body = get(place, "/healthz")
    assert (status, body, headers["content-type"]) == (200, WELL, "application/json")
    status, headers, body = get(place, "/metrics?x=1")
    assert (status, body, headers["content-type"]) == (200, PAGE, "text/plain; version=0.0.4; charset=utf-8")
    assert (headers["cache-control"], headers["server"]) == ("no-store", "cpl-pipeline")


def test_what_is_not_well_is_503():
    figures = Figures()
    figures.well = False
    with serving(figures) as place:
        assert get(place, "/healthz")[::2] == (503, WELL)
        assert get(place, "/metrics")[0] == 200


def test_head_is_the_same_without_the_page(place):
    status, headers, body = get(place, "/healthz", "HEAD")
    assert (status, headers["content-length"], body) == (200, str(len(WELL)), "")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "Zzyzx", "get"])
def test_nothing_can_be_done_but_asking(place, method):
    status, headers, body = get(place, "/healthz", method)
    assert (status, headers["allow"], body) == (405, "GET, HEAD", "Method Not Allowed\n")


@pytest.mark.parametrize(
    "path",
    ["/", "/../../etc/passwd", "/healthz/../metrics", "/%2e%2e/Zzyzx", "/healthz%00", "/Metrics", "/<script>Zzyzx"],
)
def test_there_is_nothing_else_and_no_path_is_said_back(place, path):
    assert get(place, path)[::2] == (404, "Not Found\n")


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"Zzyzx\r\n\r\n", 400),
        (b"GET /healthz HTTP/Zzyzx\r\n\r\n", 400),
        (b"GET /healthz HTTP/9.9\r\n\r\n", 505),
        (b"GET Zzyzx\r\n\r\n", 404),
        (b"GET /healthz Zzyzx HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\n" + b"A: Zzyzx\r\n" * 200 + b"\r\n", 431),
        (b"GET /healthz HTTP/1.1\r\nA: " + b"Z" * 9000 + b"\r\n\r\n", 431),
        (b"GET /" + b"Z" * 9000 + b" HTTP/1.1\r\n\r\n", 431),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03Zzyzx\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_is_refused_and_not_said_back(place, request_, status):
    answer = sent(place, request_)
    assert answer.startswith(b"HTTP/1.0 %d " % status)
    assert not re.search(rb"zzyzx|ZZ", answer, re.IGNORECASE)
    assert get(place, "/healthz")[0] == 200


def test_a_request_that_drips_is_left_when_its_time_is_up():
    """Each octet comes soon after the one before it; the clock of the server says that all of them took too long."""
    begun, now = threading.Event(), [0.0]

    def clock():
        begun.set()
        return now[0]

    with serving(seconds=_PATIENCE, clock=clock) as place, line_to(place) as line:
        line.sendall(b"GET /healthz HTTP/1.1\r\nA: ")
        assert begun.wait(_PATIENCE)
        now[0] = _PATIENCE + 1.0
        line.settimeout(_PATIENCE / 2)
        line.sendall(b"drip")
        assert everything(line) == b""


def test_a_connection_that_says_nothing_is_left(place):
    with serving(seconds=0.05) as quick, line_to(quick) as line:
        assert everything(line) == b""


def test_more_than_eight_at_once_are_turned_away_and_room_is_made_again(place):
    with ExitStack() as stack:
        waiting = [stack.enter_context(line_to(place)) for _ in range(8)]
        assert sent(place, b"").startswith(b"HTTP/1.0 503 ")
        waiting[3].close()
        assert any(get(place, "/healthz")[2] == WELL for _ in range(1000))
    assert any(get(place, "/healthz")[2] == WELL for _ in range(1000))


def test_a_fault_of_ours_shows_nothing_and_is_told_without_its_text(monkeypatch, capfd):
    logged = []
    told = threading.Event()

    def error(event, **more):
        logged.append((event, more))
        told.set()

    monkeypatch.setattr("pipeline.monitor.server.log", SimpleNamespace(error=error))
    figures = Figures()
    figures.trouble = KeyError("Zzyzx")
    with serving(figures) as place:
        assert sent(place, b"GET /healthz HTTP/1.0\r\n\r\n") == b""
        assert told.wait(_PATIENCE)
        assert get(place, "/metrics")[0] == 200
    assert logged[0][0] == "monitor failed"
    assert logged[0][1]["error"] == "KeyError"
    assert "Zzyzx" not in repr(logged)
    assert capfd.readouterr() == ("", "")


def test_a_caller_who_goes_away_is_no_fault(capfd, place):
    for _ in range(8):
        with line_to(place) as line:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            line.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
    assert get(place, "/healthz")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_it_can_listen_by_ipv6():
    if not socket.has_ipv6:
        pytest.skip("this Python has no IPv6")
    try:
        with listening("[::1]:0", Figures()) as address:
            host, _, port = address.rpartition(":")
            assert host == "[::1]"
            assert get(("::1", int(port)), "/healthz")[0] == 200
    except Unavailable:
        pytest.skip("this machine has no ::1")


def test_it_listens_until_its_end_and_leaves_the_signals_alone():
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with listening("127.0.0.1:0", Figures()) as address:
        place = ("127.0.0.1", int(address.rpartition(":")[2]))
        (thread,) = (t for t in threading.enumerate() if t.name == "monitor")
        status = Path(f"/proc/self/task/{thread.native_id}/status").read_text("ascii")
        blocked = int(re.search(r"^SigBlk:\s*([0-9a-f]+)$", status, re.MULTILINE)[1], 16)
        assert all(blocked >> (number - 1) & 1 for number in (signal.SIGTERM, signal.SIGINT))
        assert get(place, "/healthz")[0] == 200
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == mask
    with pytest.raises(ConnectionRefusedError):
        line_to(place)


@pytest.mark.parametrize("port", ["taken", "99999"])
def test_a_port_that_cannot_be_had_is_told(port):
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1] if port == 'taken' else port}"
        with pytest.raises(Unavailable, match=f"nobody can listen at {listen} .*Choose"), listening(listen, Figures()):
            pass
