"""Sessions of TLS connections are taken up again, and never in place of a verification."""

import asyncio
import gc
import ssl
import time
import weakref
from datetime import timedelta

import pytest
import uvloop

from tests.wire.scripted import OK, Certificates, always, manifest, registries, serving
from webhook.wire.trust import MAX_SESSION_NAMES, MAX_SESSION_SECONDS, MAX_SESSIONS, Trust

LOOPS = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
VERSIONS = pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
WRONG_NAME, EXPIRED = 62, 10


class Clock:
    """Tells the time of day, and may be put forward."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_seconds


@pytest.fixture
def certificates(tmp_path):
    return Certificates(tmp_path)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def trust(certificates, clock):
    return Trust((str(certificates.file),), clock=clock)


async def is_resumed(context: ssl.SSLContext, port: int, name: str = "localhost", *, asks: bool = True) -> bool:
    """Connect, ask and hang up; whether an earlier session was taken up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    try:
        if asks:
            writer.write(b"HEAD / HTTP/1.1\r\n\r\n")
            assert await reader.readexactly(len(OK)) == OK
        return bool(writer.get_extra_info("ssl_object").session_reused)
    finally:
        writer.transport.abort()


def connect(certificate: ssl.SSLContext, *steps):
    """Serve with a certificate and take steps, each of which is given the port."""

    async def scene():
        async with serving(always(OK), tls=certificate) as server:
            return [await step(server.port) for step in steps]

    return asyncio.run(scene())


@LOOPS
@VERSIONS
def test_the_second_connection_takes_up_the_session_of_the_first(run, version, certificates, trust):
    tls = certificates.context()
    tls.maximum_version = version

    async def scene():
        async with serving(always(OK), tls=tls) as server:
            return [await is_resumed(trust.context(), server.port) for _ in range(4)]

    assert run(scene()) == [False, True, True, True]


@LOOPS
def test_the_registry_client_takes_up_sessions(run, certificates):
    resumed = []

    async def script(_, writer):
        resumed.append(writer.get_extra_info("ssl_object").session_reused)
        writer.write(OK)
        await writer.drain()
        writer.close()

    async def scene():
        async with (
            serving(script, tls=certificates.context()) as server,
            registries(ca_files=(str(certificates.file),)) as client,
        ):
            for _ in range(3):
                await client.ask(manifest(server.url()))

    run(scene())
    assert resumed == [False, True, True]


def test_connections_of_one_moment_take_up_a_session_each(certificates, trust):
    async def scene():
        async with serving(always(OK), tls=certificates.context()) as server:
            return [
                sum(await asyncio.gather(*(is_resumed(trust.context(), server.port) for _ in range(8))))
                for _ in range(2)
            ]

    assert asyncio.run(scene()) == [0, MAX_SESSIONS]


def test_a_session_is_offered_under_its_own_name_alone(certificates, trust):
    def ask(name):
        return lambda port: is_resumed(trust.context(), port, name)

    names = ("localhost", "127.0.0.1", "registry.example")
    assert connect(certificates.context(), *map(ask, names), *map(ask, names)) == [False] * 3 + [True] * 3


def test_a_session_is_offered_under_its_own_trust_alone(certificates, trust):
    def ask(context):
        return lambda port: is_resumed(context, port)

    contexts = (trust.context(), trust.context((str(certificates.file),)), trust.context(skip_verify=True))
    asked = connect(certificates.context(), *map(ask, contexts), *map(ask, contexts))
    # What is not verified has nothing to gain, and is never taken up.
    assert asked == [False] * 3 + [True, True, False]


@VERSIONS
@pytest.mark.parametrize(
    ("names", "end", "code"),
    [(("other.example",), timedelta(hours=1), WRONG_NAME), (("localhost",), timedelta(hours=-1), EXPIRED)],
)
def test_who_does_not_take_up_the_session_is_verified(version, names, end, code, certificates, trust):
    """The same name, another server: what it shows counts, and what was offered to it was offered once."""
    first, second = (
        certificates.context(),
        certificates.context(*names, begin=certificates.now - timedelta(2), end=certificates.now + end),
    )
    first.maximum_version = second.maximum_version = version

    async def scene():
        async with serving(always(OK), tls=first) as ours, serving(always(OK), tls=second) as another:
            await is_resumed(trust.context(), ours.port)
            failures = []
            for _ in range(3):
                with pytest.raises(ssl.SSLCertVerificationError) as caught:
                    await is_resumed(trust.context(), another.port)
                failures.append(caught.value.verify_code)
            return failures, await is_resumed(trust.context(), ours.port), len(another.requests)

    assert asyncio.run(scene()) == ([code] * 3, False, 0)


def test_a_connection_that_was_not_verified_leaves_no_session(certificates, trust):
    context = trust.context()

    async def fail(port):
        with pytest.raises(ssl.SSLCertVerificationError):
            await is_resumed(context, port)

    connect(certificates.context("other.example"), fail, fail)
    assert not any(context._kept.values())


def test_a_connection_that_never_worked_leaves_no_session(certificates, trust):
    async def hang_up(port):
        await is_resumed(trust.context(), port, asks=False)

    asked = connect(certificates.context(), hang_up, lambda port: is_resumed(trust.context(), port))
    assert asked == [None, False]


@VERSIONS
def test_however_often_it_is_renewed_a_verification_counts_for_its_time_only(version, certificates, trust, clock):
    tls = certificates.context()
    tls.maximum_version = version

    def after(seconds):
        async def step(port):
            clock.ahead_seconds = seconds
            return await is_resumed(trust.context(), port)

        return step

    moments = (0, MAX_SESSION_SECONDS * 0.6, MAX_SESSION_SECONDS * 0.9, MAX_SESSION_SECONDS * 1.1)
    assert connect(tls, *map(after, moments)) == [False, True, True, False]


def test_a_session_ends_with_the_certificate_that_was_verified(certificates, trust, clock):
    def after(seconds):
        async def step(port):
            clock.ahead_seconds = seconds
            return await is_resumed(trust.context(), port)

        return step

    tls = certificates.context(end=certificates.now + timedelta(seconds=100))
    assert connect(tls, *map(after, (0, 50, 150))) == [False, True, False]


def test_a_certificate_that_was_replaced_is_verified_once_the_session_is_over(certificates, trust, clock):
    """A server keeps its tickets' key; whether it changed its certificate, nobody learns from a session."""
    tls = certificates.context("localhost")

    async def scene():
        async with serving(always(OK), tls=tls) as server:
            await is_resumed(trust.context(), server.port)
            certificates.context("other.example")
            tls.load_cert_chain(certificates.folder / "server.pem")
            assert await is_resumed(trust.context(), server.port)
            clock.ahead_seconds = MAX_SESSION_SECONDS
            with pytest.raises(ssl.SSLCertVerificationError):
                await is_resumed(trust.context(), server.port)

    asyncio.run(scene())


def test_sessions_that_are_kept_are_bounded(certificates, trust):
    names = [f"{number}.example" for number in range(MAX_SESSION_NAMES + 1)]

    async def scene():
        async with serving(always(OK), tls=certificates.context(*names)) as server:
            for name in names:
                await is_resumed(trust.context(), server.port, name)
            return [await is_resumed(trust.context(), server.port, name) for name in (names[-1], names[0])]

    assert asyncio.run(scene()) == [True, False]
    assert len(trust.context()._kept) <= MAX_SESSION_NAMES


def test_kept_sessions_do_not_keep_their_trust_alive(certificates):
    def use():
        context = Trust((str(certificates.file),)).context()
        assert connect(certificates.context(), *[lambda port: is_resumed(context, port)] * 2) == [False, True]
        return weakref.ref(context)

    used = use()
    gc.collect()
    assert used() is None
