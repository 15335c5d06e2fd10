"""What intents and answers tell, and what they keep to themselves."""

from tests.registry.playing import REGCRED, answer
from webhook.registry.exchange import ACCEPT, BasicLogin, BearerToken


def test_secrets_are_not_told() -> None:
    told = repr(BasicLogin(REGCRED)) + repr(BearerToken("secret-token"))

    assert "password" not in told
    assert "secret-token" not in told


def test_headers_are_found_by_any_spelling_and_all_of_them() -> None:
    found = answer(401, b"", "Basic", "Bearer")

    assert found.all_headers("WWW-Authenticate") == ["Basic", "Bearer"]
    assert found.header("www-Authenticate") == "Basic"
    assert found.header("absent") == ""


def test_everything_that_a_node_accepts_is_accepted_and_artifacts_last() -> None:
    assert ACCEPT.split(", ")[-1] == "*/*"
    assert len(ACCEPT.split(", ")) == 5
