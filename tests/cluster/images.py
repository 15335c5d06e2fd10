"""Images made from a single static program: for a registry, or as an archive that `ctr images import` reads."""

import io
import json
import platform
import tarfile
from pathlib import Path

from tests.fakes.images import DOCKER_CONFIG, DOCKER_LAYER, DOCKER_MANIFEST, Blob, Image

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture() -> str:
    """This machine's architecture, as images call it."""
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def runnable(program: Path, *, name: str = "") -> Image:
    """An image, different for every name, whose only content and entry point is `program`."""
    layer = Blob(DOCKER_LAYER, _tar({program.name: program.read_bytes()}))
    described = {
        "architecture": architecture(),
        "os": "linux",
        "config": {"Entrypoint": [f"/{program.name}"], "Labels": {"name": name}},
        "rootfs": {"type": "layers", "diff_ids": [layer.digest]},
    }
    configuration = Blob(DOCKER_CONFIG, json.dumps(described).encode())
    parts = {"config": configuration.descriptor(), "layers": [layer.descriptor()]}
    document = {"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, **parts}
    return Image(Blob(DOCKER_MANIFEST, json.dumps(document).encode()), (configuration, layer))


def write_archive(path: Path, name: str, program: Path) -> None:
    """Write an image called `name` to `path`, in the format of `docker save`."""
    configuration, layer = runnable(program).blobs
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    files = {"manifest.json": json.dumps(manifest).encode(), "config.json": configuration.body, "layer.tar": layer.body}
    path.write_bytes(_tar(files))


def _tar(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
