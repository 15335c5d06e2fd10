import asyncio
import errno
import socket
import threading
import time
from ipaddress import ip_address

import pytest

from webhook.fairness import CURRENT_ASKER
from webhook.registry.destinations import Destinations
from webhook.registry.exchange import AddressRefused, NameNotFound, TimedOut
from webhook.wire.guard import MAX_LOOKUPS, Guard, look_up_host

RULES = Destinations(registrable_domain=lambda _: None)


class Resolver:
    """Answers as told, one list after another (the last one for ever), and counts how often it is asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def __call__(self, host):
        self.asked.append(host)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def find(host, resolver, *, rules=RULES):
    async def ask():
        guard = Guard(rules.judge_address, timeout_seconds=5, look_up=resolver)
        found = await guard.find(host)
        guard.close()
        return found

    return asyncio.run(ask())


def addresses(*texts):
    return tuple(ip_address(text) for text in texts)


def test_addresses_come_in_the_resolvers_order():
    assert find("a.example", Resolver(["2606:4700::1", "1.1.1.1"])) == addresses("2606:4700::1", "1.1.1.1")


def test_every_answer_is_judged_and_the_refused_ones_are_left_out():
    answers = ["169.254.169.254", "1.1.1.1", "::ffff:127.0.0.1", "64:ff9b::a9fe:a9fe", "10.0.0.1"]
    assert find("a.example", Resolver(answers)) == addresses("1.1.1.1", "10.0.0.1")


@pytest.mark.parametrize(
    ("answers", "setting"),
    [
        (["127.0.0.1"], "network.loopback"),
        (["169.254.169.254", "127.0.0.1"], "network.allowed_networks"),
        (["::ffff:127.0.0.1"], "network.loopback"),
        (["fe80::1%2"], "network.allowed_networks"),
    ],
)
def test_a_host_whose_every_address_is_refused_is_refused(answers, setting):
    assert find("a.example", Resolver(answers)) == AddressRefused(setting)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "2130706433", "0x7f.1", "127.1", "::ffff:127.0.0.1"])
def test_an_address_is_judged_in_every_spelling_and_nobody_is_asked(host):
    resolver = Resolver([])
    assert find(host, resolver) == AddressRefused("network.loopback")
    assert resolver.asked == []


def test_an_address_that_is_open_is_its_own_answer():
    assert find("10.0.0.1", Resolver([])) == addresses("10.0.0.1")


def test_a_name_that_leads_elsewhere_a_moment_later_is_judged_again():
    resolver = Resolver(["1.1.1.1"], ["169.254.169.254"])
    assert find("rebinding.example", resolver) == addresses("1.1.1.1")
    assert find("rebinding.example", resolver) == AddressRefused("network.allowed_networks")


@pytest.mark.parametrize("failure", [socket.gaierror("no such name"), UnicodeError("label too long"), []])
def test_a_name_without_addresses_is_not_found(failure):
    assert find("a.example", Resolver(failure)) == NameNotFound()


def test_what_keeps_us_from_asking_is_no_answer():
    with pytest.raises(OSError, match="Too many open files"):
        find("a.example", Resolver(OSError(errno.EMFILE, "Too many open files")))


async def find_for(asker, guard, host):
    """As within a task of this namespace's."""
    CURRENT_ASKER.set(asker)
    return await guard.find(host)


def test_the_dead_names_of_one_namespace_leave_threads_for_the_others():
    release = threading.Event()

    def look_up(host):
        if host.endswith(".dead.example"):
            release.wait(30)
        return ["1.1.1.1"]

    async def ask():
        guard = Guard(RULES.judge_address, timeout_seconds=0.2, look_up=look_up)
        try:
            dead = (find_for("noisy", guard, f"{number}.dead.example") for number in range(2 * MAX_LOOKUPS))
            assert set(await asyncio.gather(*dead)) == {TimedOut()}
            assert await asyncio.create_task(find_for("quiet", guard, "a.example")) == addresses("1.1.1.1")
        finally:
            release.set()
            guard.close()

    asyncio.run(ask())


def test_a_silent_resolver_is_given_up_and_its_threads_are_not_taken_twice():
    release = threading.Event()
    resolver = Resolver(["1.1.1.1"])

    def look_up(host):
        resolver(host)
        release.wait(30)
        return ["1.1.1.1"]

    async def ask():
        guard = Guard(RULES.judge_address, timeout_seconds=0.2, look_up=look_up)
        try:
            begin = time.monotonic()
            finds = (find_for(f"team-{number}", guard, f"{number}.example") for number in range(MAX_LOOKUPS + 10))
            silent = await asyncio.gather(*finds)
            assert time.monotonic() - begin < 5
            assert set(silent) == {TimedOut()}
            assert len(resolver.asked) == MAX_LOOKUPS  # the others waited for a thread, and none came free
            release.set()
            async with asyncio.timeout(10):
                while await guard.find("late.example") != addresses("1.1.1.1"):
                    pass
        finally:
            release.set()
            guard.close()

    asyncio.run(ask())


def test_questions_for_one_host_share_a_lookup_that_is_under_way():
    release = threading.Event()
    resolver = Resolver(["1.1.1.1"])

    def look_up(host):
        release.wait(30)
        return resolver(host)

    async def ask():
        guard = Guard(RULES.judge_address, timeout_seconds=10, look_up=look_up)
        questions = [asyncio.ensure_future(guard.find("a.example")) for _ in range(100)]
        await asyncio.sleep(0)
        questions[0].cancel()
        await asyncio.sleep(0)
        release.set()
        assert set(await asyncio.gather(*questions[1:])) == {addresses("1.1.1.1")}
        assert resolver.asked == ["a.example"]
        await guard.find("a.example")
        assert resolver.asked == ["a.example"] * 2  # nothing is remembered
        guard.close()

    asyncio.run(ask())


def test_those_who_waited_for_a_thread_share_the_lookup_of_the_first():
    release = threading.Event()
    resolver = Resolver(["1.1.1.1"])

    def look_up(host):
        resolver(host)
        release.wait(30)
        return ["1.1.1.1"]

    async def ask():
        guard = Guard(RULES.judge_address, timeout_seconds=10, look_up=look_up)
        busy = [asyncio.ensure_future(guard.find(f"{number}.example")) for number in range(MAX_LOOKUPS)]
        await asyncio.sleep(0.05)
        waiting = [asyncio.ensure_future(guard.find("same.example")) for _ in range(3)]
        await asyncio.sleep(0.05)
        release.set()
        assert set(await asyncio.gather(*busy, *waiting)) == {addresses("1.1.1.1")}
        assert 1 <= resolver.asked.count("same.example") < 3
        guard.close()

    asyncio.run(ask())


def test_a_failure_that_nobody_waits_for_disturbs_nobody():
    release = threading.Event()

    def look_up(host):
        release.wait(30)
        raise OSError(host)

    async def ask():
        complaints = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        guard = Guard(RULES.judge_address, timeout_seconds=0.05, look_up=look_up)
        assert await guard.find("a.example") == TimedOut()
        release.set()
        await asyncio.sleep(0.1)
        guard.close()
        assert complaints == []

    asyncio.run(ask())


def test_the_systems_resolver_knows_this_machine():
    assert "127.0.0.1" in look_up_host("localhost")


def test_the_systems_resolver_normalises_numbers():
    assert look_up_host("2130706433") == ["127.0.0.1"]
