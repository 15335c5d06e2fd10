"""The server against clients that misbehave, over real TLS where TLS matters."""

import gc
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pytest

from tests.wire.minting import client_pair, serving_files
from tests.wire.serving import (
    UID,
    Answer,
    Client,
    FakePipeline,
    Witness,
    request,
    review,
    running,
    served,
    wait_until,
)
from webhook.restraint import LINE_SECONDS
from webhook.wire.application import probe_application
from webhook.wire.certificates import load_serving_pair
from webhook.wire.protocol import MAX_HEADER_BYTES, MAX_HEADER_LINES, MAX_UNANSWERED, BoundedProtocol
from webhook.wire.server import KEEP_ALIVE_SECONDS, Listener, ListenError

HEADER = b"POST /validate HTTP/1.1\r\nHost: test\r\n"


@pytest.fixture(scope="module")
def server(files, trust):
    pair = load_serving_pair(files.certificate, files.key)
    with served(FakePipeline(), tls=pair.context, trust=trust) as running_server:
        yield running_server


@pytest.fixture(scope="module")
def plain():
    with served(FakePipeline()) as running_server:
        yield running_server


def assert_serves(served_server):
    with served_server.client() as client:
        assert client.post(review()).json["response"]["uid"] == UID


def is_answered(server, context):
    try:
        with server.client(context) as client:
            return client.post(review()).status == 200
    except OSError:
        return False


def sent_until_closed(client, pieces):
    """Send until the server closes or the pieces end; the answer, or None where the connection was reset."""
    with suppress(OSError):
        for piece in pieces:
            client.send(piece)
    try:
        return client.receive()
    except OSError:
        return None


def test_reviews_come_over_tls_of_a_version_and_protocol_that_the_api_server_speaks(server, files):
    context = ssl.create_default_context(cafile=files.ca)
    context.set_alpn_protocols(["h2", "http/1.1"])
    with server.client(context) as client:
        assert client.post(review()).status == 200
        assert client.connection.selected_alpn_protocol() == "http/1.1"
        assert client.connection.version() == "TLSv1.3"


@pytest.mark.parametrize(("version", "is_accepted"), [("TLSv1_1", False), ("TLSv1_2", True), ("TLSv1_3", True)])
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1:DeprecationWarning")
def test_tls_is_at_least_1_2(server, files, version, is_accepted):
    context = ssl.create_default_context(cafile=files.ca)
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    context.set_ciphers("ALL:@SECLEVEL=0")
    assert is_answered(server, context) is is_accepted


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + b"\0" * 100, b"\0" * 70_000])
def test_what_is_no_tls_disturbs_nobody(server, sent):
    with socket.create_connection(server.reviews) as connection, suppress(OSError):
        connection.sendall(sent)
        connection.settimeout(5)
        while connection.recv(4096):
            pass
    assert_serves(server)


def test_the_server_says_nothing_of_itself(server):
    with server.client() as client:
        assert "server" not in client.post(review()).headers


def test_an_idle_connection_is_kept_beyond_uvicorns_five_seconds(server):
    with server.client() as client, server.client() as untouched:
        assert client.post(review()).status == 200
        time.sleep(6)
        assert client.post(review()).status == 200
        assert untouched.post(review()).status == 200


def test_a_connection_is_kept_longer_than_the_api_server_keeps_it():
    assert KEEP_ALIVE_SECONDS > 90


def test_a_hundred_reviews_at_once_are_answered_at_once(files, trust):
    witness = Witness()
    pair = load_serving_pair(files.certificate, files.key)
    pipeline = FakePipeline(delay_seconds=0.3)
    with served(pipeline, witness=witness, tls=pair.context, trust=trust) as server:

        def post(_number):
            with server.client() as client:
                return [client.post(review()).status for _ in range(3)]

        with ThreadPoolExecutor(100) as pool:
            answers = list(pool.map(post, range(100)))
    assert answers == [[200, 200, 200]] * 100
    assert witness.begun == 300
    assert min(pipeline.remaining_seconds) > 4


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (b"X-Long: " + b"a" * (MAX_HEADER_BYTES - 200) + b"\r\n", 200),
        (b"X-Long: " + b"a" * MAX_HEADER_BYTES + b"\r\n", 431),
        (b"X-Long: a\r\n" * (MAX_HEADER_LINES - 5), 200),
        (b"X-Long: a\r\n" * MAX_HEADER_LINES, 431),
        (b"a:\r\n" * 2_000, 431),
    ],
)
@pytest.mark.parametrize("read_bytes", [1_000, 1_000_000])
def test_a_header_block_is_bounded_however_it_comes(server, header, status, read_bytes):
    body = review()
    sent = HEADER + header + b"Content-Length: %d\r\n\r\n" % len(body) + body
    with server.client() as client:
        answer = sent_until_closed(
            client, (sent[start : start + read_bytes] for start in range(0, len(sent), read_bytes))
        )
        assert answer.status == status
        if status == 431:
            assert answer.headers["connection"] == "close"
            assert answer.body == b"the header is too large"
            assert client.is_closed_within(3)


def test_a_request_line_is_part_of_the_header(server):
    with server.client() as client:
        answer = sent_until_closed(client, [b"POST /validate?" + b"a" * MAX_HEADER_BYTES + b" HTTP/1.1\r\n\r\n"])
    assert answer.status == 431


@pytest.mark.parametrize(
    "pieces",
    [
        [HEADER, *[b"X-Long: " + b"a" * 1000 + b"\r\n"] * 16_000],
        [HEADER + b"X-Endless: ", *[b"a" * 65_536] * 256],
        [b"POST /" + b"a" * 65_536, *[b"a" * 65_536] * 256],
        [b"a" * 65_536] * 16,
    ],
    ids=["many headers", "an endless line", "an endless target", "an endless method"],
)
def test_sixteen_mebibytes_of_header_are_cut_off_early(plain, pieces):
    sent_bytes = 0

    def counted():
        nonlocal sent_bytes
        for piece in pieces:
            sent_bytes += len(piece)
            yield piece

    with plain.client() as client:
        answer = sent_until_closed(client, counted())
    assert answer is None or answer.status in (400, 431)
    assert sent_bytes < 8 * 1024 * 1024, "what the sockets' buffers hold, and no more"
    assert_serves(plain)


def test_headers_of_requests_on_one_connection_are_counted_each_by_itself(server):
    header = "X-Long: " + "a" * (MAX_HEADER_BYTES // 2) + "\r\n"
    with server.client() as client:
        for _ in range(4):
            assert client.post(review(), headers=header).status == 200


def test_pipelined_requests_are_answered_in_their_order(server):
    paths = ["/validate/warn", "/nowhere", "/validate/enforce", "/validate/warn"] * 5
    with server.client() as client:
        client.send(b"".join(request(review(), path) for path in paths[:1] + paths[2:4]))
        modes = [client.receive().json["response"]["auditAnnotations"]["mode"] for _ in range(3)]
    assert modes == ["warn", "enforce", "warn"]


def test_pipelined_requests_in_one_piece_may_be_larger_than_one_header(plain):
    body = review(30_000)
    one = request(body, headers="X-Long: " + "a" * (MAX_HEADER_BYTES // 2) + "\r\n")
    with plain.client() as client:
        sender = threading.Thread(target=client.send, args=(one * MAX_UNANSWERED,))
        sender.start()
        assert [client.receive().status for _ in range(MAX_UNANSWERED)] == [200] * MAX_UNANSWERED
        sender.join()


def test_the_lines_of_pipelined_headers_are_counted_together(plain):
    header = "".join(f"X-{number}: a\r\n" for number in range(MAX_HEADER_LINES // 2))
    with plain.client() as client:
        assert [client.post(review(), headers=header).status for _ in range(3)] == [200] * 3
    with served(FakePipeline(delay_seconds=0.3)) as server, server.client() as client:
        client.send(request(review(), headers=header) * 2)
        assert client.receive().status == 431


def test_who_asks_on_and_on_without_waiting_for_answers_is_cut_off(plain):
    with plain.client() as client:
        answer = sent_until_closed(client, [request(review()) * 1000] * 10)
        assert answer is None or answer.status == 200
        assert client.is_closed_within(3) or client.connection.recv(1 << 20)
    assert_serves(plain)


@pytest.mark.parametrize(
    "sent",
    [
        HEADER + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /livez HTTP/1.1\r\n\r\n",
        HEADER + b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n",
        HEADER + b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        HEADER + b"Content-Length: -1\r\n\r\n",
        HEADER + b"Content-Length: 1e3\r\n\r\n",
        HEADER + b"Content-Length: 99999999999999999999999\r\n\r\n",
        HEADER + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEADER + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        HEADER + b"X Space: a\r\n\r\n",
        HEADER + b"X-Nul: a\0b\r\n\r\n",
        HEADER + b" folded: a\r\n\r\n",
        b"POST /validate HTTP/9.9\r\nHost: test\r\n\r\n",
        b"POST /validate\xff HTTP/1.1\r\nHost: test\r\n\r\n",
        b"POST http://[ HTTP/1.1\r\nHost: test\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"hunter2\r\n\r\n",
    ],
)
def test_what_is_not_http_is_a_400_and_the_end_of_the_connection(server, sent):
    with server.client() as client:
        client.send(sent)
        answer = client.receive()
        assert answer.status == 400
        assert answer.headers["connection"] == "close"
        assert b"hunter2" not in answer.body
        assert client.is_closed_within(3)
    assert_serves(server)


def test_what_is_not_http_is_logged_one_line_a_second_and_the_others_counted(caplog):
    with served(FakePipeline()) as server:
        for pause_seconds in (LINE_SECONDS, 0, LINE_SECONDS, 0):
            time.sleep(pause_seconds)
            with server.client() as client:
                client.send(b"rubbish\r\n\r\n")
                assert client.receive().status == 400
    told = [record.getMessage() for record in caplog.records if record.name == "uvicorn.error"]
    assert told[0].startswith("Invalid HTTP request received.")
    assert told[1:] == ["Invalid HTTP request received. (1 more since the last such line)"]


@pytest.mark.parametrize("upgrade", ["websocket", "h2c", "TLS/1.0"])
def test_no_connection_is_upgraded(server, upgrade):
    sent = f"GET /validate HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\n\r\n"
    with server.client() as client:
        client.send(sent.encode())
        assert client.receive().status == 405


def test_who_expects_it_is_told_to_continue(server):
    body = review()
    with server.client() as client:
        client.send(HEADER + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(body))
        assert client.receive().status == 100
        client.send(body)
        assert client.receive().status == 200


def test_http_1_0_is_answered_and_closed(server):
    body = review()
    with server.client() as client:
        client.send(b"POST /validate HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert client.receive().status == 200
        assert client.is_closed_within(3)


def test_a_socket_that_is_half_closed_after_its_request_disturbs_nobody(plain):
    with plain.client() as client:
        client.send(request(review()))
        client.connection.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):
            assert client.receive().status == 200
        assert client.is_closed_within(3)
    assert_serves(plain)


def test_a_connection_that_is_reset_disturbs_nobody(server):
    for sent in (b"", HEADER, request(review())[:-1], request(review())):
        client = server.client()
        client.send(sent or b"P")
        client.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        client.__exit__()
    assert_serves(server)


@pytest.mark.parametrize(
    ("sent", "drop"),
    [
        (b"P", b""),
        (b"POST /", b"a"),
        (HEADER, b"a"),
        (HEADER + b"X-Slow: ", b"a"),
        (HEADER + b"Content-Length: 100\r\n\r\n{", b"a"),
        (b"\r\n", b"\r\n"),
    ],
    ids=["method", "target", "header", "header line", "body", "blank lines"],
)
def test_a_request_that_drips_is_cut_off(sent, drop):
    with served(FakePipeline(), max_request_seconds=0.5) as server, server.client() as client:
        started_at = time.monotonic()
        client.send(sent)
        while time.monotonic() - started_at < 5 and not client.is_closed_within(0.05):
            with suppress(OSError):
                client.send(drop)
        assert 0.4 < time.monotonic() - started_at < 2


def test_an_idle_connection_is_closed_in_the_end():
    with served(FakePipeline(), keep_alive_seconds=1) as server, server.client() as fresh, server.client() as used:
        assert used.post(review()).status == 200
        assert not used.is_closed_within(0.5)
        assert used.is_closed_within(2)
        assert fresh.is_closed_within(2)


def test_a_review_in_progress_is_no_slow_request():
    hasty = served(FakePipeline(delay_seconds=1.5), keep_alive_seconds=1, max_request_seconds=0.3)
    with hasty as server, server.client() as client:
        assert client.post(review()).status == 200


@pytest.fixture(scope="module")
def guarded(files, trust):
    """A server that wants a client's certificate, and of these one of two names."""
    pair = load_serving_pair(files.certificate, files.key, client_ca=files.ca)
    names = frozenset({"kube-apiserver", "apiserver.example"})
    with served(FakePipeline(), tls=pair.context, trust=trust, client_names=names) as running_server:
        yield running_server


def showing(files, folder, pair):
    (folder / "client.pem").write_bytes(pair.certificate + pair.key)
    context = ssl.create_default_context(cafile=files.ca)
    context.load_cert_chain(folder / "client.pem")
    return context


@pytest.mark.parametrize(
    ("common_name", "alternative_names", "is_accepted"),
    [
        ("kube-apiserver", (), True),
        ("somebody", ("other.example", "apiserver.example"), True),
        ("somebody", (), False),
        ("somebody", ("other.example",), False),
        ("kube-apiserver.evil", ("kube-apiserver.evil",), False),
    ],
)
def test_a_client_must_bear_one_of_the_names(guarded, files, tmp_path, common_name, alternative_names, is_accepted):
    pair = client_pair(files.authority, common_name, alternative_names=alternative_names)
    assert is_answered(guarded, showing(files, tmp_path, pair)) is is_accepted


def test_a_client_without_a_certificate_or_of_another_authority_is_turned_away(guarded, files, tmp_path):
    stranger = serving_files(tmp_path).authority
    assert not is_answered(guarded, ssl.create_default_context(cafile=files.ca))
    assert not is_answered(guarded, showing(files, tmp_path, client_pair(stranger, "kube-apiserver")))


def test_the_probes_need_no_certificate(guarded):
    with guarded.probe() as client:
        assert client.get("/livez").body == b"ok"


def test_without_names_any_client_of_the_authority_will_do(files, trust, tmp_path):
    pair = load_serving_pair(files.certificate, files.key, client_ca=files.ca)
    with served(FakePipeline(), tls=pair.context, trust=trust) as server:
        assert is_answered(server, showing(files, tmp_path, client_pair(files.authority, "anybody")))
        assert not is_answered(server, ssl.create_default_context(cafile=files.ca))


@pytest.fixture
def stack():
    with ExitStack() as opened:
        yield opened


def connections_in_memory():
    return sum(isinstance(one, BoundedProtocol) or type(one).__name__ == "SSLProtocol" for one in gc.get_objects())


@pytest.mark.parametrize(
    "sent",
    [
        HEADER + b"X-Long: " + b"a" * 2 * MAX_HEADER_BYTES + b"\r\n\r\n",
        HEADER + b"X: 1\r\n" * (MAX_HEADER_LINES + 1) + b"\r\n",
        b"no request\r\n\r\n",
        request(review())[:-10],
        request(review()) * 3,
        request(review()) * (MAX_UNANSWERED + 1),
    ],
    ids=["long header", "many lines", "no request", "half a body", "three at once", "too many at once"],
)
def test_a_connection_that_is_over_leaves_nothing(files, trust, sent, monkeypatch):
    """Each keeps 256 KiB with TLS: hundreds a second that wait for a timer or the collector would be the end."""
    monkeypatch.setattr("webhook.wire.protocol.MAX_CLOSING_SECONDS", 60)
    pair = load_serving_pair(files.certificate, files.key)
    with served(FakePipeline(delay_seconds=0.05), tls=pair.context, trust=trust) as server:
        assert_serves(server)
        gc.collect()
        before = connections_in_memory()
        gc.disable()
        try:
            for _ in range(5):
                with server.client() as client:
                    client.send(sent)
                    client.connection.settimeout(0.1)
                    with suppress(OSError):
                        client.connection.recv(1)
            wait_until(lambda: connections_in_memory() <= before)
        finally:
            gc.enable()


def test_stopping_finishes_what_is_in_flight_and_accepts_nothing_more(files, trust, stack):
    pair = load_serving_pair(files.certificate, files.key)
    answers: list[Answer] = []
    with served(FakePipeline(delay_seconds=0.8), tls=pair.context, trust=trust) as server:
        busy, idle = stack.enter_context(server.client()), stack.enter_context(server.client())
        reader = threading.Thread(target=lambda: answers.append(busy.post(review())))
        reader.start()
        time.sleep(0.3)
        stopped_at = time.monotonic()
    assert time.monotonic() - stopped_at < 2.5, "though neither client said goodbye"
    reader.join()
    assert answers[0].status == 200
    assert answers[0].headers["connection"] == "close"
    assert idle.is_closed_within(1)
    with pytest.raises(ConnectionRefusedError):
        server.client()


def test_stopping_is_not_disturbed_by_who_hangs_up_at_that_moment(files, trust, stack):
    pair = load_serving_pair(files.certificate, files.key)

    def hang_up(clients):
        for client in clients:
            with suppress(OSError):  # The server may have been quicker.
                client.connection.shutdown(socket.SHUT_RDWR)
            time.sleep(0.001)

    with served(FakePipeline(delay_seconds=0.5), tls=pair.context, trust=trust) as server:
        working, *others = (stack.enter_context(server.client()) for _ in range(150))
        working.send(request(review()))
        time.sleep(0.3)
        hanging_up = threading.Thread(target=hang_up, args=(others,))
        hanging_up.start()
        time.sleep(0.03)
    assert working.receive().status == 200
    hanging_up.join()


def test_stopping_does_not_wait_for_who_asks_the_probes_on_and_on():
    def ask_on(server):
        with suppress(OSError), server.probe() as client:
            while client.get("/metrics").headers.get("connection") != "close":
                pass

    with served(FakePipeline()) as server:
        askers = [threading.Thread(target=ask_on, args=(server,)) for _ in range(12)]
        for asker in askers:
            asker.start()
        time.sleep(0.3)
        stopped_at = time.monotonic()
    assert time.monotonic() - stopped_at < 1.5
    for asker in askers:
        asker.join(5)


def test_stopping_waits_no_longer_than_the_grace(stack):
    with served(FakePipeline(delay_seconds=7)) as server:
        client = stack.enter_context(server.client())
        client.send(request(review()))
        time.sleep(0.3)
        stopped_at = time.monotonic()
    assert 1.5 < time.monotonic() - stopped_at < 4


@pytest.mark.parametrize(
    ("host", "told"), [("127.0.0.1", "127.0.0.1:"), ("localhost", "127.0.0.1:"), ("::1", "[::1]:"), ("::", "[::]:")]
)
def test_the_real_addresses_are_told(host, told):
    application = probe_application(reasons=list, metrics=bytes, metrics_media_type="text/plain")
    listener = Listener(application=application, host=host, port=0)
    with running(listener, listener) as addresses:
        ports = {int(address.removeprefix(told)) for address in addresses}
        assert len(ports) == 2
        reached = "::1" if ":" in host else "127.0.0.1"
        for port in ports:
            with Client(socket.create_connection((reached, port))) as client:
                assert client.get("/livez").status == 200


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1", "address already in use"),
        ("192.0.2.1", "cannot assign requested address"),
        ("no.such.host", "name or service not known"),
    ],
)
def test_an_address_that_cannot_be_listened_on_is_named(host, words):
    application = probe_application(reasons=list, metrics=bytes, metrics_media_type="text/plain")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        listener = Listener(application=application, host=host, port=port)
        with pytest.raises(ListenError, match=rf"^{host}:{port}: {words}$"), running(listener, listener):
            pass
