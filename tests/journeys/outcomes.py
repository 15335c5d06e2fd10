"""What a test reads out of an answer."""

import json

from tests.fakes.apiserver import Outcome


def images(outcome: Outcome) -> dict[str, str]:
    """The resolution of each image, by its field, from the audit annotation."""
    assert outcome.audit is not None
    return {entry["field"]: entry["resolution"] for entry in json.loads(outcome.audit["images"])}


def resolutions(outcome: Outcome) -> list[str]:
    return list(images(outcome).values())
