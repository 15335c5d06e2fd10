import asyncio
import gzip
import random
import socket
import ssl
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

from tests.wire.scripted import (
    DIGEST,
    HOUR,
    OK,
    RULES,
    Certificates,
    always,
    listening,
    manifest,
    read_request,
    registries,
    serving,
    trusting,
)
from webhook import __version__
from webhook.keychain.credential import Credential
from webhook.registry.endpoints import Endpoint
from webhook.registry.exchange import (
    ACCEPT,
    AddressRefused,
    Answer,
    BasicLogin,
    BrokenAnswer,
    ConnectFailed,
    FetchToken,
    HeldBack,
    NameNotFound,
    ProxyFailed,
    Reply,
    SpeaksPlain,
    TimedOut,
    TlsFailed,
)
from webhook.registry.resolution import Conclusion, Resolved
from webhook.shortcuts import Shortcuts
from webhook.wire.registries import MAX_AT_ONCE, Asker, Registries

TOO_MANY = b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"
BODY = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b"


def ask(script, *, method="HEAD", host="127.0.0.1", tls=None, intent_fields=None, trust=None, **options):
    """Ask a scripted server once; return the reply and the server."""

    async def run():
        async with serving(script, tls=tls) as server, registries(**options) as client:
            intent = manifest(server.url(host), method=method, **(intent_fields or {}))
            return await client.ask(trusting(intent, **(trust or {}))), server

    return asyncio.run(run())


def statuses(replies):
    """The status of every answer; a fault as it is."""
    return [getattr(reply, "status", reply) for reply in replies]


@contextmanager
def taking_nobody(host, port):
    """Listen without accepting, the queue full, so that a further connection gets no answer; yields the port."""
    with socket.socket() as listener, ExitStack() as stack:
        listener.bind((host, port))
        listener.listen(0)
        port = listener.getsockname()[1]
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex((host, port))
        yield port


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


class TestRequests:
    def test_a_manifest_request_is_containerds(self):
        login = BasicLogin(Credential("alice", "s3cret"))
        reply, server = ask(always(OK), intent_fields={"authorization": login})
        assert reply == Answer(200, (("Docker-Content-Digest", DIGEST), ("Content-Length", "2")))
        assert server.requests[0].decode().split("\r\n") == [
            "HEAD /v2/app/manifests/1 HTTP/1.1",
            f"Host: 127.0.0.1:{server.port}",
            f"User-Agent: pullcheck/{__version__}",
            "Accept-Encoding: identity",
            f"Accept: {ACCEPT}",
            "Authorization: Basic YWxpY2U6czNjcmV0",
            "",
            "",
        ]

    @pytest.mark.parametrize(
        ("grant", "head", "body"),
        [
            ("anonymous", "GET /token?a=%2Fb&scope=repository%3Ax%2Fy%3Apull&service=s HTTP/1.1", b""),
            (
                "password",
                "POST /token?a=%2Fb HTTP/1.1",
                b"client_id=pullcheck&grant_type=password&password=p%26w&scope=repository%3Ax%2Fy%3Apull&service=s&username=u",
            ),
        ],
    )
    def test_a_token_request_reaches_the_server_byte_for_byte(self, grant, head, body):
        async def run():
            async with serving(always(BODY % (2, b"{}"))) as server, registries() as client:
                url = server.url(path="/token?a=%2Fb")
                scopes = ("repository:x/y:pull",)
                login = Credential("u", "p&w")
                reply = await client.ask(
                    FetchToken(
                        endpoint=Endpoint(url=url), url=url, grant=grant, scopes=scopes, service="s", credential=login
                    )
                )
                return reply, server.requests[0]

        reply, request = asyncio.run(run())
        assert reply.body == b"{}"
        assert request.startswith(head.encode())
        assert request.partition(b"\r\n\r\n")[2] == body
        assert b"\r\nAccept: " not in request

    def test_a_redirect_is_an_answer(self):
        reply, server = ask(always(b"HTTP/1.1 307 Go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"))
        assert (reply.status, reply.header("location")) == (307, "http://127.0.0.1:1/")
        assert len(server.requests) == 1

    def test_cookies_are_not_kept(self):
        async def run():
            answer = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nContent-Length: 0\r\n\r\n"
            async with serving(always(answer)) as server, registries() as client:
                for _ in range(2):
                    await client.ask(manifest(server.url("localhost")))
                return server.requests

        assert b"cookie" not in b"".join(asyncio.run(run())).lower()

    def test_the_environment_and_netrc_play_no_part(self, tmp_path, monkeypatch):
        netrc = tmp_path / "netrc"
        netrc.write_text("machine 127.0.0.1 login alice password s3cret")
        monkeypatch.setenv("NETRC", str(netrc))
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        reply, server = ask(always(OK))
        assert reply.status == 200
        assert b"Authorization" not in server.requests[0]

    def test_repeated_headers_stay_repeated_in_their_order(self):
        lines = b"WWW-Authenticate: Basic\r\nX: y\r\nwww-authenticate: Bearer\r\n"
        reply, _ = ask(always(b"HTTP/1.1 401 No\r\n" + lines + b"Content-Length: 0\r\n\r\n"))
        assert reply.all_headers("www-authenticate") == ["Basic", "Bearer"]

    def test_bytes_of_headers_beyond_ascii_are_kept(self):
        reply, _ = ask(always(b"HTTP/1.1 200 OK\r\nX: \xe4\xff\r\nContent-Length: 0\r\n\r\n"))
        assert reply.header("x") == "äÿ"


class TestBodies:
    def test_a_body_is_read_to_its_end(self):
        reply, _ = ask(always(BODY % (5, b"hello")), method="GET")
        assert (reply.body, reply.is_complete) == (b"hello", True)

    def test_a_chunked_body_is_read_to_its_end(self):
        answer = b"HTTP/1.1 404 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        reply, _ = ask(always(answer), method="GET")
        assert (reply.body, reply.is_complete) == (b"abcde", True)

    @pytest.mark.parametrize(("size", "is_complete"), [(99, True), (100, True), (101, False), (500_000, False)])
    def test_a_body_is_read_up_to_the_limit_and_says_so(self, size, is_complete):
        answer = BODY % (size, b"x" * size)
        reply, _ = ask(always(answer), method="GET", intent_fields={"max_body_bytes": 100})
        assert (len(reply.body), reply.is_complete) == (min(size, 100), is_complete)

    def test_an_endless_body_costs_no_more_than_the_limit(self):
        sent = 0

        async def script(_, writer):
            nonlocal sent
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(b"x" * 65536)
                sent += 65536
                await writer.drain()

        reply, _ = ask(script, method="GET")
        assert (len(reply.body), reply.is_complete) == (64 * 1024, False)
        assert sent < 32 * 1024 * 1024

    def test_a_body_that_breaks_off_is_a_broken_answer(self):
        async def script(_, writer):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            writer.close()

        assert ask(script, method="GET")[0] == BrokenAnswer()

    @pytest.mark.parametrize("pause_seconds", [0, 0.05])
    def test_a_broken_chunk_is_no_answer(self, pause_seconds):
        async def script(_, writer):
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            await asyncio.sleep(pause_seconds)
            writer.write(b"zz\r\nno chunk")
            await asyncio.sleep(5)

        # The library wakes its reader only for a chunk that breaks at once; else the response timeout does.
        assert ask(script, method="GET", response_seconds=0.5)[0] in (BrokenAnswer(), TimedOut())

    @pytest.mark.parametrize("encoding", [b"gzip", b"deflate", b"br", b"GZIP", b"identity, gzip", b"zstd"])
    def test_an_encoded_body_is_a_broken_answer(self, encoding):
        bomb = gzip.compress(b"\0" * 10_000_000)
        answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b" % (
            encoding,
            len(bomb),
            bomb,
        )
        assert ask(always(answer), method="GET")[0] == BrokenAnswer()

    def test_identity_is_no_encoding(self):
        answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: Identity\r\nContent-Length: 2\r\n\r\n{}"
        assert ask(always(answer), method="GET")[0].body == b"{}"

    def test_the_encoding_of_a_body_that_does_not_come_matters_not(self):
        answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n"
        assert ask(always(answer))[0].status == 200


class TestHostileServers:
    @pytest.mark.parametrize(
        "lines",
        [
            b"".join(b"X-%d: y\r\n" % number for number in range(200)),
            b"".join(b"X-%d: %b\r\n" % (number, b"y" * 8000) for number in range(20)),
            b"X: " + b"y" * 70_000 + b"\r\n",
        ],
        ids=["lines", "bytes", "one line"],
    )
    def test_headers_beyond_the_limits_are_a_broken_answer(self, lines):
        assert ask(always(b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 0\r\n\r\n"))[0] == BrokenAnswer()

    def test_headers_within_the_limits_are_read(self):
        lines = b"".join(b"X-%d: %b\r\n" % (number, b"y" * 600) for number in range(100))
        reply, _ = ask(always(b"HTTP/1.1 200 OK\r\n" + lines + b"Content-Length: 0\r\n\r\n"))
        assert len(reply.headers) == 101

    def test_endless_headers_are_cut_off(self):
        sent = 0

        async def script(_, writer):
            nonlocal sent
            writer.write(b"HTTP/1.1 200 OK\r\n")
            while True:
                writer.write(b"X: " + b"y" * 1000 + b"\r\n")
                sent += 1000
                await writer.drain()

        assert ask(script)[0] == BrokenAnswer()
        assert sent < 16 * 1024 * 1024

    @pytest.mark.parametrize(
        "answer",
        [
            b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
            b"\x00\x01\x02\x03\r\n\r\n",
            b"HTTP/1.1 999999 X\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
            b"HTTP/1.1 200 OK\r\n no header\r\n\r\n",
        ],
    )
    def test_what_is_no_http_is_a_broken_answer(self, answer):
        async def script(_, writer):
            writer.write(answer)
            writer.close()

        assert ask(script)[0] == BrokenAnswer()

    @pytest.mark.parametrize("stage", ["silent", "status", "headers", "body", "informational"])
    def test_a_server_that_drips_is_given_up_within_the_response_timeout(self, stage):
        async def script(_, writer):
            if stage == "silent":
                await asyncio.sleep(60)
            text = {
                "status": b"HTTP/1.1 200 " + b"O" * 9000,
                "headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 9000,
                "informational": b"HTTP/1.1 103 Early\r\n\r\n" * 9000,
                "body": b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 9000,
            }[stage]
            for byte in text:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.01)

        begin = time.monotonic()
        assert ask(script, method="GET", response_seconds=0.5)[0] == TimedOut()
        assert 0.4 < time.monotonic() - begin < 10

    def test_a_server_that_drips_on_a_kept_connection_gains_nothing(self):
        async def run():
            async def script(request, writer):
                if b"/drip" not in request:
                    writer.write(OK)
                    return
                writer.write(b"HTTP/1.1 200 OK\r\n")
                for _ in range(100):
                    await asyncio.sleep(0.05)
                    writer.write(b"X: y\r\n")

            async with serving(script) as server, registries(response_seconds=0.4, connect_seconds=5) as client:
                await client.ask(manifest(server.url()))
                begin = time.monotonic()
                reply = await client.ask(manifest(server.url(path="/drip")))
                return reply, time.monotonic() - begin, server.connections

        reply, duration, connections = asyncio.run(run())
        assert (reply, connections) == (TimedOut(), 1)
        assert duration < 1.5

    def test_a_body_after_head_breaks_that_answer_and_not_what_follows(self):
        async def run():
            async def script(request, writer):
                writer.write(OK + (b"{}" if b"/wordy" in request else b""))

            async with serving(script) as server, registries() as client:
                return [await client.ask(manifest(server.url(path=path))) for path in ("/", "/wordy", "/", "/")]

        assert statuses(asyncio.run(run())) == [200, BrokenAnswer(), 200, 200]

    def test_a_body_after_head_that_comes_late_does_not_spoil_what_follows(self):
        async def run():
            async def script(_, writer):
                writer.write(OK)
                await asyncio.sleep(0.02)
                writer.write(b"{}")

            async with serving(script) as server, registries() as client:
                replies = []
                for _ in range(3):
                    replies.append(await client.ask(manifest(server.url())))
                    await asyncio.sleep(0.04)
                return replies

        assert statuses(asyncio.run(run())) == [200, 200, 200]


class TestConnections:
    def test_connections_are_kept(self):
        async def run():
            async with serving(always(OK)) as server, registries() as client:
                for _ in range(5):
                    await client.ask(manifest(server.url()))
                return server.connections

        assert asyncio.run(run()) == 1

    @pytest.mark.parametrize("method", ["HEAD", "GET"])
    def test_a_kept_connection_that_turns_out_dead_costs_a_retry_and_no_answer(self, method):
        async def run():
            async def script(request, writer):
                if request.count(b"/second") and server.connections == 1:
                    writer.transport.abort()
                else:
                    writer.write(OK + (b"{}" if method == "GET" else b""))

            async with serving(script) as server, registries() as client:
                await client.ask(manifest(server.url(), method=method))
                reply = await client.ask(manifest(server.url(path="/second"), method=method))
                return reply, server.connections, len(server.requests)

        reply, connections, requests = asyncio.run(run())
        assert (reply.status, connections, requests) == (200, 2, 3)

    def test_a_password_is_not_sent_again_when_the_connection_closes(self):
        async def run():
            async def script(_, writer):
                writer.close()

            async with serving(script) as server, registries() as client:
                login = Credential("u", "p")
                url = server.url()
                intent = FetchToken(endpoint=Endpoint(url=url), url=url, grant="password", credential=login)
                return await client.ask(intent), len(server.requests)

        assert asyncio.run(run()) == (ConnectFailed(), 1)

    def test_a_server_that_always_closes_is_asked_twice_at_most(self):
        async def script(_, writer):
            writer.close()

        reply, server = ask(script)
        assert reply == ConnectFailed()
        assert len(server.requests) <= 2

    def test_a_closed_port_is_a_failed_connection(self):
        async def run():
            async with serving(always(OK)) as server:
                pass
            async with registries() as client:
                return await client.ask(manifest(server.url()))

        assert asyncio.run(run()) == ConnectFailed()

    def test_a_connection_that_is_not_taken_times_out(self):
        async def run():
            with taking_nobody("127.0.0.1", 0) as port:
                async with registries(connect_seconds=0.3) as client:
                    return await client.ask(manifest(f"http://127.0.0.1:{port}/"))

        assert asyncio.run(run()) == TimedOut(while_connecting=True)

    def test_a_handshake_that_stalls_times_out_within_the_connect_timeout(self):
        async def run():
            async def stall(_reader, _writer):
                await asyncio.sleep(30)

            async with listening(stall) as port, registries(connect_seconds=0.3, response_seconds=30) as client:
                begin = time.monotonic()
                reply = await client.ask(manifest(f"https://127.0.0.1:{port}/"))
                return reply, time.monotonic() - begin

        reply, duration = asyncio.run(run())
        assert reply == TimedOut(while_connecting=True)
        assert duration < 2

    def test_a_registry_gets_no_more_requests_at_once_than_its_limit(self):
        async def run():
            busy = most = 0

            async def script(_, writer):
                nonlocal busy, most
                busy += 1
                most = max(most, busy)
                await asyncio.sleep(0.02)
                busy -= 1
                writer.write(OK)

            async with serving(script) as server, registries(per_registry=3) as client:
                askers = [Asker(f"team-{number % 2}") for number in range(20)]
                replies = await asyncio.gather(*(client.ask(manifest(server.url()), asker) for asker in askers))
                assert statuses(replies) == [200] * 20
                assert client._lanes == {}
                return most, server.connections

        assert asyncio.run(run()) == (3, 3)

    def test_one_namespace_leaves_a_place_at_a_registry_for_the_others(self):
        async def run():
            async def script(data, writer):
                await asyncio.sleep(0.2 if b"/slow/" in data else 0)
                writer.write(OK)

            async with serving(script) as server, registries(per_registry=4) as client:
                noisy = [client.ask(manifest(server.url(path="/slow/")), Asker("noisy")) for _ in range(40)]
                crowd = asyncio.gather(*noisy)
                await asyncio.sleep(0.05)
                answered = await client.ask(manifest(server.url(path="/quick/")), Asker("quiet"))
                is_first = not crowd.done()
                await crowd
                return getattr(answered, "status", answered), is_first

        assert asyncio.run(run()) == (200, True)

    def test_of_many_requests_of_one_namespace_few_are_sent_in_the_same_turn(self):
        async def run():
            sent, turn = [], 0

            class Exchanger:
                async def exchange(self, request):
                    sent.append((request.headers, turn))
                    await asyncio.sleep(0.2)
                    return Answer(200, (), b"", is_complete=True)

            async def count():
                nonlocal turn
                while True:
                    turn += 1
                    await asyncio.sleep(0)

            client = Registries(
                Exchanger(),
                judge_url=RULES.judge_url,
                find_proxy=lambda _: None,
                per_registry=100,
                shortcuts=Shortcuts(b"key", seconds=3600, entries=100),
            )
            counting = asyncio.create_task(count())
            crowd = [client.ask(manifest("https://registry.test/"), Asker("noisy")) for _ in range(30)]
            others = [client.ask(manifest("https://registry.test/"), Asker(f"quiet-{n}")) for n in range(30)]
            await asyncio.gather(*crowd, *others)
            counting.cancel()
            return Counter(turn for _, turn in sent)

        turns = asyncio.run(run())
        assert max(turns.values()) == MAX_AT_ONCE + 30
        assert sorted(turns.values())[:-1] == [1] * (30 - MAX_AT_ONCE)

    def test_a_slow_registry_holds_up_no_other(self):
        async def run():
            async def slow(_, writer):
                await asyncio.sleep(30)
                writer.close()

            async with serving(slow) as tarpit, serving(always(OK)) as server, registries(per_registry=2) as client:
                stuck = [asyncio.ensure_future(client.ask(manifest(tarpit.url()))) for _ in range(50)]
                await asyncio.sleep(0.05)
                begin = time.monotonic()
                reply = await client.ask(manifest(server.url()))
                duration = time.monotonic() - begin
                for task in stuck:
                    task.cancel()
                await asyncio.gather(*stuck, return_exceptions=True)
                return reply, duration

        reply, duration = asyncio.run(run())
        assert reply.status == 200
        assert duration < 1

    @pytest.mark.parametrize("is_harsh", [False, True])
    def test_of_a_thousand_cancelled_requests_none_costs_a_slot(self, is_harsh):
        async def run():
            async def script(_, writer):
                await asyncio.sleep(0.001)
                writer.write(OK)
                if is_harsh:
                    writer.close()

            dice = random.Random(1)  # noqa: S311 (when to cancel is no secret)
            async with serving(script) as server, registries(per_registry=8) as client:
                for _ in range(10):
                    tasks = [asyncio.ensure_future(client.ask(manifest(server.url()))) for _ in range(100)]
                    for task in tasks:
                        asyncio.get_running_loop().call_later(dice.uniform(0, 0.02), task.cancel)
                    await asyncio.gather(*tasks, return_exceptions=True)
                assert client._lanes == {}
                return await asyncio.gather(*(client.ask(manifest(server.url())) for _ in range(5)))

        assert statuses(asyncio.run(run())) == [200] * 5


class TestTls:
    def test_a_server_of_a_trusted_authority_is_talked_to(self, certificates):
        reply, _ = ask(always(OK), tls=certificates.context(), ca_files=(str(certificates.file),))
        assert reply.status == 200

    def test_the_endpoints_own_authority_is_trusted_for_it_alone(self, certificates):
        trust = {"ca_files": (str(certificates.file),)}
        assert ask(always(OK), tls=certificates.context(), trust=trust)[0].status == 200
        assert ask(always(OK), tls=certificates.context())[0] == TlsFailed("unknown authority")

    def test_an_unknown_authority_is_told(self, certificates):
        assert ask(always(OK), tls=certificates.context())[0] == TlsFailed("unknown authority")

    def test_a_certificate_for_another_name_is_told(self, certificates):
        tls = certificates.context("other.example")
        assert ask(always(OK), tls=tls, ca_files=(str(certificates.file),))[0] == TlsFailed("wrong name")
        reply, _ = ask(always(OK), host="localhost", tls=tls, ca_files=(str(certificates.file),))
        assert reply == TlsFailed("wrong name")

    @pytest.mark.parametrize(("begin", "end"), [(-48, -24), (24, 48)])
    def test_a_certificate_out_of_its_time_is_told(self, certificates, begin, end):
        tls = certificates.context(begin=certificates.now + begin * HOUR, end=certificates.now + end * HOUR)
        assert ask(always(OK), tls=tls, ca_files=(str(certificates.file),))[0] == TlsFailed("expired")

    def test_skip_verify_takes_any_certificate(self, certificates):
        tls = certificates.context("other.example", begin=certificates.now - 48 * HOUR, end=certificates.now - HOUR)
        assert ask(always(OK), tls=tls, trust={"skip_verify": True})[0].status == 200

    def test_a_connection_without_verification_is_not_lent_to_an_endpoint_that_verifies(self, certificates):
        async def run():
            async with serving(always(OK), tls=certificates.context()) as server, registries() as client:
                intent = manifest(server.url())
                first = await client.ask(trusting(intent, skip_verify=True))
                return first, await client.ask(intent)

        first, second = asyncio.run(run())
        assert first.status == 200
        assert second == TlsFailed("unknown authority")

    def test_an_authority_file_that_cannot_be_read_leaves_the_authority_unknown(self, certificates):
        for file in ("absent.pem", __file__):
            reply, server = ask(always(OK), tls=certificates.context(), trust={"ca_files": (file,)})
            assert reply == TlsFailed("unknown authority")
            assert server.connections == 0

    def test_tls_1_1_is_refused(self, certificates):
        tls = certificates.context()
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            tls.maximum_version = ssl.TLSVersion.TLSv1_1
        reply, server = ask(always(OK), tls=tls, ca_files=(str(certificates.file),))
        assert reply in (TlsFailed("handshake"), ConnectFailed())
        assert server.requests == []

    @pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"HTTP/1.0 400 Bad\r\n\r\n<html>"])
    def test_a_plain_answer_to_tls_is_told(self, answer):
        async def run():
            async def speak_plain(reader, writer):
                await reader.read(100)
                writer.write(answer)

            async with listening(speak_plain) as port, registries() as client:
                return await client.ask(manifest(f"https://127.0.0.1:{port}/"))

        assert asyncio.run(run()) == SpeaksPlain()

    @pytest.mark.parametrize("scheme", ["http", "https"])
    def test_a_server_that_hangs_up_is_a_failed_connection_or_handshake(self, scheme):
        async def run():
            async def hang_up(_reader, writer):
                writer.close()

            async with listening(hang_up) as port, registries() as client:
                return await client.ask(manifest(f"{scheme}://127.0.0.1:{port}/"))

        assert asyncio.run(run()) in (ConnectFailed(), TlsFailed("handshake"))


WITHOUT_LOOPBACK = replace(RULES, loopback=False)


class TestDestinations:
    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "localhost", "2130706433", "0x7f.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]"],
    )
    def test_loopback_is_refused_in_every_spelling_and_nothing_is_sent(self, host):
        reply, server = ask(always(OK), host=host, rules=WITHOUT_LOOPBACK)
        assert reply == AddressRefused("network.loopback")
        assert server.connections == 0

    def test_a_name_that_leads_to_loopback_is_refused_when_connecting(self):
        reply, server = ask(always(OK), host="evil.example", rules=WITHOUT_LOOPBACK, look_up=lambda _: ["127.0.0.1"])
        assert reply == AddressRefused("network.loopback")
        assert server.connections == 0

    def test_a_name_is_resolved_once_a_connection_and_only_judged_addresses_are_connected_to(self):
        asked = []

        def look_up(host):
            asked.append(host)
            return ["169.254.169.254", "127.0.0.1"]

        reply, _ = ask(always(OK), host="registry.example", look_up=look_up)
        assert reply.status == 200
        assert asked == ["registry.example"]

    def test_a_name_that_leads_elsewhere_the_next_time_gains_nothing(self):
        answers = [["127.0.0.1"], ["169.254.169.254"]]

        async def run():
            async def script(_, writer):
                writer.write(OK)
                writer.close()

            async with serving(script) as server, registries(look_up=lambda _: answers.pop(0)) as client:
                return [await client.ask(manifest(server.url("rebinding.example"))) for _ in range(2)]

        first, second = asyncio.run(run())
        assert first.status == 200
        assert second == AddressRefused("network.allowed_networks")

    def test_the_tls_name_stays_the_hosts(self, certificates):
        options = {"host": "registry.example", "look_up": lambda _: ["127.0.0.1"]}
        good = ask(always(OK), tls=certificates.context(), ca_files=(str(certificates.file),), **options)[0]
        bad = ask(always(OK), tls=certificates.context("127.0.0.1"), ca_files=(str(certificates.file),), **options)[0]
        assert good.status == 200
        assert bad == TlsFailed("wrong name")

    def test_an_address_that_does_not_answer_leaves_time_for_the_next(self):
        async def run():
            # Nobody listens at 127.0.0.2 on the server's port; the connection to it is refused.
            answers = ["127.0.0.2", "127.0.0.1"]
            async with serving(always(OK)) as server, registries(look_up=lambda _: answers) as client:
                return await client.ask(manifest(server.url("registry.example")))

        assert asyncio.run(run()).status == 200

    def test_an_address_that_is_silent_leaves_time_for_the_next(self):
        async def run():
            answers = ["127.0.0.2", "127.0.0.1"]
            async with serving(always(OK)) as server, registries(look_up=lambda _: answers) as client:
                with taking_nobody("127.0.0.2", server.port):
                    begin = time.monotonic()
                    return await client.ask(manifest(server.url("registry.example"))), time.monotonic() - begin

        reply, duration = asyncio.run(run())
        assert reply.status == 200
        assert duration < 1

    def test_a_name_that_is_not_known_is_told(self):
        async def run():
            async with registries() as client:
                return await client.ask(manifest("https://absent.example/v2/"))

        assert asyncio.run(run()) == NameNotFound()

    def test_a_silent_resolver_times_out(self):
        async def run():
            def look_up(_):
                time.sleep(0.5)
                return []

            async with registries(look_up=look_up, connect_seconds=0.1) as client:
                return await client.ask(manifest("https://slow.example/v2/"))

        assert asyncio.run(run()) == TimedOut(while_connecting=True)

    @pytest.mark.parametrize(
        "url", ["file:///etc/passwd", "https://u:p@127.0.0.1/", "/v2/", "https://[fe80::1%25eth0]/"]
    )
    def test_what_is_no_plain_url_is_refused(self, url):
        async def run():
            async with registries() as client:
                return await client.ask(manifest(url))

        assert asyncio.run(run()) == AddressRefused("")


async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


def proxy_before(server, requests, *, status):
    """A proxy that connects every CONNECT to one server, and answers other requests itself."""

    async def converse(reader, writer):
        requests.append(await read_request(reader))
        if not requests[-1].startswith(b"CONNECT"):
            writer.write(OK)
            return
        writer.write(b"HTTP/1.1 " + status + b"\r\n\r\n")
        if status.startswith(b"200"):
            there, back = await asyncio.open_connection("127.0.0.1", server.port)
            try:
                await asyncio.gather(pump(reader, back), pump(there, writer))
            finally:
                back.transport.abort()

    return converse


def ask_through_proxy(url, *, tls=None, status=b"200 ok", no_proxy="", userinfo="", **options):
    """Ask through a proxy in front of a scripted server; return the reply, the proxy's requests and the server."""

    async def run():
        requests: list[bytes] = []
        async with (
            serving(always(OK), tls=tls) as server,
            listening(proxy_before(server, requests, status=status)) as port,
        ):
            proxy = f"http://{userinfo}127.0.0.1:{port}"
            environment = {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "NO_PROXY": no_proxy}
            async with registries(environment=environment, **options) as client:
                reply = await client.ask(manifest(url.replace("PORT", str(server.port))))
        return reply, requests, server

    return asyncio.run(run())


class TestProxies:
    def test_https_goes_through_a_tunnel_and_is_verified_end_to_end(self, certificates):
        reply, requests, _ = ask_through_proxy(
            "https://registry.example:PORT/v2/", tls=certificates.context(), ca_files=(str(certificates.file),)
        )
        assert reply.status == 200
        assert requests[0].startswith(b"CONNECT registry.example:")
        assert b"Authorization" not in requests[0]

    def test_a_wrong_certificate_behind_a_proxy_is_told(self, certificates):
        reply, _, _ = ask_through_proxy("https://registry.example:PORT/v2/", tls=certificates.context())
        assert reply == TlsFailed("unknown authority")

    def test_plain_http_is_asked_of_the_proxy(self):
        reply, requests, server = ask_through_proxy("http://registry.example:PORT/v2/")
        assert reply.status == 200
        assert requests[0].startswith(b"HEAD http://registry.example:")
        assert server.connections == 0

    def test_the_proxys_password_goes_to_the_proxy_alone(self, certificates):
        _, requests, server = ask_through_proxy(
            "https://registry.example:PORT/v2/",
            tls=certificates.context(),
            ca_files=(str(certificates.file),),
            userinfo="u:s3cret@",
        )
        assert b"Proxy-Authorization: Basic dTpzM2NyZXQ=" in requests[0]
        assert b"authorization" not in server.requests[0].lower()

    @pytest.mark.parametrize("status", [b"403 Forbidden", b"407 Proxy Authentication Required", b"502 Bad Gateway"])
    def test_a_proxy_that_does_not_connect_is_told(self, status):
        assert ask_through_proxy("https://registry.example:PORT/v2/", status=status)[0] == ProxyFailed()

    @pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "http://absent.example:3128"])
    def test_a_proxy_that_cannot_be_reached_is_told(self, proxy):
        async def run():
            async with registries(environment={"HTTPS_PROXY": proxy}) as client:
                return await client.ask(manifest("https://registry.example/v2/"))

        assert asyncio.run(run()) == ProxyFailed()

    @pytest.mark.parametrize(
        ("url", "rules", "setting"),
        [
            ("https://169.254.169.254/v2/", RULES, "network.allowed_networks"),
            ("https://2852039166/v2/", RULES, "network.allowed_networks"),
            ("https://[::ffff:a9fe:a9fe]/v2/", RULES, "network.allowed_networks"),
            ("http://metadata.google.internal/v2/", RULES, ""),
            ("https://localhost/v2/", WITHOUT_LOOPBACK, "network.loopback"),
        ],
    )
    def test_refused_addresses_and_names_are_not_asked_of_the_proxy(self, url, rules, setting):
        reply, requests, _ = ask_through_proxy(url, rules=rules)
        assert reply == AddressRefused(setting)
        assert requests == []

    def test_no_proxy_goes_straight_and_through_the_guard(self):
        reply, requests, server = ask_through_proxy(
            "http://registry.example:PORT/v2/", no_proxy=".example", look_up=lambda _: ["127.0.0.1"]
        )
        assert (reply.status, requests, server.connections) == (200, [], 1)
        reply, requests, server = ask_through_proxy(
            "http://registry.example:PORT/v2/", no_proxy=".example", look_up=lambda _: ["169.254.169.254"]
        )
        assert (reply, requests, server.connections) == (AddressRefused("network.allowed_networks"), [], 0)


def conversation(*intents, heard):
    """Asks one intent after another and remembers what it is told."""
    for intent in intents:
        heard.append((yield intent))
    return Conclusion(Resolved(DIGEST))


async def hold(client, started):
    return await client.hold(lambda: started, namespace="shop", account="")


class TestConversations:
    def test_a_conversation_is_held_to_its_end(self):
        async def run():
            heard: list[Reply] = []
            async with serving(always(OK)) as server, registries() as client:
                intents = [manifest(server.url()), manifest("https://absent.example/"), manifest(server.url())]
                return await hold(client, conversation(*intents, heard=heard)), heard

        conclusion, heard = asyncio.run(run())
        assert conclusion == Conclusion(Resolved(DIGEST))
        assert [type(reply) for reply in heard] == [Answer, NameNotFound, Answer]

    def test_a_conversation_that_asks_nothing_ends_at_once(self):
        async def run():
            async with registries() as client:
                return await hold(client, conversation(heard=[]))

        assert asyncio.run(run()) == Conclusion(Resolved(DIGEST))

    def test_a_cancelled_conversation_is_closed(self):
        async def run():
            closed = []

            def hopeless(url):
                try:
                    yield manifest(url)
                finally:
                    closed.append(True)
                return Conclusion(Resolved(DIGEST))

            async def stall(_, __):
                await asyncio.sleep(30)

            async with serving(stall) as server, registries() as client:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.1):
                        await hold(client, hopeless(server.url()))
                assert client._lanes == {}
            return closed

        assert asyncio.run(run()) == [True]

    def test_what_came_is_observed_with_its_duration(self):
        seen = []

        def observe(intent, reply, duration_seconds):
            seen.append((intent, reply, duration_seconds))

        async def script(_, writer):
            await asyncio.sleep(0.1)
            writer.write(OK)

        reply, _ = ask(script, observe=observe)
        assert [(type(intent).__name__, answer) for intent, answer, _ in seen] == [("FetchManifest", reply)]
        assert 0.09 < seen[0][2] < 1

    def test_a_request_that_is_given_up_is_observed_once_as_timed_out_and_one_that_was_not_sent_is_not(self):
        seen, came = [], asyncio.Event()

        async def stall(_, __):
            came.set()
            await asyncio.sleep(30)

        async def run():
            async with serving(stall) as server, registries(per_registry=1, observe=observe) as client:
                sent = asyncio.create_task(client.ask(manifest(server.url())))
                await came.wait()
                waits_in_line = asyncio.create_task(client.ask(manifest(server.url())))
                await asyncio.sleep(0.1)
                for task in (waits_in_line, sent):
                    task.cancel()
                    with pytest.raises(asyncio.CancelledError):
                        await task

        def observe(intent, reply, duration_seconds):
            seen.append((type(intent).__name__, reply, duration_seconds >= 0.05))

        asyncio.run(run())
        assert seen == [("FetchManifest", TimedOut(), True)]


def wanting(*intents):
    """A conversation that asks for these, and resolves whatever it hears."""

    def start():
        for intent in intents:  # noqa: UP028 (a tuple cannot be sent the answers)
            yield intent
        return Conclusion(Resolved(DIGEST))

    return start


class TestMemory:
    TOKEN = BODY % (37, b'{"access_token":"t","expires_in":600}')

    def fetch_token(self, server):
        credential = Credential("alice", "s3cret")
        url = server.url(path="/token")
        return FetchToken(endpoint=Endpoint(url=url), url=url, grant="password", credential=credential)

    def test_a_token_is_asked_for_once_by_all_who_want_it_at_the_same_time(self):
        async def run():
            async def script(_, writer):
                await asyncio.sleep(0.05)
                writer.write(self.TOKEN)

            async with serving(script) as server, registries() as client:
                start = wanting(self.fetch_token(server))
                await asyncio.gather(*(client.hold(start, namespace="shop", account="a") for _ in range(50)))
                await client.hold(start, namespace="shop", account="a")
                at_once = len(server.requests)
                await client.hold(start, namespace="other", account="a")
                return at_once, len(server.requests)

        assert asyncio.run(run()) == (1, 2)

    def test_a_challenge_is_not_asked_for_again(self):
        challenge = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="r"\r\nContent-Length: 0\r\n\r\n'

        async def run():
            async with serving(always(challenge)) as server, registries() as client:
                for tag in "12":
                    intent = manifest(server.url(path=f"/v2/app/manifests/{tag}"))
                    start = wanting(replace(intent, endpoint=Endpoint(url=server.url(path="/v2"))))
                    await client.hold(start, namespace=tag, account="")
                return len(server.requests)

        assert asyncio.run(run()) == 1


class TestPatience:
    def test_a_registry_that_fails_is_left_alone_for_everybody_and_nobody_waits_for_it(self):
        async def run():
            seen = []
            async with registries(per_registry=1, observe=lambda _, reply, __: seen.append(reply)) as client:
                intent = manifest(f"http://127.0.0.1:{free_port()}/v2/app/manifests/1")
                for number in range(6):
                    await client.ask(intent, Asker(f"team-{number}"))
                return seen, client.sick(), (intent.endpoint.host,)

        seen, sick, expected = asyncio.run(run())
        assert seen == [ConnectFailed()] * 5 + [HeldBack("sick")]
        assert sick == expected

    def test_who_was_told_to_wait_waits_and_nobody_else_does(self):
        async def run():
            async with serving(always(TOO_MANY)) as server, registries() as client:
                askers = [Asker("shop", "a"), Asker("shop", "a"), Asker("shop", "b")]
                replies = [await client.ask(manifest(server.url()), asker) for asker in askers]
                return statuses(replies), len(server.requests)

        assert asyncio.run(run()) == ([429, HeldBack("rate limited"), 429], 2)

    @pytest.mark.parametrize(("seconds", "is_sick"), [(1.6, True), (0.05, False)])
    def test_a_request_that_was_given_up_tells_of_a_registry_only_when_it_was_silent_for_long(self, seconds, is_sick):
        async def stall(_, __):
            await asyncio.sleep(30)

        async def give_up(client, server, number):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(seconds):
                    await client.ask(manifest(server.url()), Asker(f"team-{number}"))

        async def run():
            async with serving(stall) as server, registries(response_seconds=20) as client:
                await asyncio.gather(*(give_up(client, server, number) for number in range(6)))
                return client.sick() == (f"127.0.0.1:{server.port}",), bool(client.sick())

        assert asyncio.run(run()) == (is_sick, is_sick)


def free_port():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return unused.getsockname()[1]
