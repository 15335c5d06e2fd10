"""Long work gets on in steps, and short work between them."""

import asyncio
import itertools
import time

import pytest

from webhook.turns import SHORT_SECONDS, Turns


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
    assert all(later - earlier >= 2 for (earlier, _), (later, _) in itertools.pairwise(seen))


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


@pytest.mark.parametrize(("step_seconds", "least_seconds"), [(0.02, 0.08), (SHORT_SECONDS / 10, 0.0)])
def test_a_long_step_is_followed_by_a_rest(step_seconds: float, least_seconds: float) -> None:
    async def scene() -> float:
        turns = Turns(rest=4)
        await turns.take()
        time.sleep(step_seconds)  # noqa: ASYNC251 (it is what a step does)
        ended_at = time.monotonic()
        await turns.take()
        return time.monotonic() - ended_at

    assert least_seconds <= asyncio.run(scene()) < least_seconds + 0.05


def test_a_turn_is_taken_after_every_so_many_items_where_there_are_more() -> None:
    async def scene(count: int) -> list[int]:
        turns, counted = Turns(), [0]
        counting = asyncio.create_task(count_turns(counted))
        await asyncio.sleep(0)
        began = [counted[0] async for _ in turns.over(range(count), at_once=3)]
        counting.cancel()
        return [turn - began[0] for turn in began]

    assert len(set(asyncio.run(scene(3)))) == 1, "a few are given without waiting"
    given = asyncio.run(scene(8))
    assert [len({*given[at : at + 3]}) for at in (0, 3, 6)] == [1, 1, 1]
    assert given[0] < given[3] < given[6]
