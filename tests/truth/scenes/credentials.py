"""One private registry with Basic: every form of pull secret, and of the key that it is filed under."""

from collections.abc import Iterator
from typing import Any

from tests.truth.scenes.scene import Draft, Scene, pod, scene, templated
from tests.truth.scenes.secrets import (
    ABSENT,
    AGAIN,
    BAD,
    ELSEWHERE,
    EMPTY,
    LEGACY,
    NO_ACCESS,
    OPAQUE,
    RIGHT,
    Manifest,
    PullSecret,
    auth,
    entry,
    secret,
)
from tests.truth.standins.brands import BASIC, HUB, TOKEN
from tests.truth.standins.manner import WRONG
from tests.truth.standins.sites import PORT

_LATIN_1 = b'{"auths":{"HOST":{"auth":"YWxpY2U6cOQ="}}}'


def _under(host: str, value: object) -> PullSecret:
    return PullSecret(entries={host: value})


def _body(text: str) -> PullSecret:
    return PullSecret(body=text.replace("AUTH", auth()).encode())


_FORMS: dict[str, tuple[str, PullSecret]] = {
    "dockercfg": ("the old type of secret", PullSecret(entries={"HOST": entry()}, type=LEGACY)),
    "auth": ("auth alone", _under("HOST", {"auth": auth()})),
    "auth-wins": ("auth wins over a wrong password", _under("HOST", {**entry(password=WRONG), "auth": auth()})),
    "auth-unpadded": ("auth without its padding", _under("HOST", {"auth": auth().rstrip("=")})),
    "auth-broken-line": ("auth with a newline in it", _under("HOST", {"auth": f"{auth()[:5]}\n{auth()[5:]}\n"})),
    "auth-spaced": ("auth with a space behind", _under("HOST", {"auth": auth() + " "})),
    "auth-no-colon": ("auth without a colon", _under("HOST", {"auth": "YWxpY2U="})),
    "auth-url-safe": ("auth in the URL-safe alphabet", _under("HOST", {"auth": "YWxpY2U6Pz8_"})),
    "auth-number": ("auth is a number", _under("HOST", {"auth": 1})),
    "folded-keys": (
        "Auths and Auth in capitals",
        _body('{"Auths":{"HOST":{"AUTH":"AUTH"}}}'.replace('"AUTH":', '"Auth":')),
    ),
    "twice-in-json": (
        "a registry twice in one file",
        _body('{"auths":{"HOST":{"auth":"eDp5"},"HOST":{"auth":"AUTH"}}}'),
    ),
    "auths-twice": ("auths twice in one file", _body('{"auths":{"HOST":{"auth":"AUTH"}},"auths":{}}')),
    "auths-then-null": ("auths, then null", _body('{"auths":{"HOST":{"auth":"AUTH"}},"auths":null}')),
    "no-auths": ("the old body in the new type", _body('{"HOST":{"auth":"AUTH"}}')),
    "creds-store": ("a credential store", _body('{"auths":{"HOST":{}},"credsStore":"desktop"}')),
    "null-file": ("null", _body("null")),
    "auths-list": ("auths is a list", _body('{"auths":[]}')),
    "email-number": ("an e-mail address that is a number", _under("HOST", {**entry(), "email": 1})),
    "headers-number": ("HttpHeaders with a number", _body('{"auths":{"HOST":{"auth":"AUTH"}},"HttpHeaders":{"a":1}}')),
    "identity-token": ("an identity token alone", _under("HOST", {"identitytoken": "x"})),
    "registry-token": ("a registry token alone", _under("HOST", {"registrytoken": "x"})),
    "empty-entry": ("an empty entry", EMPTY),
    "null-entry": ("a null entry", _under("HOST", None)),
    "no-password": ("a username alone", _under("HOST", {"username": "alice"})),
    "no-username": ("a password alone", _under("HOST", {"password": "x"})),
    "opaque": ("the right file in an Opaque secret", PullSecret(entries={"HOST": entry()}, type=OPAQUE)),
    "colon": ("a password with a colon", _under("HOST", {"auth": auth("colon")})),
    "umlaut": ("a password beyond ASCII", secret("umlaut")),
    "latin-1": ("a password that is not UTF-8", PullSecret(body=_LATIN_1)),
    "poisoned": ("a broken entry for another registry", PullSecret(entries={"HOST": entry(), "b.io": {"auth": "!"}})),
}

_KEYS = {
    "https": "https://HOST",
    "http": "http://HOST",
    "v1": "https://HOST/v1/",
    "v2": "https://HOST/v2/",
    "v2-bare": "https://HOST/v2",
    "capital-scheme": "HTTPS://HOST",
    "oci": "oci://HOST",
    "port": "HOST:443",
    "slash": "HOST/",
    "query": "HOST?x=y",
    "user": "user:pw@HOST",
    "space": " HOST",
    "path": "HOST/private",
    "part-of-path": "HOST/priv",
    "path-slash": "HOST/private/",
    "other-path": "HOST/public",
    "repository": "HOST/private/key-repository",
    "tag": "HOST/private/key-tag:1",
    "v2-path": "HOST/v2/private",
    "wildcard": "*.example.com",
    "part-wildcard": "bas*.example.com",
    "star": "*",
    "too-deep": "*.*.example.com",
    "path-wildcard": "HOST/*",
    "capitals": "Basic.Example.com",
    "question-mark": "basi?.example.com",
}


def forms() -> Iterator[Scene]:
    """The forms of a secret."""
    for name, (title, pull_secret) in _FORMS.items():
        yield scene(f"form-{name}", title, BASIC, pull_secret)
    for name in ("no-password", "empty-entry", "identity-token"):
        title, pull_secret = _FORMS[name]
        yield scene(f"form-token-{name}", f"{title}, private, by token", TOKEN, pull_secret)
        yield scene(f"form-public-{name}", f"{title}, public, by token", TOKEN, pull_secret, at="public")


def keys() -> Iterator[Scene]:
    """The keys of a secret."""
    for name, key in _KEYS.items():
        yield scene(f"key-{name}", f"filed under {key.replace('HOST', BASIC)}", BASIC, secret(key=key))
    yield scene("key-with-port", "filed under host and port", PORT, RIGHT)
    yield scene("key-without-port", "filed under the host alone", PORT, secret(key=PORT.partition(":")[0]))
    for name, key in {
        "v1-bare": "https://index.docker.io/v1",
        "docker-io": "docker.io",
        "index": "index.docker.io",
        "registry-1": "registry-1.docker.io",
        "star-io": "*.io",
        "star-docker-io": "*.docker.io",
        "library": "docker.io/private",
    }.items():
        yield scene(f"key-hub-{name}", f"filed under {key}", HUB, secret(key=key))
    both = PullSecret(entries={"docker.io": entry(password=WRONG), "https://index.docker.io/v1/": entry()})
    yield scene("key-hub-both", "docker.io wrong, index.docker.io right", HUB, both)


def orders() -> Iterator[Scene]:
    """Several secrets, and where they come from."""
    yield scene("order-wrong-right", "a wrong password, then the right one", BASIC, BAD, RIGHT)
    yield scene("order-right-wrong", "the right password, then a wrong one", BASIC, RIGHT, BAD)
    yield scene("order-three", "wrong, without access, right", BASIC, BAD, NO_ACCESS, RIGHT)
    yield scene("order-wrong-twice", "two wrong passwords", BASIC, BAD, secret(password="another"))
    yield scene("order-same-twice", "one secret named twice", BASIC, BAD, AGAIN)
    yield scene("order-token", "a wrong password, then the right one, by token", TOKEN, BAD, RIGHT)
    yield scene(
        "order-token-no-tag", "a missing tag, with two logins", TOKEN, RIGHT, NO_ACCESS, image="{host}/{repository}:2"
    )
    yield scene(
        "order-longer-first",
        "the longer key goes first: wrong",
        BASIC,
        RIGHT,
        secret(password=WRONG, key="HOST/private"),
    )
    wide = secret(password=WRONG, key="*.example.com")
    yield scene("order-wildcard-last", "a wildcard goes last", BASIC, wide, RIGHT)
    yield scene("order-empty-right", "an empty entry, then the right password", BASIC, EMPTY, RIGHT)
    yield scene("order-public-wrong-empty", "public: wrong, then an empty entry", TOKEN, BAD, EMPTY, at="public")
    yield scene("order-elsewhere", "a secret for another registry", BASIC, ELSEWHERE)
    yield scene("order-absent", "a secret that does not exist", BASIC, ABSENT)
    yield scene("order-absent-right", "one that does not exist, and the right one", BASIC, ABSENT, RIGHT)
    yield scene("order-right-broken", "the right one, and a broken one", BASIC, RIGHT, PullSecret(body=b'{"auths":1}'))
    yield scene("order-public-broken", "public, and a broken one", TOKEN, PullSecret(body=b'{"auths":1}'), at="public")
    yield scene(
        "order-open-broken", "an open registry, and a broken one", "open.example.com", PullSecret(body=b'{"auths":1}')
    )
    yield scene("order-no-name", "a secret without a name", BASIC, workload=_nameless)
    yield _by_account("account-pod", "the service account's secret, of a Pod", _account_pod)
    yield _by_account("account-deployment", "the service account's secret, of a Deployment", _account_deployment)
    yield _by_account("account-own", "a Pod's own wrong secret instead of its account's", _account_own)


def _nameless(draft: Draft) -> Manifest:
    return pod(draft, imagePullSecrets=[{}])


def _by_account(name: str, title: str, workload: Any) -> Scene:
    return scene(name, title, BASIC, RIGHT, BAD, workload=workload, account=(f"{name}-1",))


def _account_pod(draft: Draft) -> Manifest:
    return pod(draft, imagePullSecrets=[], serviceAccountName=draft.name)


def _account_deployment(draft: Draft) -> Manifest:
    return templated("Deployment", imagePullSecrets=[], serviceAccountName=draft.name)(draft)


def _account_own(draft: Draft) -> Manifest:
    return pod(draft, imagePullSecrets=[{"name": draft.secrets[1]}], serviceAccountName=draft.name)
