"""What kubectl prints for a dry run, read as a decision."""

import pytest

from tests.truth.guard import read

DENIAL = """\
Warning: Pod/a: the other one
Error from server (Forbidden): error when creating "STDIN": admission webhook "x.pullcheck.dev" denied the request: \
container "app": no such tag
and 1 more
"""


def test_silence_is_an_allow() -> None:
    assert read(0, "") == ("allow", ())


def test_a_warning_alone_is_a_warning() -> None:
    assert read(0, "Warning: Pod/a: doubtful\n") == ("warn", ("Pod/a: doubtful",))


def test_a_denial_has_its_warnings_and_every_line_of_its_message() -> None:
    assert read(1, DENIAL) == ("deny", ("Pod/a: the other one", 'container "app": no such tag', "and 1 more"))


def test_a_refusal_by_somebody_else_is_no_denial() -> None:
    with pytest.raises(RuntimeError, match="is invalid"):
        read(1, 'The Pod "a" is invalid: spec: Required value')
