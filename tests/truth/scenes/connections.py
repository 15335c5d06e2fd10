"""Hosts that cannot be reached, or are not trusted."""

from collections.abc import Iterator

from tests.truth.scenes.scene import Scene, alone, scene
from tests.truth.scenes.secrets import RIGHT
from tests.truth.standins import content, sites


def scenes() -> Iterator[Scene]:
    refused = "connections are refused"
    for name, title, host in (
        ("wrong-name", "a certificate for another name", sites.WRONG_NAME),
        ("unknown-ca", "a certificate of an unknown authority", sites.UNKNOWN_CA),
        ("expired", "a certificate that has expired", sites.EXPIRED),
        ("known-ca", "an authority that hosts.toml names", sites.KNOWN_CA),
        ("skipped", "a certificate that hosts.toml does not want checked", sites.SKIPPED),
        ("plain", "plain http on 443", sites.PLAIN),
        ("plain-port", "plain http on 5000", sites.PLAIN_PORT),
        ("dead", refused, sites.DEAD),
        ("unrouted", "nobody has the address", sites.UNROUTED),
        ("unnamed", "nobody has the name", sites.UNNAMED),
    ):
        is_there = host not in (sites.DEAD, sites.UNROUTED, sites.UNNAMED)
        write = alone if host == sites.DEAD else scene
        yield write(f"connect-{name}", title, host, at="public", holds=content.single if is_there else None)
    yield alone("connect-dead-login", f"{refused}, with two logins", sites.DEAD, RIGHT, RIGHT, holds=None)
