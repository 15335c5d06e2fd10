"""Long work gets on in steps, and short work between them."""

import asyncio
import itertools
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace

import pytest

from tests.clock import JumpingLoop
from webhook.turns import MAX_REST_SECONDS, STEP_SECONDS, TURNS_BETWEEN, Turns


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[JumpingLoop]:
    """In which work takes what it spends, and nothing else takes any time."""
    with closing(JumpingLoop()) as loop:
        monkeypatch.setattr("webhook.turns.time", SimpleNamespace(monotonic=loop.time))
        yield loop


async def count_turns(counted: list[int]) -> None:
    """Count the turns of the event loop, until cancelled."""
    while True:
        counted[0] += 1
        await asyncio.sleep(0)


def test_steps_go_one_in_a_turn_of_the_loop_and_in_the_order_in_which_they_were_asked_for() -> None:
    async def scene() -> list[tuple[int, str]]:
        turns, counted, seen = Turns(), [0], list[tuple[int, str]]()

        async def work(name: str) -> None:
            await turns.take()
            seen.append((counted[0], name))

        counting = asyncio.create_task(count_turns(counted))
        await asyncio.gather(*(work(name) for name in "abcde"))
        counting.cancel()
        return seen

    seen = asyncio.run(scene())
    assert [name for _, name in seen] == list("abcde")
    assert all(later - earlier > TURNS_BETWEEN for (earlier, _), (later, _) in itertools.pairwise(seen))


def test_whoever_gives_up_waiting_leaves_the_others_their_turns() -> None:
    async def scene() -> None:
        turns = Turns()
        tasks = [asyncio.create_task(turns.take()) for _ in range(5)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
        assert [isinstance(one, asyncio.CancelledError) for one in done] == [True, False, True, False, True]

    asyncio.run(scene())


def test_askers_take_turns() -> None:
    async def scene() -> list[str]:
        turns, seen = Turns(), list[str]()

        async def work(asker: str) -> None:
            await turns.take(asker)
            seen.append(asker)

        await asyncio.gather(*(work(asker) for asker in ["noisy"] * 5 + ["quiet"]))
        return seen

    assert asyncio.run(scene()).index("quiet") <= 2


@pytest.mark.parametrize(
    ("step_seconds", "rest_seconds"), [(0.01, 0.04), (0.1, MAX_REST_SECONDS), (STEP_SECONDS / 10, 0.0)]
)
def test_a_long_step_is_followed_by_a_rest(loop: JumpingLoop, step_seconds: float, rest_seconds: float) -> None:
    async def scene() -> float:
        turns = Turns(rest=4)
        async with turns.step():
            loop.spend(step_seconds)
        ended_at = loop.time()
        await turns.take()
        return loop.time() - ended_at

    assert loop.run_until_complete(scene()) == pytest.approx(rest_seconds)


def test_the_work_of_others_is_no_reason_to_rest(loop: JumpingLoop) -> None:
    async def scene() -> float:
        turns = Turns(rest=9)
        for _ in range(3):
            async with turns.step():
                pass
            loop.spend(0.01)
        return loop.time()

    assert loop.run_until_complete(scene()) == pytest.approx(0.03)


def test_whoever_s_turn_does_not_come_in_time_is_told_or_goes_on_without(loop: JumpingLoop) -> None:
    async def scene() -> None:
        turns = Turns(rest=9)
        async with turns.step():
            loop.spend(0.05)
        begun_at = loop.time()
        await turns.take(until=begun_at + 0.01)
        with pytest.raises(TimeoutError):
            async with turns.step(until=begun_at + 0.02):
                pytest.fail("not its turn")
        assert loop.time() == pytest.approx(begun_at + 0.02)
        await turns.take()
        assert loop.time() == pytest.approx(begun_at + MAX_REST_SECONDS)

    loop.run_until_complete(scene())


def test_items_are_given_at_once_until_their_work_was_long_enough_for_a_step(loop: JumpingLoop) -> None:
    async def scene(work_seconds: float) -> list[int]:
        turns, counted, seen = Turns(), [0], list[int]()
        counting = asyncio.create_task(count_turns(counted))
        await asyncio.sleep(0)
        async for _ in turns.over(range(4)):
            seen.append(counted[0])
            loop.spend(work_seconds)
        counting.cancel()
        return seen

    assert len(set(loop.run_until_complete(scene(STEP_SECONDS / 4)))) == 1
    assert len(set(loop.run_until_complete(scene(2 * STEP_SECONDS)))) == 4


def test_after_its_time_long_work_goes_on_without_rests(loop: JumpingLoop) -> None:
    async def scene() -> float:
        turns = Turns(rest=9)
        async with turns.step():
            loop.spend(0.05)
        begun_at = loop.time()
        async for _ in turns.over(range(20), until=begun_at):
            loop.spend(2 * STEP_SECONDS)
        return loop.time() - begun_at

    assert loop.run_until_complete(scene()) == pytest.approx(20 * 2 * STEP_SECONDS)
