"""Pull secrets as they come, sound and odd, and what the kubelet makes of each: some are denials, by name."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tests.fakes.apiserver import Manifest
from tests.faults.apiserver import secret
from tests.faults.cases import DOMAIN
from tests.faults.registry import PASSWORD, USERNAME

HOST = f"*.{DOMAIN}"
_KEY = ".dockerconfigjson"
_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Odd:
    """A pull secret, and what must come of an image that needs it."""

    document: Manifest | None
    decision: Literal["allow", "warn", "deny"]
    words: str = ""


def _encoded(content: str | bytes) -> str:
    return base64.b64encode(content if isinstance(content, bytes) else content.encode()).decode()


def holding(content: object) -> Manifest:
    """A secret of the ordinary type whose config is this text, or this document as JSON."""
    text = content if isinstance(content, str) else json.dumps(content)
    return secret("any", data={_KEY: _encoded(text)})


_AUTH = _encoded(f"{USERNAME}:{PASSWORD}")
_NOTHING = "the kubelet then pulls nothing for this pod"
ODD: Mapping[str, Odd] = {
    "secret-sound": Odd(secret("any"), "allow"),
    "secret-with-a-mebibyte-more": Odd(
        secret("any", data={**secret("any")["data"], "other": _encoded("x" * _MEBIBYTE)}), "allow"
    ),
    "secret-in-other-case": Odd(holding({"AUTHS": {HOST: {"Auth": _AUTH}}}), "allow"),
    "secret-with-plain-fields": Odd(holding({"auths": {HOST: {"username": USERNAME, "password": PASSWORD}}}), "allow"),
    "secret-with-a-scheme": Odd(holding({"auths": {f"https://{HOST}/v1/": {"auth": _AUTH}}}), "allow"),
    "secret-of-the-old-type": Odd(
        secret(
            "any",
            type="kubernetes.io/dockercfg",
            data={".dockercfg": _encoded(json.dumps({HOST: {"auth": _AUTH}}))},
        ),
        "allow",
    ),
    "secret-absent": Odd(None, "warn", "does not exist"),
    "secret-undecodable": Odd(secret("any", data={_KEY: "!"}), "warn", "could not be read"),
    "secret-of-another-type": Odd(secret("any", type="Opaque"), "deny", "the kubelet does not read"),
    "secret-without-logins": Odd(holding({"auths": None}), "deny", "holds no login"),
    "secret-for-another-host": Odd(holding({"auths": {"other.example.com": {"auth": _AUTH}}}), "deny", "is for"),
    "secret-no-json": Odd(holding("not json"), "deny", _NOTHING),
    "secret-with-a-list": Odd(holding({"auths": []}), "deny", _NOTHING),
    "secret-auth-no-base64": Odd(holding({"auths": {HOST: {"auth": "%%%"}}}), "deny", _NOTHING),
    "secret-auth-without-colon": Odd(holding({"auths": {HOST: {"auth": _encoded("user")}}}), "deny", _NOTHING),
    "secret-rejected": Odd(holding({"auths": {HOST: {"auth": _encoded("team:wrong")}}}), "deny", "rejected"),
}
