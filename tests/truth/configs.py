"""Random docker configs as JSON, and secrets that hold them: sound ones, and ones at the edges of Go's decoding.

One broken entry makes the kubelet give up, so that what breaks is rare here: most secrets must be read to be matched.
"""

import base64
from random import Random

from tests.truth.json_pieces import draw_space, draw_value, pick_bytes, quote
from tests.truth.keys import draw_key
from tests.truth.randomness import chance, count, pick, spoil, weighted

_DOCKER_CONFIG_JSON, _DOCKERCFG = "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"
_OTHER_TYPES = ("Opaque", "", "kubernetes.io/DockerConfigJson", "kubernetes.io/tls", "dockerconfigjson")
_TEXTS = ("", "u", "user", "pass", "a:b", "_json_key", "0000-" * 7, "é", "üüü", "\u0085", "~?>")
_LOGINS = (
    *b"u:p u:p1 user:pass u:a:b : u: :p u:~?>?~ u:p\xe4ss \xff\xfe:\x00 a:\xed\xa0\x80 u:\xe2\x82 u:\xc3\xbc".split(),
    *(b"u:\xf4\x90\x80\x80", b"u:\xc0\x80", b"oauth2accesstoken:" + b"t" * 70, b"\n:\r\n"),
)
_BYTES = (*b'" \\ { } [ ] : , \x00 \xff 0 a = \xc3 n - u'.split(), b" ", b"\n")


def draw_secret(random: Random, image: str) -> dict[str, object]:
    """Draw a pull secret as a case has it, its data in base64."""
    kind = weighted(random, ((0.6, _DOCKER_CONFIG_JSON), (0.32, _DOCKERCFG), (0.08, pick(random, _OTHER_TYPES))))
    has_auths = kind != _DOCKERCFG if not chance(random, 0.03) else kind == _DOCKERCFG
    data = {
        ".dockerconfigjson" if kind != _DOCKERCFG else ".dockercfg": draw_config(random, image, has_auths=has_auths)
    }
    if chance(random, 0.05):
        data[pick(random, (".dockercfg", ".dockerconfigjson", "config.json"))] = draw_config(random, image)
    if chance(random, 0.02):
        data = {pick(random, tuple(data)): b""}
    return {"type": kind, "data": {key: encode(body) for key, body in data.items()}}


def draw_config(random: Random, image: str, *, has_auths: bool = True) -> bytes:
    """Draw a docker config.

    Args:
        image: What the keys are for.
        has_auths: Whether the entries stand below `auths`.
    """
    if chance(random, 0.02):
        return draw_value(random)
    config = _draw_auths(random, image) if has_auths else _draw_entries(random, image)
    config = draw_space(random) + config + draw_space(random)
    while chance(random, 0.02):
        at = int(random.random() * len(config))
        config = config[:at] + pick_bytes(random, _BYTES) + config[at + int(random.random() * 3) :]
    return config


def encode(body: bytes) -> str:
    """Write bytes as a case has them."""
    return base64.b64encode(body).decode()


def _draw_auths(random: Random, image: str) -> bytes:
    members = [(_draw_name(random, "auths"), _draw_entries(random, image))]
    if chance(random, 0.05):
        members.append((_draw_name(random, "auths"), _draw_entries(random, image)))
    if chance(random, 0.04):
        members.append((_draw_name(random, "auths"), b"null" if chance(random, 0.7) else draw_value(random)))
    if chance(random, 0.06):
        members.append((_draw_name(random, "HttpHeaders"), _draw_headers(random)))
    if chance(random, 0.08):
        members.append((_draw_name(random, pick(random, ("credsStore", "auth", "", "x"))), draw_value(random)))
    return _draw_object(random, members)


def _draw_headers(random: Random) -> bytes:
    if chance(random, 0.1):
        return draw_value(random)
    values = [
        b"null" if chance(random, 0.1) else draw_value(random) if chance(random, 0.1) else b'"x"' for _ in range(2)
    ]
    return _draw_object(random, [(quote(random, "User-Agent"), value) for value in values])


def _draw_entries(random: Random, image: str) -> bytes:
    keys = [draw_key(random, image) for _ in range(1 + count(random, 5))]
    if chance(random, 0.1):
        keys.append(keys[0])
    if chance(random, 0.1):
        keys.append(f"https://{keys[0]}")
    return _draw_object(random, [(quote(random, key), _draw_entry(random)) for key in keys])


def _draw_entry(random: Random) -> bytes:
    if chance(random, 0.06):
        return b"null" if chance(random, 0.8) else draw_value(random)
    members = []
    if chance(random, 0.4):
        members.append((_draw_name(random, "username"), _draw_text(random)))
        members.append((_draw_name(random, "password"), _draw_text(random)))
    if chance(random, 0.7):
        members.append((_draw_name(random, "auth"), quote(random, _draw_auth(random))))
    if chance(random, 0.2):
        members.append((_draw_name(random, "email"), _draw_text(random)))
    while chance(random, 0.1):
        name = pick(random, ("username", "password", "auth", "email", "identitytoken", "registrytoken", "auths", ""))
        members.append((_draw_name(random, name), b"null" if chance(random, 0.8) else draw_value(random)))
    return _draw_object(random, members)


def _draw_text(random: Random) -> bytes:
    return quote(random, pick(random, _TEXTS)) if not chance(random, 0.01) else draw_value(random)


def _draw_auth(random: Random) -> str:
    """Draw the base64 of a login; about one in fifteen cannot be decoded."""
    login = pick_bytes(random, _LOGINS)
    if chance(random, 0.01):
        login = login.replace(b":", b"")
    auth = encode(login)
    if chance(random, 0.3):
        auth = auth.rstrip("=")
    while chance(random, 0.12):
        at = int(random.random() * (len(auth) + 1))
        auth = auth[:at] + pick(random, ("\n", "\r", "\r\n", "\n\n")) + auth[at:]
    if chance(random, 0.03):
        auth = auth.replace("A", "B").replace("Q=", "R=").replace("w=", "x=")
    if chance(random, 0.03):
        auth += pick(
            random,
            ("=", "==", " ", "\t", "\u0085", "\u2003", "\ufeff", "\x1c", "= ", "=\u2003", "=\x1c", "\n=", "A", "AA"),
        )
    return spoil(random, auth) if chance(random, 0.02) else auth


def _draw_name(random: Random, name: str) -> bytes:
    """Draw a spelling of a name; most mean the same to Go."""
    if chance(random, 0.15):
        name = pick(
            random,
            (name.upper(), name.title(), name.swapcase(), name.replace("s", "\u017f"), name.replace("S", "\u017f")),
        )
    if chance(random, 0.02):
        name = spoil(random, name)
    return quote(random, name)


def _draw_object(random: Random, members: list[tuple[bytes, bytes]]) -> bytes:
    if chance(random, 0.3):
        random.shuffle(members)
    space = draw_space(random)
    return b"{" + (space + b",").join(name + b":" + space + value for name, value in members) + space + b"}"
