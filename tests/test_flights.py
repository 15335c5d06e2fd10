"""Equal questions in flight share one answer, and nobody disturbs anybody."""

import asyncio

import pytest

from webhook.flights import Flights, Recent


class Asked:
    """Counts how often it was asked; answers when it is told to."""

    def __init__(self) -> None:
        self.times = 0
        self.cancelled = 0
        self.may_answer = asyncio.Event()

    async def ask(self) -> int:
        self.times += 1
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        return self.times


def test_a_hundred_waiters_share_one_question() -> None:
    async def scene() -> tuple[int, set[int], int]:
        flights: Flights[str, int] = Flights()
        asked = Asked()
        waiting = [asyncio.create_task(flights.join("key", asked.ask)) for _ in range(100)]
        await asyncio.sleep(0.01)
        asked.may_answer.set()
        return asked.times, set(await asyncio.gather(*waiting)), len(flights)

    assert asyncio.run(scene()) == (1, {1}, 0)


def test_nothing_is_remembered() -> None:
    async def scene() -> list[int]:
        flights: Flights[str, int] = Flights()
        asked = Asked()
        asked.may_answer.set()
        return [await flights.join("key", asked.ask), await flights.join("key", asked.ask)]

    assert asyncio.run(scene()) == [1, 2]


def test_other_keys_ask_for_themselves() -> None:
    async def scene() -> list[int]:
        flights: Flights[str, int] = Flights()
        asked = Asked()
        asked.may_answer.set()
        return list(await asyncio.gather(flights.join("a", asked.ask), flights.join("b", asked.ask)))

    assert asyncio.run(scene()) == [1, 2]


def test_a_waiter_that_goes_leaves_the_others_their_answer() -> None:
    async def scene() -> tuple[int, int]:
        flights: Flights[str, int] = Flights()
        asked = Asked()
        impatient, patient = (asyncio.create_task(flights.join("key", asked.ask)) for _ in range(2))
        await asyncio.sleep(0)
        impatient.cancel()
        await asyncio.sleep(0)
        asked.may_answer.set()
        return await patient, asked.cancelled

    assert asyncio.run(scene()) == (1, 0)


def test_the_last_waiter_takes_the_question_along_and_the_next_one_asks_anew() -> None:
    async def scene() -> tuple[int, int, int]:
        flights: Flights[str, int] = Flights()
        asked = Asked()
        only = asyncio.create_task(flights.join("key", asked.ask))
        await asyncio.sleep(0)
        only.cancel()
        await asyncio.sleep(0)
        asked.may_answer.set()
        return await flights.join("key", asked.ask), asked.cancelled, len(flights)

    assert asyncio.run(scene()) == (2, 1, 0)


def test_a_fault_reaches_everybody() -> None:
    async def fail() -> int:
        raise ValueError("no")

    async def scene() -> list[object]:
        flights: Flights[str, int] = Flights()
        return list(await asyncio.gather(*(flights.join("key", fail) for _ in range(3)), return_exceptions=True))

    assert [type(fault) for fault in asyncio.run(scene())] == [ValueError] * 3


def test_a_fault_that_nobody_waits_for_is_nobodys(recwarn: pytest.WarningsRecorder) -> None:
    async def fail() -> int:
        await asyncio.sleep(0)
        raise ValueError("no")

    async def scene() -> None:
        flights: Flights[str, int] = Flights()
        only = asyncio.create_task(flights.join("key", fail))
        await asyncio.sleep(0)
        only.cancel()
        await asyncio.sleep(0.01)

    asyncio.run(scene())
    assert not recwarn.list


def test_a_recent_value_is_read_once_in_a_while_and_by_one_of_all_that_want_it() -> None:
    async def scene(seconds: float) -> tuple[int, set[int | None]]:
        asked = Asked()
        asked.may_answer.set()
        recent = Recent(asked.ask, seconds)
        values = [await read(recent), *(await asyncio.gather(read(recent), read(recent)))]
        return asked.times, set(values)

    assert asyncio.run(scene(30)) == (1, {1})
    assert asyncio.run(scene(0)) == (2, {1, 2})


async def read(recent: Recent[int], *, enough: int = 0, seconds: float = 10) -> int | None:
    return await recent.read(lambda value: value >= enough, until=asyncio.get_running_loop().time() + seconds)


def test_what_is_not_enough_is_read_anew_and_told_once() -> None:
    async def scene() -> tuple[list[int | None], list[bool]]:
        asked, told = Asked(), list[bool]()
        asked.may_answer.set()
        recent = Recent(asked.ask, 30, told.append)
        return [await read(recent), await read(recent), await read(recent, enough=2)], told

    assert asyncio.run(scene()) == ([1, 1, 2], [False, True, False])


def test_where_a_recent_value_cannot_be_read_what_is_known_serves_its_time() -> None:
    async def scene(seconds: float) -> list[int | None]:
        answers: list[int | None] = [1, None, None]

        async def ask() -> int | None:
            return answers.pop(0)

        recent = Recent(ask, seconds)
        return [await read(recent), await read(recent, enough=2), await read(recent, enough=2)]

    assert asyncio.run(scene(30)) == [1, 1, 1]
    assert asyncio.run(scene(0)) == [1, None, None]


def test_a_recent_value_that_does_not_come_in_time_is_what_was_known() -> None:
    async def scene() -> list[int | None]:
        asked = Asked()
        recent = Recent(asked.ask, 30)
        never = await read(recent, seconds=0.01)
        asked.may_answer.set()
        known = await read(recent)
        asked.may_answer.clear()
        return [never, known, await read(recent, enough=9, seconds=0.01)]

    assert asyncio.run(scene()) == [None, 2, 2]


def test_who_asks_in_the_moment_in_which_an_answer_lands_asks_anew_and_lets_the_loop_go_on() -> None:
    async def scene() -> list[int]:
        flights: Flights[str, int] = Flights()
        asked = 0

        async def ask() -> int:
            nonlocal asked
            asked += 1
            await asyncio.sleep(0)
            return asked

        async def insist() -> int:
            answer = 0
            async with asyncio.timeout(5):
                while answer < 3:
                    answer = await flights.join("a", ask)
            return answer

        return list(await asyncio.gather(insist(), insist(), insist()))

    assert asyncio.run(scene()) == [3, 3, 3]
