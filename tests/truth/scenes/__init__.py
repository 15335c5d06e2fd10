"""The table of scenes, by group.

    scene.py         what a scene is
    secrets.py       pull secrets in every form
    access.py        registry, credentials, what is there
    credentials.py   forms, keys and order of pull secrets
    references.py    forms of references
    challenges.py    challenges, and the realms that they name
    tokens.py        token servers, and what their tokens are worth
    sayings.py       what only one brand says
    answers.py       statuses and headers
    contents.py      what there is, redirects, connections that go wrong
    connections.py   hosts that cannot be reached or trusted
    mirrors.py       hosts.toml
    places.py        kinds of workload, places of images, pull policies
    presence.py      images that the node has already
    reasons.py       why something cannot be known

`python -m tests.truth.scenes NAME` prints a scene as it is applied.
"""

import dataclasses
from collections.abc import Callable, Iterable

from tests.truth.scenes import (
    access,
    answers,
    challenges,
    connections,
    contents,
    credentials,
    mirrors,
    places,
    presence,
    references,
    sayings,
    tokens,
)
from tests.truth.scenes.scene import Scene

_GROUPS: dict[str, Callable[[], Iterable[Scene]]] = {
    "Registries and logins": access.scenes,
    "What single brands say": sayings.scenes,
    "Forms of a pull secret": credentials.forms,
    "Keys of a pull secret": credentials.keys,
    "Several secrets, and where they come from": credentials.orders,
    "Forms of a reference": references.scenes,
    "Challenges": challenges.challenges,
    "Token servers elsewhere": challenges.realms,
    "What token servers answer": tokens.scenes,
    "Statuses": answers.statuses,
    "Headers": answers.headers,
    "Contents": contents.contents,
    "Redirects": contents.redirects,
    "Slow and broken": contents.troubles,
    "Connections": connections.scenes,
    "Mirrors": mirrors.scenes,
    "Kinds, places, policies": places.scenes,
    "Images that the node has": presence.scenes,
}


def table() -> tuple[Scene, ...]:
    """Every scene, in the report's order."""
    return tuple(dataclasses.replace(scene, group=group) for group, scenes in _GROUPS.items() for scene in scenes())
