"""`python -m tests.tenants --steps 100000` plays random steps of two tenants, and says what became of the claims."""

import argparse
import sys
import time

from tests.tenants.claims import check

MAX_SHOWN_FAULTS = 10


def main() -> int:
    """Play, and print the figures; the exit code is 1 where a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m tests.tenants", description=__doc__)
    parser.add_argument("--steps", type=int, default=100_000, help="reviews and changes together")
    parser.add_argument("--seed", type=int, default=0, help="of the first world")
    options = parser.parse_args()
    begin = time.monotonic()
    outcome = check(options.steps, seed=options.seed)
    for fault in outcome.faults[:MAX_SHOWN_FAULTS]:
        print(fault)
    for name, count in sorted(outcome.counts.items()):
        print(f"{count:>9,}  {name}")
    print(
        f"{outcome.steps:,} steps in {outcome.worlds:,} worlds, {outcome.compared:,} answers compared, "
        f"{len(outcome.faults):,} faults, {time.monotonic() - begin:.0f} s"
    )
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    sys.exit(main())
