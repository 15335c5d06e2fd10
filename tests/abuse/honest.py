"""The registry of the real reviews' image, in a process of its own: it must not wait for those who abuse."""

import sys
from pathlib import Path

from tests.fakes import images
from tests.fakes.certificates import Pair
from tests.fakes.registry import FakeRegistry

IMAGE = "team/app:1"


def main(certificate: str, key: str) -> None:
    """Say the address, and serve until standard input ends."""
    pair = Pair(Path(certificate), Path(key), Path(certificate))
    with FakeRegistry(tls=pair.server_context()) as registry:
        registry.add(IMAGE, images.single("app"))
        print(registry.address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
