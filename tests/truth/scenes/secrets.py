"""Pull secrets, in every form that people write them, as manifests."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.truth.standins.manner import ACCOUNTS, WRONG

JSON, LEGACY, OPAQUE = "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg", "Opaque"
KEYS = {JSON: ".dockerconfigjson", LEGACY: ".dockercfg", OPAQUE: ".dockerconfigjson"}

Manifest = dict[str, Any]
Entry = object
"""What stands under a registry's name; a map, if it is any good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullSecret:
    """One pull secret, which a scene names in its pod."""

    entries: Mapping[str, Entry] = field(default_factory=dict)
    """By registry; `HOST` stands for the scene's own."""
    type: str = JSON
    body: bytes | None = None
    """The whole file instead."""
    exists: bool = True
    is_same_as_first: bool = False
    """Whether the pod names the first secret again."""

    def manifest(self, name: str, host: str) -> Manifest:
        """The object."""
        data = {KEYS[self.type]: base64.b64encode(self._file(host)).decode()}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": self.type, "data": data}

    def _file(self, host: str) -> bytes:
        if self.body is not None:
            return self.body.replace(b"HOST", host.encode())
        entries = {key.replace("HOST", host): entry for key, entry in self.entries.items()}
        return json.dumps(entries if self.type == LEGACY else {"auths": entries}).encode()


def entry(user: str = "alice", password: str | None = None) -> dict[str, str]:
    """Username and password, the right one unless it is given."""
    return {"username": user, "password": ACCOUNTS[user] if password is None else password}


def auth(user: str = "alice", password: str | None = None) -> str:
    """The same in one word of base64."""
    login = entry(user, password)
    return base64.b64encode(f"{login['username']}:{login['password']}".encode()).decode()


def secret(user: str = "alice", password: str | None = None, *, key: str = "HOST", **more: object) -> PullSecret:
    """The usual secret: a username and a password for one registry."""
    return PullSecret(entries={key: {**entry(user, password), **more}})


RIGHT = secret()
BAD = secret(password=WRONG)
NO_ACCESS = secret("bob")
ABSENT = PullSecret(exists=False)
AGAIN = PullSecret(is_same_as_first=True)
ELSEWHERE = secret(key="registry.elsewhere.org")
EMPTY = PullSecret(entries={"HOST": {}})
