"""The report: the same text for the same outcomes, whatever the time, the port or the machine."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from tests.truth.differential import Outcome as Comparison
from tests.truth.differential import describe
from tests.truth.outcome import Outcome
from tests.truth.report import find_random_cases, render
from tests.truth.test_judge import SCENE, outcome

SILENT = replace(SCENE, group="Group", silence="nobody can know")


def rendered(words: str) -> str:
    return render([SILENT], [replace(outcome("allow", has_pulled=False), node_words=words)])


@pytest.mark.parametrize(
    ("words", "others"),
    [
        (f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"),
        ("current time 2026-11-24T17:00:00Z is after 2026-11-23T00:00:00Z", "current time x is after y"),
        ("read tcp 10.88.0.1:40312->10.88.0.20:443", "read tcp 10.88.0.1:51000->10.88.0.20:443"),
    ],
)
def test_what_differs_between_runs_is_left_out(words: str, others: str) -> None:
    assert rendered(words) == rendered(others)


def test_words_stay_in_their_cell() -> None:
    (row,) = (line for line in rendered("a|b\n<c>").splitlines() if "**a**" in line)

    assert "a\\|b ⏎ &lt;c>" in row


def test_the_matrix_the_reason_and_the_logins_are_told() -> None:
    text = rendered("not found")

    assert "| the node fails | 1 | 0 | 0 |" in text
    assert "| nobody can know | a |" in text
    assert "| a | registry.example.com: nobody | the same |  |" in text


def test_an_outcome_survives_its_file() -> None:
    played = outcome("warn", has_pulled=True)

    assert Outcome.from_json(json.loads(json.dumps(played.to_json()))) == played


def test_the_section_of_random_cases_is_found_behind_the_scenes() -> None:
    section = describe(Comparison(cases=1000, kinds=Counter({"match: matched": 1000})), seed=4)
    scenes = rendered("not found")

    assert find_random_cases(f"{scenes}\n{section}") == f"\n{section}"
    assert find_random_cases(scenes) == ""
    assert "**1,000 cases, 0 differences.**" in section
    assert "| match: matched | 1,000 |" in section
