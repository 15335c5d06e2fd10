"""Manifests in files, folders and the standard input: objects, and every fault with its place."""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from webhook.wire.documents import MalformedDocumentError, read_json, read_yaml

MAX_FILE_BYTES = 64 * 1024 * 1024
"""The largest bundles of custom resource definitions are 10 MiB; kubectl itself sets no limit."""
STANDARD_INPUT = "-"
_SUFFIXES = (".yaml", ".yml", ".json")
"""kubectl's own, in its spelling (cli-runtime pkg/resource FileExtensions)."""


class UnreadableManifestError(Exception):
    """A manifest that cannot be read: `deploy.yaml: document 2, line 14: …`, without any of its content."""


@dataclass(frozen=True, slots=True)
class Position:
    """Where an object stands."""

    source: str
    """The file's path as it was given, or `-`."""
    document: int
    """Which one of the file, from 1; empty ones count."""
    line: int
    """Where the document begins, from 1."""

    def fault(self, reason: str) -> UnreadableManifestError:
        """Make the error; the reason goes on where the place ends: `has no kind`."""
        return UnreadableManifestError(f"{self.source}: document {self.document}, line {self.line}: {reason}")


@dataclass(frozen=True, slots=True)
class Manifest:
    """One object of a file; the items of a list stand each for itself."""

    position: Position
    content: Mapping[str, object]
    """Has a kind and an API version, both texts."""

    @property
    def source(self) -> str:
        """The file's path as it was given, or `-`."""
        return self.position.source

    @property
    def kind(self) -> str:
        """The object's kind."""
        return str(self.content["kind"])

    @property
    def api_version(self) -> str:
        """The object's API version."""
        return str(self.content["apiVersion"])

    def encode(self) -> bytes:
        """Write the object as JSON.

        Raises:
            UnreadableManifestError: Aliases nest it too deeply.
        """
        try:
            return json.dumps(self.content).encode()
        except RecursionError:
            raise self.position.fault("is nested too deeply") from None


def read_manifests(path: str) -> tuple[Manifest, ...]:
    """Read a file, a folder with all its folders in the order of names, or the standard input (`-`).

    In a folder only `.yaml`, `.yml` and `.json` count and links to folders are not followed, as with kubectl; folders
    whose name begins with a dot are left out: tools keep their own things there.

    Raises:
        UnreadableManifestError: Naming file, document and line.
    """
    if path == STANDARD_INPUT:
        return tuple(parse_manifests(sys.stdin.buffer.read(MAX_FILE_BYTES + 1), path))
    files = _list_files(Path(path)) if Path(path).is_dir() else (path,)
    return tuple(manifest for file in files for manifest in parse_manifests(_read(file), file))


def parse_manifests(body: bytes, source: str) -> Iterator[Manifest]:
    """Find the objects in the bytes of a file.

    What begins with `{` is JSON if it can be, as kubectl guesses, else YAML.

    Args:
        body: Any number of documents.
        source: The name that goes into manifests and faults.

    Raises:
        UnreadableManifestError: Also for an object without kind or API version, which kubectl refuses too.
    """
    if len(body) > MAX_FILE_BYTES:
        raise UnreadableManifestError(f"{source}: larger than {MAX_FILE_BYTES // 2**20} MiB")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise UnreadableManifestError(f"{source}: line {line}: is not UTF-8") from None
    for position, content in _documents(text, source):
        if content is not None:
            yield from (Manifest(position, each) for each in _objects(content, position))


def _documents(text: str, source: str) -> Iterable[tuple[Position, object]]:
    if not text.lstrip().startswith("{"):
        return _numbered(read_yaml(text), source)
    try:
        return list(_numbered(read_json(text), source))
    except UnreadableManifestError:
        if source.endswith(".json"):
            raise
        return _numbered(read_yaml(text), source)


def _numbered(documents: Iterator[tuple[int, object]], source: str) -> Iterator[tuple[Position, object]]:
    number = 1
    try:
        for line, content in documents:
            yield Position(source, number, line), content
            number += 1
    except MalformedDocumentError as fault:
        raise Position(source, number, fault.line).fault(str(fault)) from None


def _objects(content: object, position: Position) -> Iterator[dict[str, object]]:
    """Give a document's object, or the items of a list (`List`, `PodList`), which may be lists themselves."""
    waiting = [content]
    while waiting:
        document = _checked(waiting.pop(), position)
        items = document.get("items")
        if str(document["kind"]).endswith("List") and isinstance(items, list):
            waiting += [_completed(item, document) for item in reversed(items)]
        else:
            yield document


def _checked(document: object, position: Position) -> dict[str, object]:
    if not isinstance(document, dict):
        raise position.fault("is no object")
    for key in ("kind", "apiVersion"):
        if not isinstance(document.get(key), str) or not document[key]:
            raise position.fault(f"has no {key}")
    return document


def _completed(item: object, containing: Mapping[str, object]) -> object:
    """Give an item of a typed list its kind and version where it has neither (unstructured.UnstructuredList)."""
    kind = str(containing["kind"]).removesuffix("List")
    if kind and isinstance(item, dict) and not item.get("kind") and not item.get("apiVersion"):
        return {**item, "kind": kind, "apiVersion": containing["apiVersion"]}
    return item


def _list_files(folder: Path) -> Iterator[str]:
    try:
        entries = sorted(folder.iterdir(), key=lambda each: each.name)
    except OSError as error:
        raise _unreadable(str(folder), error) from None
    for entry in entries:
        if entry.is_dir():
            if not entry.is_symlink() and not entry.name.startswith("."):
                yield from _list_files(entry)
        elif entry.suffix in _SUFFIXES:
            yield str(entry)


def _read(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _unreadable(path, error) from None


def _unreadable(path: str, error: OSError) -> UnreadableManifestError:
    return UnreadableManifestError(f"{path}: cannot be read ({error.strerror})")
