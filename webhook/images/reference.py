"""The image reference grammar and its Docker Hub defaults, as the kubelet has them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """A parsed image reference, normalised as the kubelet does (pkg/util/parsers, distribution/reference)."""

    repository: str
    """With its registry: `docker.io/library/nginx`."""
    tag: str = ""
    """Empty when only a digest is given."""
    digest: str = ""

    @property
    def registry(self) -> str:
        """The registry as the reference names it: `docker.io`, `reg.example.com:5000`."""
        return self.repository.partition("/")[0]

    @property
    def path(self) -> str:
        """The repository's name at its registry: `library/nginx`."""
        return self.repository.partition("/")[2]

    @property
    def wanted(self) -> str:
        """What the runtime asks for: the digest alone when there is one, else the tag (reference.ParseDockerRef)."""
        return self.digest or self.tag

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.repository}{tag}{digest}"


@dataclass(frozen=True, slots=True)
class InvalidReference:
    """What the kubelet could not parse, and its own words for why."""

    reason: str
