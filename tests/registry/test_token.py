"""How long a token lives, by its answer."""

import pytest

from tests.registry.playing import answer, token
from webhook.registry.exchange import Answer
from webhook.registry.token import DEFAULT_LIFETIME_SECONDS, read_lifetime_seconds


@pytest.mark.parametrize(
    ("reply", "seconds"),
    [
        (token(b'{"expires_in":300}'), 300),
        (token(b'{"Expires_In":300,"expires_in":60}'), 60),
        (token(b'{"token":"t"}'), DEFAULT_LIFETIME_SECONDS),
        (token(b'{"expires_in":null}'), DEFAULT_LIFETIME_SECONDS),
        (token(b'{"expires_in":0}'), 0),
        (token(b'{"expires_in":-5}'), 0),
        (token(b'{"expires_in":"300"}'), 0),
        (token(b'{"expires_in":1.5}'), 0),
        (token(b"[]"), 0),
        (answer(200, b"<html>"), 0),
        (Answer(200, (), b'{"expires_in":300}', is_complete=False), 0),
    ],
)
def test_it_is_what_go_can_read_or_nothing(reply: Answer, seconds: float) -> None:
    assert read_lifetime_seconds(reply) == seconds
