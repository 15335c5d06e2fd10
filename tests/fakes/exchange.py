"""What a fake server is asked, what it answers, and what goes wrong in between."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qs, unquote_to_bytes, urlsplit

_BASE64_WORD = re.compile(rb"[A-Za-z0-9+/_-]{8,}")


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came in; its repr shows no header and no body, since passwords travel in them."""

    method: str
    target: str
    port: int
    is_secure: bool
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def form(self) -> dict[str, list[str]]:
        return parse_qs(self.body.decode("latin-1"), keep_blank_values=True) if self.method == "POST" else {}

    @property
    def host(self) -> str:
        return self.header("Host")

    def header(self, name: str) -> str:
        """The values of a header, joined as HTTP joins them; empty when there is none."""
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())

    @property
    def authorization_kind(self) -> Literal["none", "basic", "bearer", "other"]:
        scheme = self.header("Authorization").partition(" ")[0].lower()
        if not scheme:
            return "none"
        return "basic" if scheme == "basic" else "bearer" if scheme == "bearer" else "other"

    @property
    def login(self) -> tuple[str, str] | None:
        """Username and password of a Basic header, or of a token server's form."""
        if self.authorization_kind == "basic":
            return _basic_login(self.header("Authorization").partition(" ")[2])
        if "username" in self.form:
            return self.form["username"][0], self.form.get("password", [""])[0]
        return None

    @property
    def user(self) -> str:
        return self.login[0] if self.login else ""

    @property
    def bearer(self) -> str:
        return self.header("Authorization").partition(" ")[2] if self.authorization_kind == "bearer" else ""

    def carries(self, secret: str) -> bool:
        """Whether a secret stands anywhere in the request: plain, URL-encoded, or within base64 of any alignment."""
        lines = "".join(f"{name}: {value}\n" for name, value in self.headers)
        raw = f"{self.method} {self.target}\n{lines}".encode("latin-1") + self.body
        texts = [raw, unquote_to_bytes(raw), unquote_to_bytes(raw.replace(b"+", b" "))]
        words = {word for text in texts for word in _BASE64_WORD.findall(text)}
        return any(secret.encode() in text for text in (*texts, *map(_decoded, words)))


def _basic_login(encoded: str) -> tuple[str, str] | None:
    try:
        username, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return (username, password) if colon else None


def _decoded(word: bytes) -> bytes:
    whole = word.translate(bytes.maketrans(b"-_", b"+/"))
    # One letter more than a multiple of four holds no whole byte.
    return base64.b64decode(whole[:-1] + b"==" if len(whole) % 4 == 1 else whole + b"==")


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; Content-Length and Date are added by the listener, the former unless the headers say how it ends."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @staticmethod
    def of_json(status: int, document: object, *headers: tuple[str, str]) -> "Response":
        """A JSON answer in the form of distribution's: compact, with a newline at its end."""
        body = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
        return Response(status, (("Content-Type", "application/json; charset=utf-8"), *headers), body)

    @staticmethod
    def of_error(status: int, code: str, message: str, detail: object, *headers: tuple[str, str]) -> "Response":
        """A registry's error document."""
        error: Mapping[str, object] = {"code": code, "message": message, "detail": detail}
        return Response.of_json(status, {"errors": [error]}, *headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with the requests that match; the honest answer stands where `response` is None."""

    path: str = ""
    """A regular expression; the request's path matches it from its start."""
    method: str = ""
    """Empty: every method."""
    is_for: Callable[["Request"], bool] = lambda _: True
    """What else is asked of a request."""
    response: Response | None = None
    delay_seconds: float = 0
    """Before the first byte of the answer."""
    drip_seconds: float = 0
    """Between any two bytes of the answer."""
    is_dropped: bool = False
    """The connection is closed without an answer."""
    is_held: Callable[[], bool] = lambda: False
    """The answer waits as long as this says so."""

    def concerns(self, request: Request) -> bool:
        is_at_path = re.match(self.path, request.path) is not None
        return is_at_path and self.method in ("", request.method) and self.is_for(request)
