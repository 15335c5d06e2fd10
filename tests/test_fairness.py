"""Slots are shared fairly, none is lost, and nothing is remembered of those that are gone."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webhook.fairness import FairSlots


class Scene:
    """Askers that hold a slot until they are told to go; notes who came in."""

    def __init__(self, slots: int, most_of_one: int) -> None:
        self.fair = FairSlots(slots, most_of_one=most_of_one)
        self.entered: list[str] = []
        self.inside: Counter[str] = Counter()

    async def come(self, asker: str, name: str = "") -> tuple[asyncio.Task[None], asyncio.Event]:
        may_go = asyncio.Event()
        task = asyncio.create_task(self._stay(asker, name or asker, may_go))
        await settle()
        return task, may_go

    async def _stay(self, asker: str, name: str, may_go: asyncio.Event) -> None:
        async with self.fair.slot(asker):
            self.entered.append(name)
            self.inside[asker] += 1
            try:
                await may_go.wait()
            finally:
                self.inside[asker] -= 1


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def go(*guests: tuple[asyncio.Task[None], asyncio.Event]) -> None:
    for task, may_go in guests:
        may_go.set()
        await task
        await settle()


def is_unused(fair: FairSlots) -> bool:
    """Nobody holds or waits, nobody is remembered, and every slot is free."""
    return not len(fair) and not fair._held and not fair._lines and fair._free == 4


def test_one_asker_leaves_room_for_the_others() -> None:
    async def scene() -> list[str]:
        scene = Scene(4, 3)
        guests = [await scene.come("noisy", f"noisy {number}") for number in range(10)]
        guests.append(await scene.come("quiet"))
        came = list(scene.entered)
        await go(*guests)
        return came

    assert asyncio.run(scene()) == ["noisy 0", "noisy 1", "noisy 2", "quiet"]


def test_lines_take_turns_and_within_one_the_first_goes_first() -> None:
    async def scene() -> list[str]:
        scene = Scene(1, 1)
        guests = [await scene.come(name[0], name) for name in ("holder", "a1", "a2", "a3", "b1", "b2", "c1")]
        for guest in (0, 1, 4, 6, 2, 5, 3):
            await go(guests[guest])
        return scene.entered

    assert asyncio.run(scene()) == ["holder", "a1", "b1", "c1", "a2", "b2", "a3"]


def test_whoever_has_enough_is_passed_over_and_not_forgotten() -> None:
    async def scene() -> list[str]:
        scene = Scene(2, 1)
        greedy = [await scene.come("a", f"a{number}") for number in range(2)]
        others = [await scene.come(name) for name in "bc"]
        await go(others[0])
        passed = list(scene.entered)
        await go(greedy[0], greedy[1], others[1])
        assert not len(scene.fair)
        return [*passed, "|", *scene.entered[len(passed) :]]

    assert asyncio.run(scene()) == ["a0", "b", "c", "|", "a1"]


def test_a_waiter_that_gives_up_is_not_waited_for() -> None:
    async def scene() -> list[str]:
        scene = Scene(1, 1)
        holder, waiter, other = [await scene.come("a", name) for name in ("a0", "a1", "a2")]
        waiter[0].cancel()
        await settle()
        assert len(scene.fair) == 2
        await go(holder, other)
        assert not scene.fair._lines
        return scene.entered

    assert asyncio.run(scene()) == ["a0", "a2"]


@pytest.mark.parametrize("is_cancelled_first", [True, False])
def test_no_slot_is_lost_when_giving_up_and_getting_it_coincide(is_cancelled_first: bool) -> None:
    """Both in one turn of the loop: the waiter learns of neither before the other has happened."""

    async def scene() -> tuple[list[str], bool]:
        scene = Scene(1, 1)
        await scene.fair.acquire("holder")
        waiter, other = await scene.come("a"), await scene.come("b")
        if is_cancelled_first:
            waiter[0].cancel()
            scene.fair.release("holder")
        else:
            scene.fair.release("holder")
            waiter[0].cancel()
        await settle()
        assert waiter[0].cancelled()
        await go(other)
        return scene.entered, not len(scene.fair) and scene.fair._free == 1

    assert asyncio.run(asyncio.wait_for(scene(), 5)) == (["b"], True)


def test_an_exception_inside_gives_the_slot_back() -> None:
    async def scene() -> FairSlots:
        fair = FairSlots(4, most_of_one=1)
        with pytest.raises(ValueError, match="inside"):
            async with fair.slot("a"):
                raise ValueError("inside")
        return fair

    assert is_unused(asyncio.run(scene()))


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("aaaabc"), st.integers(0, 4), st.booleans(), st.integers(0, 9)), max_size=60))
def test_in_any_history_limits_hold_and_nothing_is_left(history: list[tuple[str, int, bool, int]]) -> None:
    """Each step: somebody comes and stays for a while; the loop turns or not; one of the last ten is cancelled."""

    async def visit(scene: Scene, asker: str, turns: int) -> None:
        async with scene.fair.slot(asker):
            scene.inside[asker] += 1
            assert scene.inside[asker] <= 3
            assert scene.inside.total() <= 4
            try:
                for _ in range(turns):
                    await asyncio.sleep(0)
            finally:
                scene.inside[asker] -= 1

    async def scene() -> tuple[list[BaseException | None], bool]:
        scene = Scene(4, 3)
        tasks: list[asyncio.Task[None]] = []
        for asker, turns, has_turn, victim in history:
            tasks.append(asyncio.create_task(visit(scene, asker, turns)))
            if has_turn:
                await asyncio.sleep(0)
            if victim < len(tasks):
                tasks[-victim].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True), is_unused(scene.fair)

    results, unused = asyncio.run(asyncio.wait_for(scene(), 10))
    assert [result for result in results if isinstance(result, Exception)] == []
    assert unused
