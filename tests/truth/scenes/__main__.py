"""`python -m tests.truth.scenes [NAME…]` prints scenes as they are applied; without a name, the names of all."""

import sys

import yaml

from tests.truth.scenes import table


def main(names: list[str]) -> int:
    """Print them."""
    scenes = {scene.name: scene for scene in table()}
    if not names:
        print("\n".join(f"{scene.name}\t{scene.title}" for scene in scenes.values()))
    if unknown := [name for name in names if name not in scenes]:
        print(f"scenes: there is none called {unknown[0]}", file=sys.stderr)
        return 2
    print(yaml.safe_dump_all(each for name in names for each in (*scenes[name].support, scenes[name].workload)), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
