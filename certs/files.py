"""Write certificates and keys to a folder: keys private from their first byte, every file whole or not at all."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

PUBLIC_MODE = 0o644
PRIVATE_MODE = 0o600


def write(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files into the folder, which is made where it lacks; existing ones are replaced.

    Each is written in full beside its place and only then renamed, all of them after the last was written: a reader
    sees the old file or the new, and a full disk changes nothing. A name that ends in `.key` is readable to its owner
    alone, also while it is written.

    Raises:
        OSError: The folder or a file cannot be written; no temporary file is left behind.
    """
    folder.mkdir(parents=True, exist_ok=True)
    temporary = {folder / f".{name}.{secrets.token_hex(8)}": folder / name for name in files}
    try:
        for path, target in temporary.items():
            _write(path, files[target.name], PRIVATE_MODE if target.suffix == ".key" else PUBLIC_MODE)
        for path, target in temporary.items():
            path.replace(target)
    finally:
        for path in temporary:
            with suppress(FileNotFoundError):
                path.unlink()


def _write(path: Path, content: bytes, mode: int) -> None:
    """Create a file that nobody else can have prepared (O_EXCL), with its mode from the start whatever the umask."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, mode)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
