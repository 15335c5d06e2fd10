"""What a request asks of a registry or of its token server."""

import re
from dataclasses import dataclass
from typing import Literal

from tests.fakes.exchange import Request

Role = Literal["manifest", "blob", "token", "version", "other"]

# Every repository of the scenes begins with one of these words, so that it is found behind any mirror's path.
_CONTENT = re.compile(
    r"/(?P<repository>(?:public|private|library)/[a-z0-9/._-]+)/(?P<kind>manifests|blobs)/(?P<wanted>[^/]+)"
)
_SCOPE = re.compile(r"repository:(?P<repository>(?:public|private|library)/[^:]+):pull")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, understood."""

    request: Request
    role: Role
    repository: str = ""
    wanted: str = ""
    """A tag or a digest."""
    turn: int = 0
    """How many tenants of the webhook asked about it before the one that does now; of the node always 0."""

    @property
    def is_node(self) -> bool:
        """Whether containerd asks; the other who asks is the webhook."""
        return self.request.header("User-Agent").startswith("containerd/")


def understand(request: Request) -> Asked:
    """Find out what a request is about."""
    if found := _CONTENT.search(request.path):
        role: Role = "manifest" if found["kind"] == "manifests" else "blob"
        return Asked(request, role, found["repository"], found["wanted"])
    scopes = " ".join(request.query.get("scope", []) + request.form.get("scope", []))
    if scopes:
        named = _SCOPE.search(scopes)
        return Asked(request, "token", named["repository"] if named else "")
    return Asked(request, "version" if request.path == "/v2/" else "other")
