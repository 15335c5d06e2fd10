"""Makes what verdicts are made of."""

import base64
import json
from collections.abc import Mapping

from webhook.images.reference import Reference, parse
from webhook.images.uses import ImageUse, Place
from webhook.keychain.pullsecrets import (
    AbsentSecret,
    Keychain,
    PullSecret,
    SecretState,
    ServiceAccountState,
    assemble,
)

IMAGE = "registry.example.com/team/my-app:2.0"
PASSWORD = "correct-horse"


def use(
    image: str = IMAGE, *, policy: str = "IfNotPresent", place: Place = Place.CONTAINER, name: str = "app"
) -> ImageUse:
    return ImageUse(field="spec.containers[0].image", container=name, image=image, pull_policy=policy, place=place)


def reference(image: str = IMAGE) -> Reference:
    parsed = parse(image)
    assert isinstance(parsed, Reference)
    return parsed


def secret(name: str = "regcred", *hosts: str, auths: Mapping[str, object] | None = None) -> PullSecret:
    login = {"auth": base64.b64encode(f"user:{PASSWORD}".encode()).decode()}
    body = {"auths": auths if auths is not None else dict.fromkeys(hosts or ("registry.example.com",), login)}
    return PullSecret(name, "kubernetes.io/dockerconfigjson", {".dockerconfigjson": json.dumps(body).encode()})


def keychain(*states: SecretState | str, account: ServiceAccountState | None = None) -> Keychain:
    """A keychain of secrets; a name alone is an absent one."""
    return assemble([AbsentSecret(state) if isinstance(state, str) else state for state in states], None, account)
