"""What registries answer for a manifest: statuses, and the headers of good answers."""

from collections.abc import Iterator
from typing import Any

from tests.fakes.exchange import Response
from tests.fakes.images import OCI_INDEX, OCI_MANIFEST, SCHEMA_1
from tests.truth.scenes import reasons
from tests.truth.scenes.scene import Scene, alone, at_open, scene
from tests.truth.scenes.secrets import RIGHT
from tests.truth.standins.asking import Asked
from tests.truth.standins.brands import BASIC, OPEN
from tests.truth.standins.registry import Twist, error
from tests.truth.standins.twists import HTML, chunked, header, on, status, times

BY_DIGEST = "{host}/{repository}@{digest}"
_OTHER_DIGEST = "sha256:" + "1" * 64
_MANIFEST_LIMIT = 4 * 1048 * 1048
"""containerd's own."""
_HEAD_ONLY = (400, 403, 404, 405, 410, 412, 500, 501)
_BOTH = (400, 402, 403, 404, 405, 406, 408, 409, 410, 412, 418, 429, 451, 500, 501, 502, 503, 504, 507)
_TROUBLES = frozenset({429, 502, 503, 504})
_TYPES = {
    "none": None,
    "json": "application/json",
    "bytes": "application/octet-stream",
    "html": "text/html",
    "text": "text/plain",
    "schema-1": SCHEMA_1,
    "artifact": "application/vnd.oci.artifact.manifest.v1+json",
    "charset": f"{OCI_MANIFEST}; charset=utf-8",
    "capitals": OCI_MANIFEST.upper(),
    "spaced": f"{OCI_MANIFEST} ; charset=utf-8",
    "index": OCI_INDEX,
}
_DIGESTS = {
    "none": None,
    "invalid": "sha256:zz",
    "md5": "md5:" + "0" * 32,
    "other": _OTHER_DIGEST,
    "no-algorithm": "0" * 64,
    "capitals": "sha256:" + "A" * 64,
}


def statuses() -> Iterator[Scene]:
    """Statuses of HEAD, of GET, of both."""
    for code in _HEAD_ONLY:
        yield at_open(f"head-{code}", f"HEAD gets {code}, GET is good", twist=status(code, method="HEAD"))
    for code in _BOTH:
        yield _at_open(code, f"status-{code}", f"HEAD and GET get {code}", twist=status(code))
    for code in (403, 404, 500):
        again = status(code, method="GET")
        yield at_open(f"get-{code}", f"HEAD is good, GET gets {code}", twist=again, silence=reasons.FETCH)
    yield from _passing()
    yield from _pages()
    for code in (403, 404, 500):
        yield scene(f"login-{code}", f"{code} with the right password", BASIC, RIGHT, twist=_after_login(code))
    for code in (403, 404):
        gone = on("blob", error(code, "BLOB_UNKNOWN", "gone"))
        yield at_open(f"blob-{code}", f"the layers get {code}", twist=gone, silence=reasons.FETCH)


def _at_open(code: int, name: str, title: str, **more: Any) -> Scene:
    """Write a scene at an open registry, its own where this status would have it left alone."""
    return alone(name, title, OPEN, at="public", **more) if code in _TROUBLES else at_open(name, title, **more)


def _passing() -> Iterator[Scene]:
    for code in (500, 502, 503, 504, 429, 404):
        twist = times(1, status(code, method="HEAD"))
        doubt = "" if code == 404 else reasons.TROUBLE
        title = f"the first HEAD gets {code}, the next is good"
        yield _at_open(code, f"once-{code}", title, twist=twist, doubt=doubt, heals=True)


def _pages() -> Iterator[Scene]:
    for code in (200, 403, 404, 503):
        page = Response(code, HTML.headers, HTML.body)
        yield _at_open(code, f"page-{code}", f"a web page with {code}", twist=on("manifest", page))
    plain = Response(404, (("Content-Type", "text/plain"),), b"no\n")
    yield at_open("plain-404", "404 in plain text", twist=on("manifest", plain))


def _after_login(code: int) -> Twist:
    refused = status(code)

    def twist(asked: Asked, honest: Response) -> Response:
        return refused(asked, honest) if honest.status == 200 else honest

    return twist


def headers() -> Iterator[Scene]:
    """What describes a good answer."""
    for name, value in _TYPES.items():
        twist, title = header("Content-Type", value), f"Content-Type {value or 'is missing'}"
        silence = reasons.FETCH if name == "index" else ""
        yield at_open(f"type-{name}", title, twist=twist, silence=silence)
        yield at_open(f"type-digest-{name}", f"by digest: {title}", twist=twist, silence=silence, image=BY_DIGEST)
    for name, value in _DIGESTS.items():
        twist, title = header("Docker-Content-Digest", value), f"Docker-Content-Digest {value or 'is missing'}"
        yield at_open(f"digest-header-{name}", title, twist=twist, silence=reasons.FETCH if name == "other" else "")
    missing, other = (header("Docker-Content-Digest", value) for value in (None, _OTHER_DIGEST))
    yield at_open("by-digest-no-header", "by digest: Docker-Content-Digest is missing", twist=missing, image=BY_DIGEST)
    title = "by digest: another Docker-Content-Digest"
    yield at_open("by-digest-other-header", title, twist=other, image=BY_DIGEST, doubt=reasons.CONTRADICTION)
    yield from _lengths()


def _lengths() -> Iterator[Scene]:
    yield at_open("length-none", "no Content-Length", twist=chunked())
    yield at_open("length-none-digest", "by digest: no Content-Length", twist=chunked(), image=BY_DIGEST)
    huge, most, zero = (
        header("Content-Length", str(length), method="HEAD") for length in (_MANIFEST_LIMIT + 1, _MANIFEST_LIMIT, 0)
    )
    yield at_open("length-huge", "HEAD tells a byte more than a manifest may have", twist=huge)
    title = "HEAD tells as many bytes as a manifest may have, GET brings fewer"
    yield at_open("length-most", title, twist=most, silence=reasons.FETCH)
    yield at_open("length-zero", "HEAD tells that it is empty", twist=zero)
