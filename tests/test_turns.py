"""Long work gets on in steps, and short work between them."""

import asyncio
import itertools
import time

import pytest

from webhook.turns import MAX_REST_SECONDS, STEP_SECONDS, TURNS_BETWEEN, Turns


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
def test_a_long_step_is_followed_by_a_rest(step_seconds: float, rest_seconds: float) -> None:
    async def scene() -> float:
        turns = Turns(rest=4)
        async with turns.step():
            time.sleep(step_seconds)  # noqa: ASYNC251 (it is what a step does)
        ended_at = time.monotonic()
        await turns.take()
        return time.monotonic() - ended_at

    assert rest_seconds <= asyncio.run(scene()) < rest_seconds + 0.03


def test_the_work_of_others_is_no_reason_to_rest() -> None:
    async def scene() -> float:
        turns, began = Turns(rest=9), time.monotonic()
        for _ in range(3):
            async with turns.step():
                pass
            time.sleep(0.01)  # noqa: ASYNC251 (somebody else's)
        return time.monotonic() - began

    assert asyncio.run(scene()) < 0.06


def test_whoever_s_turn_does_not_come_in_time_is_told_or_goes_on_without() -> None:
    async def scene() -> None:
        turns, loop = Turns(rest=9), asyncio.get_running_loop()
        async with turns.step():
            time.sleep(0.05)  # noqa: ASYNC251 (the same)
        begun_at = time.monotonic()
        await turns.take(until=loop.time() + 0.01)
        with pytest.raises(TimeoutError):
            async with turns.step(until=loop.time() + 0.01):
                pytest.fail("not its turn")
        assert time.monotonic() - begun_at < MAX_REST_SECONDS
        await turns.take()

    asyncio.run(scene())


def test_items_are_given_at_once_until_their_work_was_long_enough_for_a_step() -> None:
    async def scene(work_seconds: float) -> list[int]:
        turns, counted, seen = Turns(), [0], list[int]()
        counting = asyncio.create_task(count_turns(counted))
        await asyncio.sleep(0)
        async for _ in turns.over(range(4)):
            seen.append(counted[0])
            time.sleep(work_seconds)  # noqa: ASYNC251 (the same)
        counting.cancel()
        return seen

    assert len(set(asyncio.run(scene(0)))) == 1
    assert len(set(asyncio.run(scene(2 * STEP_SECONDS)))) == 4


def test_after_its_time_long_work_goes_on_without_turns() -> None:
    async def scene() -> float:
        turns = Turns(rest=9)
        async with turns.step():
            time.sleep(0.05)  # noqa: ASYNC251 (the same)
        begun_at = time.monotonic()
        async for _ in turns.over(range(20), until=asyncio.get_running_loop().time()):
            time.sleep(2 * STEP_SECONDS)  # noqa: ASYNC251 (the same)
        return time.monotonic() - begun_at

    assert asyncio.run(scene()) < MAX_REST_SECONDS
