"""What one conversation spares the next, and what is asked afresh before a no."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.registry.playing import (
    BASIC,
    BEARER,
    DESTINATIONS,
    NOT_FOUND,
    REGCRED,
    UNAUTHORIZED,
    Played,
    answer,
    found,
    token,
)
from webhook.images.reference import Reference, parse
from webhook.keychain.credential import Credential
from webhook.registry.conversation import converse
from webhook.registry.endpoints import Endpoint, find_endpoints
from webhook.registry.exchange import BearerToken, FetchManifest, FetchToken, Intent, Reply, TimedOut
from webhook.registry.question import Question
from webhook.registry.resolution import Missing, Refused, Resolved, Unavailable
from webhook.shortcuts import CHALLENGE_SECONDS, Notes, Shortcuts

OTHER = Credential("other", "password", "regcred", "registry.example.com")


@dataclass
class Registry:
    """Has the tags it is told of, for whoever has its token, which the right login gets."""

    tags: set[str] = field(default_factory=lambda: {"1", "2"})
    password: str = "password"
    challenge: str = BEARER
    lifetime: str = "300"
    token: str = "t1"
    trouble: Callable[[Intent], Reply | None] = lambda _: None

    def answer(self, intent: Intent) -> Reply:
        trouble = self.trouble(intent)
        if trouble is not None:
            return trouble
        if isinstance(intent, FetchToken):
            if intent.credential and intent.credential.password != self.password:
                return answer(401, UNAUTHORIZED)
            return token(
                f'{{"access_token":"{self.token}","token":"{self.token}","expires_in":{self.lifetime}}}'.encode()
            )
        if not self._knows(intent):
            return answer(401, UNAUTHORIZED, self.challenge)
        return found() if intent.url.rpartition("/")[2] in self.tags else answer(404, NOT_FOUND)

    def _knows(self, intent: FetchManifest) -> bool:
        if self.challenge == BASIC:
            return intent.authorization is not None
        return intent.authorization == BearerToken(self.token)


@dataclass
class Town:
    """One process's shortcuts, and conversations one after the other."""

    registry: Registry = field(default_factory=Registry)
    shortcuts: Shortcuts = field(default_factory=lambda: Shortcuts(b"key", seconds=3600, entries=100))

    def ask(self, tag: str = "1", *credentials: Credential, now: float = 0, namespace: str = "shop") -> Played:
        """Hold a conversation as the driver does; give what was really asked."""
        reference = parse(f"registry.example.com/app:{tag}")
        assert isinstance(reference, Reference)
        endpoints = find_endpoints(reference, None, is_insecure=False)
        question = Question(
            reference=reference, credentials=credentials, endpoints=endpoints, destinations=DESTINATIONS
        )
        notes = Notes(self.shortcuts, namespace)
        played = self._run(question, notes, now, [])
        if notes.close(played.conclusion, now):
            played = self._run(question, notes, now, played.intents)
            assert not notes.close(played.conclusion, now), "nothing is held a third time"
        return played

    def _run(self, question: Question, notes: Notes, now: float, asked: list[Intent]) -> Played:
        conversation = converse(question)
        reply: Reply | None = None
        try:
            intent = next(conversation)
            while True:
                reply = notes.find(intent, now)
                if reply is None:
                    asked.append(intent)
                    reply = self.registry.answer(intent)
                    notes.tell(intent, reply)
                intent = conversation.send(reply)
        except StopIteration as end:
            return Played(end.value, asked)


COLD = ["HEAD", "POST token user", "HEAD bearer t1"]


def test_a_cold_conversation_takes_three_requests_a_warm_one_a_single_one() -> None:
    town = Town()

    assert town.ask("1", REGCRED).steps == COLD
    assert town.ask("2", REGCRED).steps == ["HEAD bearer t1"]


def test_with_a_known_challenge_an_expired_token_costs_two_requests() -> None:
    town = Town()
    town.ask("1", REGCRED)

    assert town.ask("2", REGCRED, now=289).steps == ["HEAD bearer t1"]
    assert town.ask("2", REGCRED, now=290).steps == ["POST token user", "HEAD bearer t1"]
    assert town.ask("2", REGCRED, now=291 + CHALLENGE_SECONDS).steps == COLD


def test_a_basic_login_is_sent_at_once_where_it_is_known_to_be_wanted() -> None:
    town = Town(Registry(challenge=BASIC))
    town.ask("1", REGCRED)

    assert town.ask("2", REGCRED).steps == ["HEAD basic user"]


@pytest.mark.parametrize("lifetime", ["10", "0", "-1", "1.5", '"300"'])
def test_a_token_that_lives_too_short_or_nobody_knows_how_long_is_not_remembered(lifetime: str) -> None:
    town = Town(Registry(lifetime=lifetime))
    town.ask("1", REGCRED)

    assert "HEAD bearer t1" not in town.ask("2", REGCRED).steps[:1]


def test_a_token_that_does_not_say_how_long_it_lives_lives_for_a_minute() -> None:
    town = Town(Registry(lifetime="null"))
    town.ask("1", REGCRED)

    assert town.ask("2", REGCRED, now=49).steps == ["HEAD bearer t1"]
    assert town.ask("2", REGCRED, now=50).steps == ["POST token user", "HEAD bearer t1"]


def test_it_can_be_switched_off() -> None:
    town = Town(shortcuts=Shortcuts(b"key", seconds=0, entries=100))

    assert town.ask("1", REGCRED).steps == COLD
    assert town.ask("2", REGCRED).steps == COLD


def test_a_token_is_its_namespaces_and_its_logins_alone() -> None:
    town = Town()
    town.ask("1", REGCRED)

    assert town.ask("2", REGCRED, namespace="other").steps == ["POST token user", "HEAD bearer t1"]
    assert town.ask("2", OTHER).steps == ["POST token other", "HEAD bearer t1"]


def test_an_anonymous_token_is_everybodys() -> None:
    town = Town()
    town.ask("1")

    assert town.ask("2", namespace="other").steps == ["HEAD bearer t1"]


def test_before_a_no_what_came_from_memory_is_read_again() -> None:
    town = Town()
    town.ask("1", REGCRED)
    played = town.ask("3", REGCRED)

    assert isinstance(played.resolution, Missing)
    assert played.steps == ["HEAD bearer t1", "GET bearer t1", "HEAD", "POST token user"], "the same token: asked once"


def test_a_token_that_was_revoked_is_fetched_anew_and_counts() -> None:
    town = Town()
    town.ask("1", REGCRED)
    town.registry.token = "t2"

    played = town.ask("2", REGCRED)

    assert isinstance(played.resolution, Resolved)
    assert played.steps[-1] == "HEAD bearer t2"
    assert town.ask("2", REGCRED).steps == ["HEAD bearer t2"]


def test_a_rejected_password_is_sent_once_although_the_challenge_was_known() -> None:
    town = Town()
    town.ask("1", REGCRED)
    wrong = Credential("user", "wrong", "regcred", "registry.example.com")
    played = town.ask("1", wrong, namespace="other")

    assert isinstance(played.resolution, Refused)
    assert sum(step == "POST token user" for step in played.steps) == 1
    assert "HEAD" in played.steps, "the challenge is read again"


def test_a_challenge_that_changed_is_seen_before_a_no() -> None:
    town = Town(Registry(challenge=BASIC))
    town.ask("1", REGCRED)
    town.registry.challenge = BEARER
    played = town.ask("2", REGCRED)

    assert isinstance(played.resolution, Resolved)
    assert played.steps == ["HEAD basic user", "GET", *COLD]


def test_a_registry_that_wants_no_login_any_more_does_not_contradict_itself() -> None:
    town = Town()
    town.ask("1", REGCRED)
    wrong = Credential("user", "wrong", "regcred", "registry.example.com")
    town.registry.trouble = lambda intent: answer(404, NOT_FOUND) if isinstance(intent, FetchManifest) else None
    played = town.ask("3", wrong)

    assert isinstance(played.resolution, Missing)
    assert played.steps == ["POST token user", "GET token user", "GET", "HEAD"]


def test_where_a_registry_has_trouble_what_was_remembered_of_it_is_forgotten_and_nothing_is_repeated() -> None:
    town = Town()
    town.ask("1", REGCRED)
    town.registry.trouble = lambda _: TimedOut()
    played = town.ask("2", REGCRED)
    town.registry.trouble = lambda _: None

    assert isinstance(played.resolution, Unavailable)
    assert played.steps == ["HEAD bearer t1"]
    assert town.ask("2", REGCRED).steps == COLD


def test_what_led_to_a_no_is_not_remembered() -> None:
    town = Town()
    town.ask("3", REGCRED)

    assert town.ask("1", REGCRED).steps == COLD


def test_an_open_registry_leaves_nothing_to_remember() -> None:
    town = Town(Registry(trouble=lambda _: found()))
    town.ask("1")

    assert town.ask("2").steps == ["HEAD"]


def test_lookups_are_told() -> None:
    seen: list[tuple[str, bool]] = []
    town = Town(
        shortcuts=Shortcuts(b"key", seconds=3600, entries=100, observe=lambda kind, is_hit: seen.append((kind, is_hit)))
    )
    town.ask("1", REGCRED)
    town.ask("2", REGCRED)

    assert seen == [("challenges", False), ("tokens", False), ("challenges", True), ("tokens", True)]


def test_a_key_tells_nothing_of_a_password() -> None:
    endpoint = Endpoint(url="https://registry.example.com/v2")
    login = Credential("user", "s3cret-canary")
    intent = FetchToken(endpoint=endpoint, url="https://auth.example.com/token", grant="password", credential=login)

    assert "canary" not in str(Shortcuts(b"key", seconds=3600, entries=1).key(intent, "shop"))
