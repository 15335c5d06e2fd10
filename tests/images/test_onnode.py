"""What nodes report to have."""

import json

import pytest

from webhook.images.onnode import NodeImages, parse_nodes
from webhook.images.reference import Reference, parse

DIGEST = "sha256:" + "a" * 64


def nodes(*names: str | None) -> bytes:
    images = [{"names": [name], "sizeBytes": 7} for name in names]
    return json.dumps({"kind": "NodeList", "items": [{"status": {"images": images}}]}).encode()


def holds(body: bytes, image: str) -> bool:
    reference, found = parse(image), parse_nodes(body)
    assert isinstance(reference, Reference)
    assert found is not None
    return found.holds(reference)


@pytest.mark.parametrize("spelling", ["nginx:1.27", "docker.io/nginx:1.27", "index.docker.io/library/nginx:1.27"])
@pytest.mark.parametrize("reported", ["docker.io/library/nginx:1.27", "nginx:1.27"])
def test_an_image_is_known_by_any_spelling(spelling: str, reported: str) -> None:
    assert holds(nodes(reported), spelling)


def test_a_tag_is_no_other_tag_and_no_digest() -> None:
    body = nodes("docker.io/library/nginx:1.27", f"docker.io/library/nginx@{DIGEST}")

    assert not holds(body, "nginx:1.28")
    assert not holds(body, "other:1.27")
    assert holds(body, f"nginx@{DIGEST}")
    assert holds(body, f"nginx:gone@{DIGEST}")
    assert not holds(body, "nginx@sha256:" + "b" * 64)


def test_what_is_empty_or_no_reference_is_passed_over() -> None:
    images = b'[null,{},{"names":null},{"names":[null,"UPPER","a:1"]}]'
    body = b'{"items":[null,{},{"status":null},{"status":{"images":' + images + b"}}]}"

    assert parse_nodes(body) == NodeImages(tagged=frozenset({"docker.io/library/a:1"}))
    assert parse_nodes(b'{"items":null}') == NodeImages()


@pytest.mark.parametrize("body", [b"", b"[]", b'{"items":7}', b"[" * 200_000, b'{"items":[{"status":"\xff"}]}'])
def test_what_is_no_list_of_nodes_tells_nothing(body: bytes) -> None:
    assert parse_nodes(body) is None
