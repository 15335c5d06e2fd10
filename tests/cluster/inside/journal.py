"""What pullcheck's log says of reviews, once it has been written."""

import itertools
from dataclasses import dataclass, field
from typing import Any

from tests.cluster.inside.terminal import Terminal
from tests.cluster.pullcheck import NO_REFERENCE, Pullcheck


@dataclass(frozen=True, slots=True)
class Journal:
    """Reads the log from a mark on. A line is written after its answer; those before a later review's are there."""

    terminal: Terminal
    pullcheck: Pullcheck
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def mark(self) -> int:
        """Remember this moment: everything before it is in the log."""
        name = f"mark-{next(self._numbers)}"
        self.terminal.type(f"create deployment {name} --namespace=default --image={NO_REFERENCE} --dry-run=server")
        self.terminal.wait(lambda: self._find(name) is not None, f"the review of {name} is in the log")
        return self._find(name) or 0

    def since(self, mark: int, **wanted: object) -> list[dict[str, Any]]:
        """The reviews between a mark and now with these values, `namespace="shop"` and the like."""
        now = self.mark()
        reviews = self.pullcheck.events("review")[mark + 1 : now]
        return [review for review in reviews if all(review.get(key) == value for key, value in wanted.items())]

    def _find(self, name: str) -> int | None:
        reviews = self.pullcheck.events("review")
        return next((number for number, review in enumerate(reviews) if review["name"] == name), None)
