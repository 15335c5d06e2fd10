"""A fault names key and value in one line, and hides what may be a secret."""

import pytest
from pydantic import BaseModel, ValidationError

from webhook.settings import fault


def test_key_value_and_expectation_stand_in_one_line() -> None:
    assert (
        str(fault.wrong_value("network.loopback", "maybe", "true or false"))
        == "settings: network.loopback=maybe: expected true or false"
    )


@pytest.mark.parametrize("key", ["tls.key", "nodes.docker_config"])
def test_a_key_that_invites_a_secret_never_shows_its_value(key: str) -> None:
    assert str(fault.wrong_value(key, "x", "a path")) == f"settings: {key}=…: expected a path"


@pytest.mark.parametrize(
    "value",
    [
        "-----BEGIN PRIVATE KEY-----",
        "https://user:hunter2@registry.example.com",
        "eyJhbGciOiJFUzI1NiJ9.e30.x",
        '{"auths": {"a.io": {"auth": "dTpw"}}}',
        "my-Password-is-x",
        "Bearer abc",
        "Basic dTpw",
        "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0",
        {"auths": {"a.io": {"auth": "dTpw"}}},
        ["a token"],
    ],
)
def test_a_value_that_looks_like_a_secret_is_never_shown(value: object) -> None:
    assert str(fault.wrong_value("listen", value, "x")) == "settings: listen=…: expected x"


def test_a_long_value_is_cut() -> None:
    assert str(fault.wrong_value("listen", "a b" * 100, "x")) == f"settings: listen={('a b' * 100)[:59]}…: expected x"


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x1b", "\u2028", "\u202e", "\x00", "\ud800"])
def test_control_and_format_characters_never_reach_the_terminal(character: str) -> None:
    text = str(fault.wrong_value(f"a{character}b", f"c{character}d", f"e{character}f"))
    assert text == "settings: a…b=c…d: expected e…f"
    assert "…" in str(fault.wrong_file(f"a{character}b", "x"))


def test_a_value_that_json_cannot_say_is_shown_as_text() -> None:
    assert str(fault.wrong_value("listen", [object], "x")).startswith('settings: listen=["<class')


def test_a_file_is_named_with_its_line_and_without_its_content() -> None:
    error = fault.wrong_file("a.yaml", "cannot be read (found undefined alias 'hunter2' or \"hunter3\")", 4)
    assert str(error) == "settings: a.yaml: line 4: cannot be read (found undefined alias … or …)"


def test_a_finding_without_words_of_ours_still_becomes_one_line() -> None:
    class Odd(BaseModel):
        pattern: bytes

    with pytest.raises(ValidationError) as caught:
        Odd.model_validate({"pattern": 5})
    assert str(fault.explain(caught.value, [])) == "settings: pattern=5: expected a valid value"
