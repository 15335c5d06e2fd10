"""URLs as Go's net/url reads them, as far as the kubelet's keyring looks: the host and the decoded path.

Python's own parser is far more tolerant, and what the kubelet drops must be dropped. The rules are those of Go 1.26
(net/url/url.go parse, parseAuthority, parseHost, unescape) for http and https, where the host holds one colon at most.
Texts are bytes, as in Go: a percent escape may make bytes that are no UTF-8.
"""

import ipaddress
import re
from dataclasses import dataclass

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_USERINFO = re.compile(rb"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*+")
_PORT = re.compile(rb"(?::[0-9]*+)?")
_ESCAPED = re.compile(rb"(?:[^%]|%[0-9A-Fa-f]{2})*+", re.DOTALL)
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")
_NAME_CHARACTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!$&'()*+,;=:[]<>\"-_.~"
_NAME_BYTE = rb"[" + re.escape(_NAME_CHARACTERS) + rb"\x80-\xff]"
_ESCAPED_NAME = re.compile(rb"(?:" + _NAME_BYTE + rb"|%25|%[89A-Fa-f][0-9A-Fa-f])*+")
"""Of a host, only the percent sign and bytes beyond ASCII may be escaped."""
_ZONE_ESCAPES = b"|".join(b"%%%02x" % byte for byte in _NAME_CHARACTERS + b"% ")
_ESCAPED_ZONE = re.compile(rb"(?:" + _NAME_BYTE + rb"|(?i:" + _ZONE_ESCAPES + rb"))*+")
"""Of an IPv6 zone, what may stand unescaped may be escaped, and the percent sign, and the space (Windows has them)."""


@dataclass(frozen=True, slots=True)
class URL:
    """What the keyring reads of a URL; query, fragment and userinfo are checked and dropped."""

    host: bytes
    """With its port and, of IPv6, its brackets; its case is kept, its percent escapes are decoded."""
    path: bytes
    """With its percent escapes decoded, otherwise as written."""


def parse(text: bytes) -> URL | None:
    """Read a URL that begins with `https://` or `http://`; None when Go's url.Parse gives an error."""
    whole, _, fragment = text.partition(b"#")
    if _CONTROL.search(whole) or not _ESCAPED.fullmatch(fragment):
        return None
    hierarchy = whole.partition(b"://")[2].partition(b"?")[0]
    authority, slash, rest = hierarchy.partition(b"/")
    userinfo, _, written_host = authority.rpartition(b"@")
    host = _parse_host(written_host)
    if host is None or not _USERINFO.fullmatch(userinfo) or not _ESCAPED.fullmatch(userinfo):
        return None
    if not _ESCAPED.fullmatch(rest):
        return None
    return URL(host, _unescape(slash + rest))


def split_host_port(host: bytes) -> tuple[bytes, bytes]:
    """Split as net.SplitHostPort does; all of it is the host, without a port, where that gives an error."""
    before, colon, port = host.rpartition(b":")
    if not colon:
        return host, b""
    inner = before
    if before.startswith(b"["):
        if before.find(b"]") != len(before) - 1:
            return host, b""
        inner = before[1:-1]
    elif b":" in before:
        return host, b""
    if any(bracket in part for bracket in (b"[", b"]") for part in (inner, port)):
        return host, b""
    return inner, port


def _parse_host(host: bytes) -> bytes | None:
    """Check and decode `host[:port]` (url.go parseHost); None when Go gives an error."""
    bracket = host.rfind(b"[")
    if bracket == 0:
        return _parse_bracketed(host)
    name, colon, port = host.partition(b":")
    if bracket > 0 or not _PORT.fullmatch(colon + port) or not _ESCAPED_NAME.fullmatch(name):
        return None
    return _unescape(name) + colon + port


def _parse_bracketed(host: bytes) -> bytes | None:
    """Check and decode `[address%25zone][:port]`."""
    inside, bracket, port = host[1:].rpartition(b"]")
    if not bracket or not _PORT.fullmatch(port):
        return None
    written_address, percent, written_zone = inside.partition(b"%25")
    zone = _unescape(percent + written_zone)
    if not _ESCAPED_NAME.fullmatch(written_address) or not _ESCAPED_ZONE.fullmatch(percent + written_zone):
        return None
    unescaped = _unescape(written_address) + zone
    return b"[" + unescaped + b"]" + port if _is_ipv6(unescaped) else None


def _is_ipv6(text: bytes) -> bool:
    """Say whether netip.ParseAddr takes it as IPv6: a zone may be anything but empty."""
    address, percent, zone = text.partition(b"%")
    if percent and not zone:
        return False
    try:
        ipaddress.IPv6Address(address.decode("latin-1"))
    except ValueError:
        return False
    return True


def _unescape(text: bytes) -> bytes:
    return _ESCAPE.sub(lambda escape: bytes.fromhex(escape[1].decode()), text) if b"%" in text else text
