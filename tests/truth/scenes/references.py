"""The forms of a reference."""

from collections.abc import Iterator

from tests.truth.scenes import reasons
from tests.truth.scenes.answers import BY_DIGEST
from tests.truth.scenes.scene import Scene, at_open, scene
from tests.truth.scenes.secrets import RIGHT, secret
from tests.truth.standins.brands import BASIC, HUB
from tests.truth.standins.content import single
from tests.truth.standins.sites import LOCAL, LOCAL_TLS, NUMBERED, PORT, UNDERSCORE

_NO_DIGEST = "sha256:" + "0" * 64
_INVALID = {
    "capitals": "NGINX",
    "capital-path": "open.example.com/Team/app:1",
    "scheme": "https://open.example.com/public/app:1",
    "double-slash": "open.example.com//app:1",
    "no-tag": "open.example.com/public/app:",
    "two-tags": "open.example.com/public/app:1:2",
    "tag-dot": "open.example.com/public/app:.1",
    "tag-long": "open.example.com/public/app:" + "a" * 129,
    "short-digest": "open.example.com/public/app@sha256:abc",
    "md5": "open.example.com/public/app@md5:" + "0" * 32,
    "digest-then-tag": f"open.example.com/public/app@{_NO_DIGEST}:1",
    "dots": "open.example.com/public/a..b:1",
    "hex": "0" * 64,
    "user": "user@open.example.com/public/app:1",
    "port-word": "open.example.com:port/public/app:1",
    "long": "open.example.com/" + "a" * 256,
}
_OF_HUB = {
    "short": ("a short name", "{library}:1"),
    "short-no-tag": ("a short name, its tag latest implied and missing", "{library}"),
    "library": ("library written out", "library/{library}:1"),
    "full": ("docker.io/library written out", "docker.io/library/{library}:1"),
    "not-library": ("docker.io and a short name", "docker.io/{library}:1"),
    "index": ("index.docker.io", "index.docker.io/{repository}:1"),
    "digest": ("a short name by digest", "{library}@{digest}"),
}


def scenes() -> Iterator[Scene]:
    for name, (title, image) in _OF_HUB.items():
        yield scene(f"hub-{name}", title, HUB, at="library", image=image)
    title = "a short name that Docker Hub does not have"
    yield scene("hub-short-absent", title, HUB, at="library", image="{library}:2.0", holds=None)
    yield scene("hub-two-parts", "user and name", HUB, at="public", image="{repository}:1")
    yield scene("hub-two-private", "user and name, private, with the login", HUB, RIGHT, image="{repository}:1")
    by_name = "registry-1.docker.io"
    yield scene("hub-by-host", "registry-1.docker.io by name", by_name, at="public", stored={HUB: single})
    yield from _by_digest()
    yield from _of_hosts()
    yield at_open("long-path", "a path of many parts", path="a/b/c/d-e__f.g")
    yield at_open("latest", "no tag at all", image="{host}/{repository}")
    for name, image in _INVALID.items():
        shown = image if len(image) < 60 else f"{image[:40]}…"
        yield at_open(f"invalid-{name}", shown, image=image, holds=None)


def _by_digest() -> Iterator[Scene]:
    absent = "{host}/{repository}@" + _NO_DIGEST
    yield scene("digest", "by digest", BASIC, RIGHT, image=BY_DIGEST)
    yield scene("digest-absent", "a digest that is not there", BASIC, RIGHT, image=absent)
    yield at_open("digest-sha512", "by a sha512 digest", image="{host}/{repository}@{sha512}")
    yield at_open(
        "digest-wrong-tag", "a missing tag beside the right digest", image="{host}/{repository}:gone@{digest}"
    )
    absent = "{host}/{repository}:1@" + _NO_DIGEST
    yield at_open("digest-right-tag", "the right tag beside a missing digest", image=absent)


def _of_hosts() -> Iterator[Scene]:
    with_port = "{host}:443/{repository}:1"
    yield at_open("port-443", "the port written out", image=with_port)
    yield scene("port-443-login", "the port written out, the login filed without", BASIC, RIGHT, image=with_port)
    yield scene("port-443-key", "the port written out on both", BASIC, secret(key="HOST:443"), image=with_port)
    yield scene("port-other", "another port", PORT, RIGHT)
    yield at_open("port-huge", "a port that cannot be", image="{host}:99999/{repository}:1")
    yield scene("number", "an address for a name", NUMBERED, at="public")
    yield scene("underscore", "an underscore in the host", UNDERSCORE, at="public")
    yield at_open("capital-host", "capitals in the host", image="Open.Example.com/{repository}:1")
    image = "Basic.example.com/{repository}:1"
    yield scene("capital-host-login", "capitals in the host, the login filed without", BASIC, RIGHT, image=image)
    why = reasons.LOOPBACK
    yield scene("localhost-plain", "localhost, plain http", LOCAL, at="public", doubt=why, differs=why)
    yield scene("localhost-tls", "localhost, a certificate of nobody's", LOCAL_TLS, at="public", doubt=why, differs=why)
