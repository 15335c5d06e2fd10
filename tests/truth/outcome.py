"""What became of a scene on the node, and what the webhook said."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from tests.truth.standins.stage import Record

Decision = Literal["allow", "warn", "deny"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A scene, played on both sides."""

    name: str
    has_pulled: bool
    """Whether the node got every image that the workload names."""
    node_words: str
    """What it says of the first that it did not get."""
    runs: bool
    """Whether the pod starts: it may, though an image is missing that no container waits for."""
    decision: Decision
    words: tuple[str, ...]
    """The webhook's, as kubectl prints them."""
    node_requests: tuple[Record, ...]
    requests: tuple[Record, ...]
    """The webhook's."""
    second_decision: Decision
    second_words: tuple[str, ...]
    second_requests: tuple[Record, ...]
    """The same for another tenant, right after the first."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Outcome":
        lists: dict[str, Sequence[Any]] = {
            **{name: tuple(document[name]) for name in ("words", "second_words")},
            **{
                name: tuple(Record(**each) for each in document[name])
                for name in ("node_requests", "requests", "second_requests")
            },
        }
        return cls(**document | lists)
