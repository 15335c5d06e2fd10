"""Images that the node can really pull and run, built from one static program; each differs from every other."""

import functools
import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.cluster import servers
from tests.cluster.images import architecture
from tests.fakes.images import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    Blob,
    Image,
)

PROGRAM = "pause"
FOREIGN = "s390x"
"""An architecture that no machine of ours has."""
LARGE_BYTES = 512 * 1024
"""Of the images that must show in a node's status: it names the fifty largest only."""

Make = Callable[[str], Image]


def single(name: str, *, machine: str = "", docker: bool = False, more_bytes: int = 0) -> Image:
    """An image for this machine, or for another architecture: the program's layer, and one that only this image has."""
    own = _tar("scene", name.encode() + b"\0" * more_bytes)
    layers = [Blob(DOCKER_LAYER if docker else OCI_LAYER, content) for content in (_program_layer(), own)]
    described = {
        "os": "linux",
        "architecture": machine or architecture(),
        "config": {"Entrypoint": [f"/{PROGRAM}"]},
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in layers]},
    }
    configuration = Blob(DOCKER_CONFIG if docker else OCI_CONFIG, _compact(described))
    return _image(DOCKER_MANIFEST if docker else OCI_MANIFEST, configuration, layers)


def docker_image(name: str) -> Image:
    """The same in Docker's form, schema 2."""
    return single(name, docker=True)


def large(name: str) -> Image:
    """The same, so large that a node's status names it."""
    return single(name, more_bytes=LARGE_BYTES)


def foreign(name: str) -> Image:
    """A lone image for another architecture: nodes pull it, and it crashes."""
    return single(name, machine=FOREIGN)


def index(name: str) -> Image:
    """An index with an image for this machine, one for another, and an attestation."""
    return _indexed(name, [architecture(), FOREIGN, "unknown"])


def docker_list(name: str) -> Image:
    """The same as Docker's manifest list."""
    return _indexed(name, [architecture(), FOREIGN], docker=True)


def foreign_index(name: str) -> Image:
    """An index without an image for this machine."""
    return _indexed(name, [FOREIGN])


def empty_index(name: str) -> Image:
    """An index of nothing; the name makes it different from every other."""
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "annotations": {"name": name}}
    return Image(Blob(OCI_INDEX, _compact(body)))


def nested_index(name: str) -> Image:
    """An index that names an index."""
    inner = index(name)
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [inner.manifest.descriptor()]}
    return Image(Blob(OCI_INDEX, _compact(body)), children=(inner,))


def unlabelled_index(name: str) -> Image:
    """An index whose entry does not say for which platform it is."""
    inner = single(name)
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [inner.manifest.descriptor()]}
    return Image(Blob(OCI_INDEX, _compact(body)), children=(inner,))


def artifact(name: str) -> Image:
    """A chart: an image manifest whose configuration and content are no image's."""
    described = Blob("application/vnd.cncf.helm.config.v1+json", _compact({"name": name}))
    return _image(OCI_MANIFEST, described, [Blob("application/vnd.cncf.helm.chart.content.v1.tar", name.encode())])


def _indexed(name: str, machines: Sequence[str], *, docker: bool = False) -> Image:
    children = tuple(single(f"{name} {machine}", machine=machine, docker=docker) for machine in machines)
    listed = [
        child.manifest.descriptor(
            platform={"os": "unknown" if machine == "unknown" else "linux", "architecture": machine}
        )
        for child, machine in zip(children, machines, strict=True)
    ]
    media_type = DOCKER_LIST if docker else OCI_INDEX
    body = _compact({"schemaVersion": 2, "mediaType": media_type, "manifests": listed})
    return Image(Blob(media_type, body), children=children)


def _image(media_type: str, configuration: Blob, layers: Sequence[Blob]) -> Image:
    document = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": configuration.descriptor(),
        "layers": [layer.descriptor() for layer in layers],
    }
    return Image(Blob(media_type, _compact(document)), (configuration, *layers))


@functools.cache
def _program_layer() -> bytes:
    program = servers.find(PROGRAM)
    if program is None:
        raise FileNotFoundError(f"{PROGRAM} was not found: run `make servers`")
    return _tar(PROGRAM, program.read_bytes())


def _tar(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o755
        archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _compact(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


@dataclass(slots=True)
class Repository:
    """What a registry has under one name."""

    tags: dict[str, Blob] = field(default_factory=dict)
    manifests: dict[str, Blob] = field(default_factory=dict)
    """By digest, sha256 and sha512."""
    blobs: dict[str, Blob] = field(default_factory=dict)

    def add(self, tag: str, image: Image) -> None:
        """Store an image and all below it."""
        self.tags[tag] = image.manifest
        self._keep(image)

    def _keep(self, image: Image) -> None:
        self.manifests[image.digest] = image.manifest
        self.manifests[sha512(image)] = image.manifest
        self.blobs |= {blob.digest: blob for blob in image.blobs}
        for child in image.children:
            self._keep(child)


def sha512(image: Image) -> str:
    """The manifest's other digest."""
    return f"sha512:{hashlib.sha512(image.manifest.body).hexdigest()}"
