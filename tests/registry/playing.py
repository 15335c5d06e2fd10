"""Plays a conversation without a network: a function answers its intents, and all of them are kept."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from webhook.images.reference import Reference, parse
from webhook.keychain.credential import Credential
from webhook.registry.conversation import converse
from webhook.registry.destinations import Destinations
from webhook.registry.endpoints import HostsFile, find_endpoints
from webhook.registry.exchange import (
    Answer,
    BasicLogin,
    BearerToken,
    FetchManifest,
    FetchToken,
    Intent,
    Reply,
)
from webhook.registry.question import Question
from webhook.registry.resolution import Conclusion

DIGEST = "sha256:" + "a" * 64
OTHER_DIGEST = "sha256:" + "b" * 64
INDEX = "application/vnd.oci.image.index.v1+json"
NOT_FOUND = b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'
UNAUTHORIZED = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'
DENIED = b'{"errors":[{"code":"DENIED","message":"requested access is denied"}]}'
PAGE = b"<html><body>Sign in</body></html>"
BEARER = 'Bearer realm="https://auth.example.com/token",service="registry.example.com"'
BASIC = 'Basic realm="registry"'
REGCRED = Credential("user", "password", "regcred", "registry.example.com")


def registrable_domain(host: str) -> str | None:
    return ".".join(host.split(".")[-2:])


DESTINATIONS = Destinations(registrable_domain=registrable_domain)


def found(**headers: str) -> Answer:
    given = {"docker-content-digest": DIGEST, "content-type": INDEX, "content-length": "512"}
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(200, tuple((name, value) for name, value in given.items() if value))


def answer(status: int, body: bytes = b"", *challenges: str, **headers: str) -> Answer:
    kept = [("www-authenticate", challenge) for challenge in challenges]
    kept += [(name.replace("_", "-"), value) for name, value in headers.items()]
    return Answer(status, tuple(kept), body)


def token(text: bytes = b'{"token":"t","access_token":"t"}') -> Answer:
    return Answer(200, (("content-type", "application/json"),), text)


@dataclass
class Played:
    conclusion: Conclusion
    intents: list[Intent] = field(default_factory=list)

    @property
    def resolution(self) -> object:
        return self.conclusion.resolution

    @property
    def steps(self) -> list[str]:
        """What was asked, a word or three each: `HEAD`, `HEAD bearer`, `POST token user`."""
        return [_step(intent) for intent in self.intents]

    @property
    def urls(self) -> list[str]:
        return [intent.url for intent in self.intents]

    def logins_sent_to(self) -> set[str]:
        """Every URL that a password or a token was sent to."""
        return {intent.url for intent in self.intents if _carries_login(intent)}


def play(
    image: str,
    answers: Callable[[Intent], Reply],
    *credentials: Credential,
    hosts: HostsFile | None = None,
    destinations: Destinations = DESTINATIONS,
    pull_through: Sequence[str] = (),
) -> Played:
    reference = parse(image)
    assert isinstance(reference, Reference)
    question = Question(
        reference=reference,
        credentials=credentials,
        endpoints=find_endpoints(reference, hosts, is_insecure=destinations.is_insecure(reference.registry)),
        destinations=destinations,
        pull_through=tuple(pull_through),
    )
    conversation = converse(question)
    played = Played(Conclusion(None))  # type: ignore[arg-type]
    try:
        intent = next(conversation)
        while True:
            assert len(played.intents) < 60, "the conversation does not end"
            played.intents.append(intent)
            intent = conversation.send(answers(intent))
    except StopIteration as end:
        played.conclusion = end.value
    return played


def scripted(*replies: Reply) -> Callable[[Intent], Reply]:
    """Answers one after the other, whatever is asked."""
    left = list(replies)
    return lambda _: left.pop(0)


def _step(intent: Intent) -> str:
    if isinstance(intent, FetchToken):
        method = "POST" if intent.grant == "password" else "GET"
        return f"{method} token{f' {intent.credential.username}' if intent.credential else ''}"
    match intent.authorization:
        case BasicLogin(credential):
            return f"{intent.method} basic {credential.username}"
        case BearerToken(text):
            return f"{intent.method} bearer {text}"
        case None:
            return intent.method


def _carries_login(intent: Intent) -> bool:
    if isinstance(intent, FetchManifest):
        return intent.authorization is not None
    return intent.credential is not None
