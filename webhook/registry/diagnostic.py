"""What a registry's error body says, bounded, and whether a registry wrote it at all."""

import json
import re
from dataclasses import dataclass

from webhook.images.reference import Reference
from webhook.registry.exchange import Answer

_FIREWALL = re.compile(r"firewall|\bip address\b|client with ip\b|\b\d{1,3}(?:\.\d{1,3}){3}\b", re.IGNORECASE)
_EXPIRED = re.compile(r"\bexpired\b", re.IGNORECASE)
_ABSENT_REPOSITORY = ("NAME_UNKNOWN",)
_ABSENT_TAG = ("TAG_EXPIRED",)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """The first error of a body in the registry's form (distribution-spec "Error Codes")."""

    code: str = ""
    """In capitals; empty when the body is not a registry's."""
    message: str = ""
    """The registry's own words, for matching only: they are a stranger's and are never shown."""
    is_web_page: bool = False

    @property
    def is_registry(self) -> bool:
        """Whether the body has the form that registries give their errors."""
        return bool(self.code)

    @property
    def misses_repository(self) -> bool:
        """Whether the code says that it is the repository that is missing."""
        return self.code in _ABSENT_REPOSITORY

    @property
    def misses_tag(self) -> bool:
        """Whether the code says that it is the tag that is missing (Quay's expired tags)."""
        return self.code in _ABSENT_TAG

    @property
    def says_expired(self) -> bool:
        """Whether the login has expired (ECR: 403 DENIED "Your authorization token has expired")."""
        return bool(_EXPIRED.search(self.message))

    def names_firewall(self, reference: Reference) -> bool:
        """Whether the refusal is about the asker's address, which nodes need not share (ACR's firewall rules).

        Args:
            reference: Its own text is not looked at: a tag such as `1.2.3.4` is no address.
        """
        words = self.message
        for part in (reference.repository, reference.path, reference.tag, reference.registry):
            words = words.replace(part, " ") if part else words
        return bool(_FIREWALL.search(words))


def read(answer: Answer) -> Diagnostic:
    """Read an error body of at most 64 KiB; what is not a registry's gives an empty code, never a fault."""
    is_web_page = "html" in answer.header("content-type").lower() or answer.body.lstrip()[:1] == b"<"
    error = _first_error(_load(answer.body))
    code = error.get("code")
    if not isinstance(code, str) or not code:
        return Diagnostic(is_web_page=is_web_page)
    message = f"{error.get('message') or ''} {error.get('detail') or ''}"
    return Diagnostic(code.upper(), message, is_web_page)


def _load(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _first_error(document: object) -> dict[str, object]:
    """The first of the list; zot's 401 is a bare error instead of a list (pkg/api/authn.go authFail)."""
    if not isinstance(document, dict):
        return {}
    errors = document.get("errors", document)
    first = errors[0] if isinstance(errors, list) and errors else errors
    return first if isinstance(first, dict) else {}
