"""Random keys of docker configs and patterns of credential providers, near what they shall open."""

from random import Random

from tests.truth.images import REGISTRIES
from tests.truth.randomness import chance, count, pick, spoil, weighted

_SCHEMES = (
    (0.6, ""),
    *((0.25, "https://"), (0.06, "http://"), (0.02, "HTTPS://"), (0.02, "oci://"), (0.01, "//"), (0.01, "https:")),
    *((0.01, "https:///"), (0.01, "https://https://"), (0.01, " ")),
)
_USERINFO = ("user@", "user:pw@", "us%65r@", "us er@", "%zz@", "@", "u@v@", "u%2f:p%40@", "[@", "é@", "u/v@", "u?v@")
_PORTS = ("", ":", ":443", ":5000", ":05000", ":abc", ":5000:1", ":*", ":%35000", ":5000 ", ":-1", ":٣")
_TAILS = ("?x=y", "#f", "#%zz", "?%zz", "?", "#", "?a#b", "#a?b", "#\x01", "?\x7f", "# ")
_LITERALS = (
    *("[::1]", "[::1]:5000", "[2001:db8::A]", "[2001:db8::a%25eth0]", "[::1%25]", "[::1%25%41%20]:5000", "[::1%41]"),
    *(
        "[::1%25a%2fb]",
        "[1.2.3.4]",
        "[::ffff:1.2.3.4]",
        "[a",
        "a]",
        "a[b]",
        "[]",
        "[::1]x",
        "[::1%25a]b]",
        "[::1%25[c]]",
    ),
    *("[a:b::c-d]", "[::1%25é]", "[1:2:3:4:5:6:7:8]", "[1::2::3]", "[::01]", "[::00001]", "[::1%25a.b]", "[%31::1]"),
    *("[::1.2.3]", "[::1.2.3.04]", "[::%25a*]", "[fe80::a-f%25x]", "[::1%]", "[::1%25\x00]", "[::%2541]", "[::-]:"),
)
_HUB_KEYS = (
    *(
        "https://index.docker.io/v1/",
        "https://index.docker.io/v1",
        "index.docker.io",
        "docker.io",
        "*.io",
        "*.docker.io",
    ),
    *(
        "https://index.docker.io/v2/",
        "registry-1.docker.io",
        "docker.io/library",
        "index.docker.io/library",
        "*",
        "http://",
    ),
)
_ADDRESSES = ("::1", "::", "fe80::a", "2001:db8::A", "1:2:3:4:5:6:7:8", "::f:1.2.3.4", "a:b::c", "::%41", "::1%", ":")
_ZONE_PIECES = (
    *(
        "%25",
        "%25",
        "a",
        "b-f",
        "-",
        "%5d",
        "%5b",
        "]",
        "[",
        "*",
        ".",
        "é",
        "%c3%a9",
        "%ff",
        "%c3",
        "%2a",
        "%2d",
        "%20",
        "%5e",
    ),
    *("0-9", "%25%25", "]*", "%5d%5b", ":", "a]b", "z-a", "%7e", "!", "_", "%2e", "%5d*%5bc"),
)
_CLASS_PIECES = (
    *(
        ("*", ("", "a", "bc")),
        ("**", ("", "]*")),
        ("a", ("a", "A")),
        ("%5bb%5d", ("b",)),
        ("%5ba-c%5d", ("a", "b", "d")),
    ),
    *(("*%5Bb-f%5D", ("b", "xyc", "")), ("%5b%c3%a9%5d", ("é", "a")), ("%ff", ("%ff",)), ("%5b%ff%5d", ("%ff", "a"))),
    *((".", (".",)), ("%5d", ("]",)), ("%5b-%5d", ("-",)), ("%5bz-a%5d", ("z", "b")), ("%3C", ("<",)), ("%2A", ("a",))),
    *(("%5b*%5d", ("*", "a")), ("%2d%5D", ("-]",)), ("%7E", ("~",)), ("%5b%25%5d", ("%25",))),
)
"""What may follow a class, each with what it may match."""
_PATH_TURNS = (
    (0.55, "{path}"),
    *((0.04, "/v1{path}"), (0.04, "/v2{path}"), (0.03, "/v2/v1{path}"), (0.03, "{path}/"), (0.03, "/{path}")),
    *(
        (0.03, "{path}%2f"),
        (0.02, "{path}%252f"),
        (0.02, "{path}/*"),
        (0.02, "{path}/.."),
        (0.02, "/v1"),
        (0.02, "/v2/"),
    ),
    *(
        (0.02, "{path}%"),
        (0.02, "{path}%e2%82"),
        (0.02, "{path} "),
        (0.02, "{path}é"),
        (0.02, "{path}%00"),
        (0.02, "{path}*"),
    ),
    *((0.02, "/.{path}"), (0.01, "{path}:v1"), (0.01, "{path}%3f%e2%82é")),
    *((0.01, "{path}%23%c3%a9%ff"), (0.01, "{path}%3f%25zz"), (0.01, "{path}%23%25zz"), (0.01, "{path}%25%c3%a9")),
)


def draw_key(random: Random, target: str) -> str:
    """Draw a key of a docker config.

    Args:
        target: The repository or image that many keys shall open.
    """
    if chance(random, 0.07):
        return pick(random, _HUB_KEYS)
    key = weighted(random, _SCHEMES) + draw_pattern(random, target)
    if chance(random, 0.05):
        key += pick(random, _TAILS)
    return key


def draw_pattern(random: Random, target: str) -> str:
    """Draw a pattern; `target` is what many patterns shall match."""
    authority, slash, path = target.partition("/")
    host, _, port = authority.partition(":") if not authority.startswith("[") else (authority, "", "")
    pattern = _turn_host(random, host) + _turn_port(random, port)
    pattern += _turn_path(random, slash + path.partition("@")[0].partition(":")[0])
    if chance(random, 0.03):
        pattern = pick(random, _USERINFO) + pattern
    while chance(random, 0.06):
        pattern = spoil(random, pattern)
    return pattern


def draw_target(random: Random, image: str) -> str:
    """Draw what a pattern may match: a repository, or something near it."""
    first = image.partition("/")[0]
    target = image if "." in first or ":" in first or first == "localhost" else f"docker.io/{image}"
    if chance(random, 0.1):
        target = draw_key(random, target)
    if chance(random, 0.05):
        target = pick(random, _LITERALS) + "/a"
    return spoil(random, target) if chance(random, 0.05) else target


def draw_class(random: Random) -> tuple[str, str]:
    """Draw a bracketed address, whose brackets make a class of a glob where no port follows, and a host for it."""
    pattern = pick(random, _ADDRESSES)
    target = pick(random, ("a", "1", ":", pattern[:1], pattern[-1:]))
    zone = "".join(pick(random, _ZONE_PIECES) for _ in range(count(random, 6)))
    while chance(random, 0.6):
        piece, match = _CLASS_PIECES[int(random.random() * len(_CLASS_PIECES))]
        zone += piece if "%5d" in zone else f"%5d{piece}"
        target += pick(random, match)
    if "%5d" in zone:
        zone, target = (f"{zone}%5bc", f"{target}c") if chance(random, 0.7) else (zone, f"{target}]")
    pattern = f"[{pattern}%25{zone}]" if zone else f"[{pattern}]"
    pattern = spoil(random, pattern) if chance(random, 0.15) else pattern
    target = spoil(random, target) if chance(random, 0.15) else target
    return pattern + weighted(random, ((0.9, ""), (0.05, ":80"), (0.05, ":"))), target + pick(
        random, ("/a", "", ":80/a")
    )


def _turn_host(random: Random, host: str) -> str:
    if chance(random, 0.04):
        return pick(random, _LITERALS)
    if chance(random, 0.05):
        return pick(random, REGISTRIES)
    labels = host.split(".")
    while chance(random, 0.25):
        at = int(random.random() * len(labels))
        labels[at] = _turn_label(random, labels[at])
    while chance(random, 0.04):
        at = int(random.random() * len(labels))
        labels[at : at + 1] = [[], ["*"] * 2, [""] * 2, [labels[at], labels[at]]][int(random.random() * 4)]
        labels = labels or ["*"]
    return ".".join(labels)


def _turn_label(random: Random, label: str) -> str:
    """Turn a label of a host into a glob, most of which match it, or write it in another way."""
    at = int(random.random() * (len(label) + 1))
    start, end = label[:at], label[at:]
    return pick(
        random,
        (
            *(
                "*",
                "*",
                f"{start}*",
                f"*{end}",
                f"{start}*{end}",
                f"{start}*{end[1:]}",
                f"{start}**{end[2:]}",
                f"*{end}*",
            ),
            *(
                f"{start}?{end[1:]}",
                f"{start}[a-z]{end[1:]}",
                f"{start}\\{end}",
                f"{start}%2a{end}",
                f"{start}*x*{end}",
            ),
            *(
                f"{start}%c3%a9{end}",
                f"{start}%25{end}",
                f"{start}{end[:1].upper()}{end[1:]}",
                f"*{start}*{end}*",
                label * 2,
            ),
        ),
    )


def _turn_port(random: Random, port: str) -> str:
    return pick(random, _PORTS) if chance(random, 0.08) else (f":{port}" if port else "")


def _turn_path(random: Random, path: str) -> str:
    """Keep the path or a beginning of it; sometimes write it in another way."""
    if chance(random, 0.5):
        path = path[: int(random.random() * (len(path) + 1))]
    if chance(random, 0.3):
        path = weighted(random, _PATH_TURNS).format(path=path)
    if path and chance(random, 0.04):
        at = int(random.random() * len(path))
        path = f"{path[:at]}%{ord(path[at]) & 255:02x}{path[at + 1 :]}"
    return path
