"""The operator's page names what there is, and nothing else."""

import re
from inspect import getsource
from pathlib import Path
from typing import get_args

from webhook.admission.early import EarlyReason
from webhook.memory import Kind
from webhook.registry.exchange import Fault
from webhook.wire import log
from webhook.wire.telemetry import Telemetry

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "operating.md").read_text()


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> set[str]:
    """The names in the first cell of each line of the tables."""
    cells = re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def metrics() -> set[str]:
    names = re.findall(r"^# TYPE (\S+)", Telemetry(version="1").exposition().decode(), re.MULTILINE)
    return {name.removeprefix("pullcheck_") for name in names if name.startswith("pullcheck_")}


def test_every_metric_is_explained():
    explained = rows(section("Metrics").partition("`outcome` of a request")[0]) - {"pullcheck_…"}
    assert explained == metrics()


def test_every_metric_in_an_alert_exists():
    named = set(re.findall(r"pullcheck_([a-z_]+)", section("Alerts")))
    assert {name.removesuffix("_bucket") for name in named} <= metrics()


def test_every_outcome_and_every_memory_is_explained():
    outcomes = {re.sub(r"(?<!^)([A-Z])", r"_\1", kind.__name__).lower() for kind in get_args(Fault)}
    assert rows(section("Metrics").partition("`outcome` of a request")[2]) == outcomes | {"429"}
    assert all(f"`{kind}`" in section("Metrics") for kind in get_args(Kind))


def test_every_field_of_a_reviews_line_is_explained():
    written = set(re.findall(r'^ {8}"([a-z_]+)":', getsource(log.write_review), re.MULTILINE))
    assert rows(section("The log").partition("The fields of `review`")[2]) == written
    assert all(f"`{reason}`" in section("The log") for reason in EarlyReason)
