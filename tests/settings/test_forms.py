"""The forms of values: what is taken, what is refused."""

from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from webhook.settings import forms
from webhook.settings.forms import Address


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("500ms", 0.5),
        ("10s", 10.0),
        ("1h", 3600.0),
        ("1m30s", 90.0),
        ("1.5s", 1.5),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        ("250\N{GREEK SMALL LETTER MU}s", 0.00025),
        ("5ns", 5e-9),
        ("8760h", forms.MAX_DURATION_SECONDS),
    ],
)
def test_a_duration_becomes_seconds(text: str, seconds: float) -> None:
    assert forms.parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "value",
    ["", "10", "s", "-1s", "1 s", "1s ", "1d", "1e3s", "8761h", "9" * 50 + "h", "\u0661s", "0", 10, None, True],
)
def test_a_duration_without_a_unit_or_with_anything_else_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="a duration with a unit"):
        forms.parse_seconds(value)


@pytest.mark.parametrize(
    ("form", "value", "parsed"),
    [
        (forms.ListenAddress, "0.0.0.0:8443", Address("0.0.0.0", 8443)),
        (forms.ListenAddress, "localhost:0", Address("localhost", 0)),
        (forms.ListenAddress, "[::]:65535", Address("::", 65535)),
        (forms.AddressRange, "10.0.0.0/8", ip_network("10.0.0.0/8")),
        (forms.AddressRange, "192.0.2.1", ip_network("192.0.2.1/32")),
        (forms.AddressRange, "fd00::/8", ip_network("fd00::/8")),
        (forms.RegistryPattern, "*", "*"),
        (forms.RegistryPattern, "registry.example.com", "registry.example.com"),
        (forms.RegistryPattern, "*.example.com:5000/team/app", "*.example.com:5000/team/app"),
        (forms.RegistryPattern, "reg-*.example.com/", "reg-*.example.com/"),
        (forms.RegistryPattern, "[::1]:5000", "[::1]:5000"),
        (forms.RegistryHost, "auth.example.com:8443", "auth.example.com:8443"),
        (forms.Platform, "linux/arm/v7", "linux/arm/v7"),
        (forms.Platform, "linux/amd64", "linux/amd64"),
        (forms.AnnotationKey, "", ""),
        (forms.AnnotationKey, "pullcheck.dev/mode", "pullcheck.dev/mode"),
        (forms.AnnotationKey, "mode", "mode"),
        (forms.FieldPath, "spec.pod_template.spec", "spec.pod_template.spec"),
        (forms.NullablePath, None, None),
        (forms.NullablePath, "a", Path("a")),
        (forms.FilePath, "/etc/a", Path("/etc/a")),
    ],
)
def test_a_right_value_is_taken(form: Any, value: object, parsed: object) -> None:
    assert TypeAdapter(form).validate_python(value) == parsed


WRONG_ADDRESSES = (
    *("", ":8443", "8443", "host", "256.0.0.1:1", "1.2.3:1", "[::g]:1", "[1.2.3.4.5]:1", "::1:1", "a:65536"),
    *("a:-1", "a: 1", "a b:1", "a:1\n", 8443, None),
)
WRONG_PATTERNS = (
    *("", "https://a.io", "a.io:x", "a.io:123456", "a..io", ".a.io", "a.io/UPPER", "a.io/b:tag", "a.io/b@sha256"),
    *("a?.io", "[ab].io", "a.io/*", "a b", "a.io\n", 5),
)


@pytest.mark.parametrize(
    ("form", "values"),
    [
        (forms.ListenAddress, WRONG_ADDRESSES),
        (forms.AddressRange, ("", "10.0.0.1/8", "10.0.0.0/33", "fe80::1%eth0", "host", 10, True, None)),
        (forms.RegistryPattern, WRONG_PATTERNS),
        (forms.RegistryHost, ("*.a.io", "a.io/x", "", "a.io:", None)),
        (forms.Platform, ("linux", "linux/", "Linux/amd64", "a/b/c/d", "linux/amd64\n")),
        (forms.AnnotationKey, ("/mode", "a/", "a/b/c", "-a", "a b", None)),
        (forms.FieldPath, ("$.spec", "", "a..b", "metadata.spec", "spec.replicas.spec", 5)),
        (forms.FilePath, ("", None, 5, "a\0b")),
        (forms.NullablePath, (5, "a\0b", [])),
        (forms.NotYet, ("a", 5, [])),
        (forms.PositiveSeconds, ("0s", "0ms", 1)),
    ],
)
def test_a_wrong_value_is_refused(form: Any, values: tuple[object, ...]) -> None:
    for value in values:
        with pytest.raises(ValidationError):
            TypeAdapter(form).validate_python(value)


@pytest.mark.parametrize(("address", "text"), [(Address("::1", 80), "[::1]:80"), (Address("a", 0), "a:0")])
def test_an_address_prints_as_it_is_written(address: Address, text: str) -> None:
    assert str(address) == text
