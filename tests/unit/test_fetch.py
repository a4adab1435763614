"""Fetching asks the hosts that were named and no others, takes no more than allowed, and says why not."""

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.fetch import Fetcher, NotFetched, ping

LIST = b"\x30\x03abc"


class Server(ThreadingHTTPServer):
    """Answers each path by a function of the handler. asked: the paths, in order."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        self.asked: list[str] = []
        self.done = threading.Event()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.server.answers[self.path](self)

    def log_message(self, *_: object) -> None:
        """Nothing goes to the test's output."""


def answers(body: bytes, status: int = 200, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in ({"Content_Length": str(len(body))} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@pytest.fixture
def server():
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.done.set()
        running.shutdown()
        thread.join()


def refused(fetcher: Fetcher, address: str) -> str:
    with pytest.raises(NotFetched) as caught:
        fetcher.get(address)
    assert str(caught.value).startswith(address)
    return str(caught.value)


def test_a_list_is_fetched_with_its_query(server):
    server.answers["/a.crl?x=1"] = answers(LIST)
    assert Fetcher((server.host,), 5).get(server.url("/a.crl?x=1#part")) == LIST


@pytest.mark.parametrize(
    "address",
    [
        "ftp://127.0.0.1/a.crl",
        "file:///etc/hostname",
        "http:///a.crl",
        "http://",
        "a.crl",
        "http://user@crl.example/a.crl",
        "http://crl.example:99999/a.crl",
        "http://[::1/a.crl",
    ],
)
def test_what_is_no_http_address_is_not_asked(address):
    assert refused(Fetcher(("crl.example", "127.0.0.1", "[::1"), 5), address)


def test_only_named_hosts_and_ports_are_asked(server):
    server.answers["/a.crl"] = answers(LIST)
    for hosts in ((), ("crl.example",), ("127.0.0.1",), (f"127.0.0.1:{server.server_port + 1}",), ("127.0.0",)):
        assert "not among trust.hosts" in refused(Fetcher(hosts, 5), server.url("/a.crl"))
    assert server.asked == []
    assert "not among trust.hosts" in refused(Fetcher(("crl.example",), 5), "http://crl.example.evil/a.crl")
    assert "not among trust.hosts" in refused(Fetcher(("crl.example",), 5), "http://crl.example:8080/a.crl")


def test_a_redirect_is_followed_among_the_named_hosts_only(server):
    server.answers["/old"] = answers(b"", 301, Location="/new")
    server.answers["/new"] = answers(LIST)
    server.answers["/away"] = answers(b"", 302, Location="http://169.254.169.254/secret")
    server.answers["/file"] = answers(b"", 302, Location="file:///etc/hostname")
    fetcher = Fetcher((server.host,), 5)
    assert fetcher.get(server.url("/old")) == LIST
    assert "169.254.169.254:80 is not among" in refused(fetcher, server.url("/away"))
    assert "no http address" in refused(fetcher, server.url("/file"))


def test_redirects_come_to_an_end(server):
    server.answers["/round"] = answers(b"", 307, Location="/round")
    assert "moved more than 3 times" in refused(Fetcher((server.host,), 5), server.url("/round"))
    assert server.asked == ["/round"] * 4


def test_proxies_of_the_environment_are_not_used(server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    server.answers["/a.crl"] = answers(LIST)
    assert Fetcher((server.host,), 5).get(server.url("/a.crl")) == LIST


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (answers(b"gone", 404), "the server answers 404"),
        (answers(LIST, 304), "the server answers 304"),
        (answers(b"<html>"), "neither a revocation list nor a certificate"),
        (answers(b""), "neither a revocation list nor a certificate"),
        (answers(LIST, Content_Length="90"), "ends too early"),
        (answers(b"\x30" * ((10 << 20) + 1)), "more than 10 MB"),
        (lambda handler: handler.wfile.write(b"SSH-2.0-x\r\n\r\n"), "SSH-2.0-x"),
        (lambda _: None, ""),
    ],
)
def test_what_is_no_list_is_told(server, answer, words):
    server.answers["/a.crl"] = answer
    assert words in refused(Fetcher((server.host,), 5), server.url("/a.crl"))


@pytest.mark.parametrize("headers", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\n\r\n\x30"])
def test_a_server_that_keeps_sending_is_left_when_the_time_is_up(server, headers):
    def drip(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(headers)
        try:
            while not server.done.wait(0.02):
                handler.wfile.write(b"X")
        except OSError:
            return

    server.answers["/a.crl"] = drip
    assert refused(Fetcher((server.host,), 0.3), server.url("/a.crl")).endswith("it took too long")


def test_the_time_is_for_all_redirects_together(server):
    server.answers["/a"] = answers(b"", 302, Location="/b")
    ticks = iter([0.0, 0.0, 6.0])
    found = refused(Fetcher((server.host,), 5, lambda: next(ticks)), server.url("/a"))
    assert found.endswith("it took too long")
    assert server.asked == ["/a"]


def test_nobody_there(server):
    server.shutdown()
    server.server_close()
    assert "refused" in refused(Fetcher((server.host,), 5), server.url("/a.crl")).lower()


def pinged(address: str, seconds: float = 5) -> str:
    with pytest.raises(NotFetched) as caught:
        ping(address, seconds)
    assert "key" not in str(caught.value)
    return str(caught.value)


def test_a_ping_asks_once_and_reads_nothing(server):
    for status in (200, 204):
        server.answers["/key?x=1"] = answers(b"<html>", status)
        ping(server.url("/key?x=1"), 5)
    assert server.asked == ["/key?x=1"] * 2


@pytest.mark.parametrize("status", [301, 302, 307, 404, 500])
def test_a_ping_follows_no_redirect_and_names_no_key(server, status):
    server.answers["/key"] = answers(b"", status, Location="/new")
    assert pinged(server.url("/key")) == f"127.0.0.1: the server answers {status}"
    assert server.asked == ["/key"]


@pytest.mark.parametrize("address", ["http://[::1/key", "http://a.example:99999/key", "http://127.0.0.1:1/key"])
def test_a_ping_that_cannot_be_is_told_like_any_other(address):
    assert pinged(address)


def test_a_ping_has_its_time(server):
    def drip(handler: BaseHTTPRequestHandler) -> None:
        try:
            while not server.done.wait(0.02):
                handler.wfile.write(b"X")
        except OSError:
            return

    server.answers["/key"] = drip
    assert pinged(server.url("/key"), 0.3) == "127.0.0.1: it took too long"
