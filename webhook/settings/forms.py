"""The forms that a setting's value can have: durations, addresses, networks, patterns of registries."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from webhook.admission.deadline import parse_duration
from webhook.admission.workload import CustomKind

Choice = Literal["allow", "warn", "deny"]
"""What the policy table may say of a resolution, or leave of a denial."""

MAX_DURATION_SECONDS = 365 * 24 * 3600.0
"""Longer than anything here is awaited or remembered, and within what timers take."""
_ZERO = re.compile(r"(?:0+(?:ns|us|ms|s|m|h))+", re.ASCII)
_PORT = r"[0-9]{1,5}"
_HOST = r"(?:[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[0-9A-Fa-f:.]+\])"
_PATTERN_HOST = r"(?:[A-Za-z0-9_*-]+(?:\.[A-Za-z0-9_*-]+)*|\[[0-9A-Fa-f:.]+\])"
_REGISTRY_PATTERN = re.compile(rf"{_PATTERN_HOST}(?::{_PORT})?(?:/[a-z0-9._/-]*)?", re.ASCII)
_REGISTRY_HOST = re.compile(rf"{_HOST}(?::{_PORT})?", re.ASCII)
_ADDRESS = re.compile(rf"({_HOST}):({_PORT})", re.ASCII)
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9]+)?", re.ASCII)
_DNS_NAME = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
_GROUP = re.compile(_DNS_NAME, re.ASCII)
_ANNOTATION = re.compile(rf"(?:{_DNS_NAME}/)?[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?", re.ASCII)
"""A qualified name, as the API server takes annotation keys (IsQualifiedName)."""
_KIND = re.compile(r"[A-Z][A-Za-z0-9]*", re.ASCII)
MAX_PORT = 65535
_NOTHING = (None, "", "null")
"""How the environment, which has no null, says that there is nothing."""


def fault(form: str) -> PydanticCustomError:
    """Say what would be right, without the word "expected"."""
    return PydanticCustomError("expected", "expected {form}", {"form": form})


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    """A name or an address; IPv6 without its brackets."""
    port: int
    """0 lets the system choose."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_seconds(text: object) -> float:
    """Read a duration with units as Go writes them, `1m30s`, into seconds; `0s` is allowed."""
    text = text if isinstance(text, str) else ""
    seconds = 0.0 if _ZERO.fullmatch(text) else parse_duration(text)
    if seconds is None or seconds > MAX_DURATION_SECONDS:
        raise fault("a duration with a unit, such as 500ms, 10s or 1m30s")
    return seconds


def _parse_positive_seconds(text: object) -> float:
    if seconds := parse_seconds(text):
        return seconds
    raise fault("a duration above zero, such as 500ms or 10s")


def _parse_address(text: object) -> Address:
    match = _ADDRESS.fullmatch(text) if isinstance(text, str) else None
    if match is None or int(match[2]) > MAX_PORT or not _is_address_or_name(match[1]):
        raise fault("host:port, such as 0.0.0.0:8443 or [::]:8443")
    return Address(match[1].strip("[]"), int(match[2]))


def _is_address_or_name(host: str) -> bool:
    """Take for a name what does not look like an address, and for an address only what is one."""
    if not host.startswith("[") and not re.fullmatch(r"[0-9.]+", host):
        return True
    try:
        return bool(ip_address(host.strip("[]")))
    except ValueError:
        return False


def _parse_range(text: object) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text if isinstance(text, str) and "%" not in text else "")
    except ValueError:
        raise fault("a network such as 10.0.0.0/8, without host bits") from None


def _parse_nullable_path(text: object) -> Path | None:
    return None if text in _NOTHING else _parse_path(text)


def _parse_path(text: object) -> Path:
    # A line break means that somebody pasted a file's content, a key's perhaps, which no later message may repeat.
    if isinstance(text, str) and text.isprintable() and text and not text.startswith("-----BEGIN"):
        return Path(text)
    raise fault("a path")


def _parse_field_path(text: object) -> str:
    """Read the path of a pod spec, by the rule of those who will follow it."""
    try:
        return CustomKind("", "", text if isinstance(text, str) else "").pod_spec
    except ValueError:
        raise fault("a path, such as spec.template.spec") from None


def _text(pattern: re.Pattern[str], form: str, *, also: frozenset[str] = frozenset()) -> Callable[[object], str]:
    """Make a validator of texts that the whole pattern matches."""

    def parse(text: object) -> str:
        if isinstance(text, str) and (text in also or pattern.fullmatch(text)):
            return text
        raise fault(form)

    return parse


def _not_yet(allowed: str | None, later: str) -> Callable[[object], str | None]:
    """Make a validator that takes one value and says of every other that this version does not do it."""

    def parse(value: object) -> str | None:
        if value == allowed or (allowed is None and value in _NOTHING):
            return allowed
        raise fault(f"{allowed or 'null'} ({later}: not in this version)")

    return parse


Seconds = Annotated[float, BeforeValidator(parse_seconds)]
PositiveSeconds = Annotated[float, BeforeValidator(_parse_positive_seconds)]
ListenAddress = Annotated[Address, BeforeValidator(_parse_address)]
AddressRange = Annotated[IPv4Network | IPv6Network, BeforeValidator(_parse_range)]
FilePath = Annotated[Path, BeforeValidator(_parse_path)]
NullablePath = Annotated[Path | None, BeforeValidator(_parse_nullable_path)]
RegistryPattern = Annotated[
    str, BeforeValidator(_text(_REGISTRY_PATTERN, "a registry pattern, host[:port][/prefix], without scheme or tag"))
]
RegistryHost = Annotated[str, BeforeValidator(_text(_REGISTRY_HOST, "host[:port]"))]
Platform = Annotated[str, BeforeValidator(_text(_PLATFORM, "os/architecture, such as linux/amd64"))]
APIGroup = Annotated[str, BeforeValidator(_text(_GROUP, "an API group, such as argoproj.io"))]
Kind = Annotated[str, BeforeValidator(_text(_KIND, "a kind, such as Rollout"))]
FieldPath = Annotated[str, BeforeValidator(_parse_field_path)]
AnnotationKey = Annotated[
    str,
    BeforeValidator(_text(_ANNOTATION, 'an annotation key, such as pullcheck.dev/mode, or ""', also=frozenset({""}))),
]
Text = Annotated[str, BeforeValidator(_text(re.compile(r".+", re.DOTALL), "a text that is not empty"))]
OnlyFiles = Annotated[str, BeforeValidator(_not_yet("files", "managed certificates"))]
OnlyContainerd = Annotated[str, BeforeValidator(_not_yet("containerd", "other runtimes"))]
NotYet = Annotated[str | None, BeforeValidator(_not_yet(None, "credential provider plugins"))]
