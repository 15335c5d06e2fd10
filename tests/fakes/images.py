"""Images small enough to build by hand: manifests, indexes and what they name, as bytes."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"

Platform = tuple[str, str]
"""Operating system and architecture."""
AMD64: Platform = ("linux", "amd64")
ARM64: Platform = ("linux", "arm64")


@dataclass(frozen=True, slots=True)
class Blob:
    """Content by its digest: a manifest, a configuration or a layer."""

    media_type: str
    body: bytes

    @property
    def digest(self) -> str:
        return f"sha256:{hashlib.sha256(self.body).hexdigest()}"

    def descriptor(self, **more: object) -> dict[str, object]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.body), **more}


@dataclass(frozen=True, slots=True)
class Image:
    """What a tag names: its manifest, the blobs it needs, and the images below it when it is an index."""

    manifest: Blob
    blobs: tuple[Blob, ...] = ()
    children: tuple["Image", ...] = ()

    @property
    def digest(self) -> str:
        return self.manifest.digest


def single(name: str = "app", platform: Platform = AMD64, *, docker: bool = False) -> Image:
    """An image of one platform, different for every name: the OCI form, or Docker's schema 2."""
    system, architecture = platform
    layer = Blob(DOCKER_LAYER if docker else OCI_LAYER, f"the only layer of {name}".encode())
    described = {
        "os": system,
        "architecture": architecture,
        "config": {"Entrypoint": ["/app"]},
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
    }
    configuration = Blob(DOCKER_CONFIG if docker else OCI_CONFIG, _compact(described))
    return _image(DOCKER_MANIFEST if docker else OCI_MANIFEST, configuration, layer)


def index(name: str = "app", platforms: Sequence[Platform] = (AMD64, ARM64), *, docker: bool = False) -> Image:
    """An image of several platforms: an OCI index, or Docker's manifest list."""
    children = tuple(single(name, platform, docker=docker) for platform in platforms)
    listed = [
        child.manifest.descriptor(platform={"os": system, "architecture": architecture})
        for child, (system, architecture) in zip(children, platforms, strict=True)
    ]
    media_type = DOCKER_LIST if docker else OCI_INDEX
    body = _compact({"schemaVersion": 2, "mediaType": media_type, "manifests": listed})
    return Image(Blob(media_type, body), children=children)


def artifact(name: str = "chart", kind: str = "application/vnd.cncf.helm.config.v1+json") -> Image:
    """An OCI artifact: an image manifest whose configuration is not an image's."""
    return _image(OCI_MANIFEST, Blob(kind, b"{}"), Blob("application/octet-stream", f"the content of {name}".encode()))


def schema_1(name: str = "old") -> Image:
    """A manifest of schema 1, unsigned: nothing that a registry takes by push any more, but some still serve it."""
    history = [{"v1Compatibility": "{}"}]
    body = _compact({"schemaVersion": 1, "name": name, "tag": "1", "fsLayers": [], "history": history})
    return Image(Blob(SCHEMA_1, body))


def _image(media_type: str, configuration: Blob, layer: Blob) -> Image:
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": configuration.descriptor(),
        "layers": [layer.descriptor()],
    }
    return Image(Blob(media_type, _compact(document)), (configuration, layer))


def _compact(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()
