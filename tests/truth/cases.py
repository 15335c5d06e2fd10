"""Random cases for both sides, and how a case is written. `python -m tests.truth.cases 100 --seed 1` prints some."""

import argparse
import json
from collections.abc import Iterator
from random import Random

from tests.truth.configs import draw_config, draw_secret, encode
from tests.truth.images import draw_image, draw_plain_image
from tests.truth.keys import draw_class, draw_pattern, draw_target
from tests.truth.randomness import chance, count, weighted

Case = dict[str, object]
_SHARES = ((0.48, "keyring"), (0.27, "reference"), (0.2, "match"), (0.05, "config"))


def draw_case(random: Random) -> Case:
    """Draw a case of some kind; the same numbers give the same case."""
    operation = weighted(random, _SHARES)
    if operation == "reference":
        return {"op": operation, "image": draw_image(random)}
    image = draw_plain_image(random)
    if operation == "keyring":
        return {"op": operation, "image": image, "secrets": _draw_secrets(random, image)}
    if operation == "match" and chance(random, 0.15):
        pattern, target = draw_class(random)
        return {"op": operation, "pattern": pattern, "image": target}
    if operation == "match":
        target = draw_target(random, image)
        return {"op": operation, "pattern": draw_pattern(random, target), "image": target}
    return {"op": operation, "body": encode(draw_config(random, image))}


def draw_cases(seed: int, amount: int) -> Iterator[Case]:
    """Draw many cases; the same seed gives the same ones."""
    random = Random(seed)  # noqa: S311 (nothing is secret here)
    return (draw_case(random) for _ in range(amount))


def write(case: Case) -> bytes:
    """Write a case as its line."""
    return json.dumps(case).encode()


def _draw_secrets(random: Random, image: str) -> list[Case]:
    """Draw the secrets of one pod; their keys are for the image as the keyring looks it up."""
    first = image.partition("/")[0]
    if "/" not in image:
        target = f"docker.io/library/{image}"
    elif "." in first or ":" in first or first == "localhost" or chance(random, 0.05):
        target = image
    else:
        target = f"docker.io/{image}"
    return [draw_secret(random, target) for _ in range(1 + count(random, 4))]


def main() -> None:
    """Print cases."""
    parser = argparse.ArgumentParser(prog="python -m tests.truth.cases", description=main.__doc__)
    parser.add_argument("amount", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for case in draw_cases(options.seed, options.amount):
        print(write(case).decode())


if __name__ == "__main__":
    main()
