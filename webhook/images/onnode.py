"""Which images nodes report to have, by any spelling of their names."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import msgspec

from webhook.images.reference import Reference, parse


@dataclass(frozen=True, slots=True)
class NodeImages:
    """The images of all nodes together, normalised as the kubelet does.

    A node reports 50 images at most by default (the kubelet's nodeStatusMaxImages), so an absent one proves nothing.
    """

    tagged: frozenset[str] = frozenset()
    """`docker.io/library/nginx:1.27`."""
    pinned: frozenset[str] = frozenset()
    """`docker.io/library/nginx@sha256:…`."""

    def holds(self, reference: Reference) -> bool:
        """Whether some node reports the image; by digest when the reference has one, as it would be pulled."""
        if reference.digest:
            return f"{reference.repository}@{reference.digest}" in self.pinned
        return f"{reference.repository}:{reference.tag}" in self.tagged


class _Image(msgspec.Struct):
    names: tuple[str | None, ...] | None = None


class _Status(msgspec.Struct):
    images: tuple[_Image | None, ...] | None = None


class _Node(msgspec.Struct):
    status: _Status | None = None


class _NodeList(msgspec.Struct):
    items: tuple[_Node | None, ...] | None = None


_DECODER = msgspec.json.Decoder(_NodeList)


def parse_nodes(body: bytes) -> NodeImages | None:
    """Read a NodeList's JSON; None when it is none. Names that the kubelet could not parse are passed over."""
    try:
        nodes = _DECODER.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    references = [found for name in _names(nodes.items or ()) if isinstance(found := parse(name), Reference)]
    return NodeImages(
        tagged=frozenset(f"{one.repository}:{one.tag}" for one in references if not one.digest),
        pinned=frozenset(f"{one.repository}@{one.digest}" for one in references if one.digest),
    )


def _names(nodes: Iterable[_Node | None]) -> Iterator[str]:
    statuses = (node.status for node in nodes if node and node.status)
    images = (image for status in statuses for image in status.images or () if image)
    return (name for image in images for name in image.names or () if name)
