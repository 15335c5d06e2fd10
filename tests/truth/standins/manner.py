"""How a registry asks for logins, and how it says no: what differs between brands, as values."""

from dataclasses import dataclass
from typing import Literal

RIGHT = "the-right-password"
WRONG = "a-wrong-password"
ACCOUNTS = {
    "alice": RIGHT,
    "bob": RIGHT,
    "AWS": RIGHT,
    "oauth2accesstoken": RIGHT,
    "colon": "pass:word",
    "umlaut": "pässwörd",
}
"""Username -> password, the same at every stand-in."""
WITHOUT_ACCESS = frozenset({"", "bob"})
"""Who may read nothing private: nobody in particular, and an account that is good for nothing else."""
BEARER = 'Bearer realm="{realm}",service="{service}",scope="repository:{repository}:pull"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """A brand's ways. What is public is read without a login, yet most want a token for it."""

    login: Literal["none", "basic", "token"] = "none"
    realm: str = ""
    """Of the token server; `{host}` stands for the registry's own name."""
    service: str = "registry"
    challenges: tuple[str, ...] = (BEARER,)
    is_public_open: bool = False
    """What is public needs no token at all (Quay)."""
    hides_absent: bool = False
    """A repository that is not there looks like one that is not for you."""
    post: int = 200
    """What a POST for a token is answered with; 200: it is understood."""
    rejected: int = 401
    """What the token server says to a wrong password."""
    anonymous: int = 200
    """What it says to nobody in particular about what is private; 200: a token that allows nothing."""
    denied: int = 200
    """What it says to an account without access; 200: the same."""
    fields: tuple[str, ...] = ("token", "access_token")
    """Where it writes the token."""
    forbidden: int = 401
    """What the registry says to an account without access."""
    second_challenge: str | None = None
    """What it asks for after a token that allows nothing, where that is something else (Harbor)."""
    absent_repository: str = "NAME_UNKNOWN"
    absent_tag: str = "MANIFEST_UNKNOWN"
    """The codes of its 404."""


def is_right(login: tuple[str, str]) -> bool:
    """Whether a username and its password belong together."""
    username, password = login
    return ACCOUNTS.get(username) == password


def is_public(repository: str) -> bool:
    """Whether everybody may read a repository: its name says it."""
    return not repository.startswith("private/")
