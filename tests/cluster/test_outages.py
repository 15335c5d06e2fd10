"""pullcheck behind a real API server while something goes wrong: the tests in `inside`, each group in its own world."""

import pytest

from tests.cluster.conftest import RunInside


@pytest.mark.parametrize("file", ["test_rollouts.py", "test_outages.py", "test_registry_outages.py"])
def test_the_cluster_goes_on_working(run_inside: RunInside, file: str) -> None:
    code, output = run_inside("api", file)

    assert code == 0, output
