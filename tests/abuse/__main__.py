"""How much longer real reviews take while a webhook is abused: each abuse and quiet in turn.

Run it where nothing else is running: python -m tests.abuse [SECONDS]
"""

import sys
import tempfile
from pathlib import Path

from tests.abuse.abuses import ABUSES
from tests.abuse.stage import Outcome, p99, stage

ROUNDS = 3
MAX_RATIO = 2.0


def main(seconds: str = "5") -> int:
    """Print a line for each abuse; 1 where the p99 of real reviews was twice that without it."""
    is_good = True
    with tempfile.TemporaryDirectory() as folder, stage(Path(folder)) as staged:
        print(f"{staged.memory.resident_mib():4.0f} MiB at first")
        for name, abuse in ABUSES.items():
            outcome = staged.play(abuse, seconds=float(seconds), rounds=ROUNDS)
            print(
                f"{outcome.peak_mib:4.0f} MiB  {name}: {_figures(outcome)} ({outcome.ratio:.1f}), lost {outcome.lost}"
            )
            is_good = is_good and outcome.ratio < MAX_RATIO and not outcome.lost
        print(f"{staged.cage.kills()} kills")
    return 0 if is_good else 1


def _figures(outcome: Outcome) -> str:
    """Write the p99 without and with the abuse; then of those alone that needed no new connection."""
    kept = ([answered for answered in part if not answered.is_new] for part in (outcome.quiet, outcome.during))
    times = [f"{p99(part) * 1000:.1f}" for part in (outcome.quiet, outcome.during, *kept)]
    return f"p99 {times[0]} ms, then {times[1]} ms; over kept connections {times[2]} ms, then {times[3]} ms"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
