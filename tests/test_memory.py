"""What is remembered serves for its time, stays within its bounds, and is never a no."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.registry.playing import DIGEST
from webhook.images.reference import Reference, parse
from webhook.memory import MIN_ENTRY_BYTES, ConclusionKey, ConclusionMemory, Memory, Times
from webhook.registry.resolution import (
    Conclusion,
    Missing,
    Refused,
    RefusedCause,
    Resolution,
    Resolved,
    Unavailable,
    UnavailableCause,
)

KEY = ConclusionKey("registry.example.com/app:1", (), "shop", ("a",))


def reference(image: str = "registry.example.com/app:1") -> Reference:
    parsed = parse(image)
    assert isinstance(parsed, Reference)
    return parsed


@pytest.mark.parametrize(("now", "expected"), [(100.0, 1), (109.9, 1), (110.0, None), (500.0, None)])
def test_a_value_serves_for_its_time(now: float, expected: int | None) -> None:
    memory: Memory[str, int] = Memory(entries=10)
    memory.keep("a", 1, now=100, seconds=10)

    assert memory.recall("a", now) == expected
    assert memory.recall("b", now) is None


@pytest.mark.parametrize(("not_before", "expected"), [(99.0, 1), (100.0, 1), (100.1, None)])
def test_a_value_that_is_too_old_for_somebody_is_kept_for_the_others(not_before: float, expected: int | None) -> None:
    memory: Memory[str, int] = Memory(entries=10)
    memory.keep("a", 1, now=100, seconds=10)

    assert memory.recall("a", 101, not_before=not_before) == expected
    assert memory.recall("a", 101) == 1


def test_the_one_that_was_used_longest_ago_goes_first() -> None:
    memory: Memory[str, int] = Memory(entries=2)
    for number, key in enumerate("ab"):
        memory.keep(key, number, now=0, seconds=10)
    memory.recall("a", 1)
    memory.keep("c", 2, now=2, seconds=10)

    assert [memory.recall(key, 3) for key in "abc"] == [0, None, 2]


@pytest.mark.parametrize(("seconds", "size_bytes"), [(0.0, 0), (-1.0, 0), (10.0, 10_000)])
def test_what_serves_for_no_time_or_has_no_room_is_not_kept_nor_is_what_was_there(
    seconds: float, size_bytes: int
) -> None:
    memory: Memory[str, int] = Memory(entries=2, max_bytes=10_000)
    memory.keep("a", 1, now=0, seconds=10)
    memory.keep("a", 2, now=0, seconds=seconds, size_bytes=size_bytes)

    assert (memory.recall("a", 1), len(memory), memory.size_bytes) == (None, 0, 0)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3000), st.sampled_from(["keep", "recall", "forget"]))))
def test_it_never_holds_more_than_its_bounds(steps: list[tuple[int, int, str]]) -> None:
    memory: Memory[int, int] = Memory(entries=4, max_bytes=6000)
    sizes: dict[int, int] = {}
    for now, (key, size_bytes, step) in enumerate(steps):
        if step == "keep":
            memory.keep(key, now, now=now, seconds=5, size_bytes=size_bytes)
            sizes[key] = size_bytes + MIN_ENTRY_BYTES + len(repr(key))
        elif step == "recall":
            memory.recall(key, now)
        else:
            memory.forget(key)
        assert len(memory) <= 4
        assert memory.size_bytes <= 6000
        assert memory.size_bytes == sum(sizes[known] for known in memory._known)


@pytest.mark.parametrize(
    ("image", "seconds", "kind"),
    [("registry.example.com/app:1", 60, "tags"), (f"registry.example.com/app:1@{DIGEST}", 3600, "digests")],
)
def test_a_tag_is_remembered_for_a_minute_and_a_digest_for_an_hour(image: str, seconds: float, kind: str) -> None:
    seen: list[tuple[str, bool]] = []
    memory = ConclusionMemory(Times(), entries=10, observe=lambda one, is_hit: seen.append((one, is_hit)))
    memory.keep(KEY, reference(image), Conclusion(Resolved(DIGEST)), 0)

    assert memory.recall(KEY, reference(image), seconds - 0.1) == Conclusion(Resolved(DIGEST))
    assert memory.recall(KEY, reference(image), seconds) is None
    assert not memory.knows(KEY, seconds)
    assert seen == [(kind, True), (kind, False)]


@pytest.mark.parametrize(
    "resolution",
    [
        Missing("registry.example.com"),
        Refused("registry.example.com", RefusedCause.LOGIN_WANTED),
        Unavailable("registry.example.com", UnavailableCause.SILENT),
    ],
)
def test_only_a_yes_is_remembered(resolution: Resolution) -> None:
    memory = ConclusionMemory(Times(), entries=10)
    memory.keep(KEY, reference(), Conclusion(resolution), 0)

    assert memory.recall(KEY, reference(), 0) is None


@pytest.mark.parametrize(("image", "is_kept"), [("a.example.com/app:1", False), (f"a.example.com/app@{DIGEST}", True)])
def test_each_time_can_be_switched_off(image: str, *, is_kept: bool) -> None:
    memory = ConclusionMemory(Times(tags_seconds=0), entries=10)
    memory.keep(KEY, reference(image), Conclusion(Resolved(DIGEST)), 0)

    assert (memory.recall(KEY, reference(image), 0) is not None) == is_kept
