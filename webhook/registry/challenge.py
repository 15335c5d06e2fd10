"""Login challenges, read twice: as the node reads them, which decides, and as they were meant, which explains.

A client that understands more than the node says yes to what cannot be pulled, so the road to Resolved follows
`read_as_node` (containerd core/remotes/docker/auth/parse.go). `understand` reads RFC 9110 section 11.6.1 with the
tolerance that real registries need; where it finds a login that the node misses, a refusal is no proof.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from webhook.registry.exchange import Answer

MAX_LINE_CHARACTERS = 8 * 1024
"""A longer header line is not read: no registry sends one, and reading must stay cheap."""

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]*")
_TOKEN68 = re.compile(r"[0-9A-Za-z\-._~+/]+=*(?=[ \t]*(?:,|$))")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
_BARE_VALUE = re.compile(r"[^ \t,]*")
_BLANK = re.compile(r"[ \t]*")
_SEPARATORS = re.compile(r"[ \t,]*")
_ESCAPED = re.compile(r"\\(.)")
_NODE_PREFERENCE = ("bearer", "digest", "basic")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One scheme with its parameters; scheme and names in lower case."""

    scheme: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TokenLogin:
    """Fetch a token at the realm, then come back with it."""

    realm: str
    service: str = ""
    scopes: tuple[str, ...] | None = None
    """The challenge's own, split at spaces; None when it names none."""


@dataclass(frozen=True, slots=True)
class PasswordLogin:
    """Come back with the username and password themselves."""


@dataclass(frozen=True, slots=True)
class UnreadableLogin:
    """The node gives up: a Bearer challenge without a realm that it can call."""


@dataclass(frozen=True, slots=True)
class NoLogin:
    """No challenge of a kind that nodes answer (none at all, or Digest or Negotiate alone)."""


Login = TokenLogin | PasswordLogin | UnreadableLogin | NoLogin


def find_login(answer: Answer) -> Login:
    """Choose the login that the node would try after this 401: Bearer before Basic, the first line of a kind.

    Args:
        answer: The 401, with its `WWW-Authenticate` lines in order.
    """
    challenges = read_as_node(answer.all_headers("www-authenticate"))
    for challenge in challenges:
        if challenge.scheme == "bearer":
            return _token_login(challenge)
        if challenge.scheme == "basic":
            return PasswordLogin()
    return NoLogin()


def is_misread(answer: Answer) -> bool:
    """Whether the registry offers a token login that the node does not read as it was meant."""
    lines = answer.all_headers("www-authenticate")
    meant = {challenge.parameters.get("realm", "") for challenge in understand(lines) if challenge.scheme == "bearer"}
    found = find_login(answer)
    realm = found.realm if isinstance(found, TokenLogin) else ""
    return bool(meant - {""}) and realm not in meant


def wants_new_token(answer: Answer) -> bool:
    """Whether this 401 says that the token is stale or broken, not that access is denied (RFC 6750 section 3.1).

    `insufficient_scope` after a fresh token is the registry's no. One new token is worth one more try, never two.
    """
    errors = (challenge.parameters.get("error") for challenge in read_as_node(answer.all_headers("www-authenticate")))
    return "invalid_token" in errors


def read_as_node(lines: Iterable[str]) -> list[Challenge]:
    """Read `WWW-Authenticate` lines as containerd does: one scheme a line, Bearer before Digest before Basic.

    Of a line it reads up to the first thing that it does not expect: a second scheme, a space before `=`, an
    unterminated quote. A repeated parameter: the last wins. Other schemes are passed over.
    """
    challenges = [challenge for line in lines if (challenge := _read_line_as_node(line)) is not None]
    return sorted(challenges, key=lambda challenge: _NODE_PREFERENCE.index(challenge.scheme))


def understand(lines: Iterable[str]) -> list[Challenge]:
    """Read `WWW-Authenticate` lines as they were meant: every challenge of every line, in order.

    Tolerates what registries send: spaces around `=`, unquoted URLs, stray commas, parameters separated by spaces,
    empty values, token68 credentials. A repeated parameter: the first wins. After an unterminated quote the rest of
    the line is lost.
    """
    return [challenge for line in lines for challenge in _understand_line(line[:MAX_LINE_CHARACTERS])]


def _token_login(challenge: Challenge) -> TokenLogin | UnreadableLogin:
    realm = challenge.parameters.get("realm", "")
    if not _is_callable(realm):
        return UnreadableLogin()
    scope = challenge.parameters.get("scope")
    scopes = None if scope is None else tuple(scope.split(" "))
    return TokenLogin(realm, challenge.parameters.get("service", ""), scopes)


def _is_callable(realm: str) -> bool:
    """Whether Go's http client could send a request there: an absolute http or https URL with a host."""
    try:
        parts = urlsplit(realm)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _read_line_as_node(line: str) -> Challenge | None:
    if len(line) > MAX_LINE_CHARACTERS:
        return None
    scheme, position = _match(_TOKEN, line, 0)
    if scheme.lower() not in _NODE_PREFERENCE:
        return None
    return Challenge(scheme.lower(), dict(_node_parameters(line, _skip(_BLANK, line, position))))


def _node_parameters(line: str, position: int) -> Iterator[tuple[str, str]]:
    while True:
        name, position = _match(_TOKEN, line, _skip(_BLANK, line, position))
        if not name or not line.startswith("=", position):
            return
        value, position = _node_value(line, position + 1)
        yield name.lower(), value
        position = _skip(_BLANK, line, position)
        if not line.startswith(",", position):
            return
        position += 1


def _node_value(line: str, position: int) -> tuple[str, int]:
    if not line.startswith('"', position):
        return _match(_TOKEN, line, position)
    quoted = _QUOTED.match(line, position)
    if quoted is None:
        return "", len(line)
    return _ESCAPED.sub(r"\1", quoted[1]), quoted.end()


def _understand_line(line: str) -> Iterator[Challenge]:
    current: Challenge | None = None
    position = _skip(_SEPARATORS, line, 0)
    while position < len(line):
        word, position = _match(_TOKEN, line, position)
        after_blank = _skip(_BLANK, line, position)
        if word and current is not None and line.startswith("=", after_blank):
            value, position = _meant_value(line, _skip(_BLANK, line, after_blank + 1))
            if value is None:
                break
            current.parameters.setdefault(word.lower(), value)
        elif word:
            if current is not None:
                yield current
            current = Challenge(word.lower())
            position = _skip(_TOKEN68, line, after_blank)
        else:
            position += 1
        position = _skip(_SEPARATORS, line, position)
    if current is not None:
        yield current


def _meant_value(line: str, position: int) -> tuple[str | None, int]:
    if not line.startswith('"', position):
        return _match(_BARE_VALUE, line, position)
    quoted = _QUOTED.match(line, position)
    if quoted is None:
        return None, len(line)
    return _ESCAPED.sub(r"\1", quoted[1]), quoted.end()


def _match(pattern: re.Pattern[str], line: str, position: int) -> tuple[str, int]:
    found = pattern.match(line, position)
    return (found[0], found.end()) if found else ("", position)


def _skip(pattern: re.Pattern[str], line: str, position: int) -> int:
    return _match(pattern, line, position)[1]
