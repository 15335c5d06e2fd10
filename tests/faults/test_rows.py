"""Every row of the table of faults has its tests, and they exist."""

import ast
from pathlib import Path
from typing import get_args

import pytest

from tests.faults.fault import Row
from tests.faults.rows import ROWS
from tests.faults.table import DENIED, FAULTS

TESTS = Path(__file__).parents[1]
AMOUNT = 30


def functions_of(file: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.FunctionDef)}


def test_no_row_is_forgotten() -> None:
    assert len(ROWS) == AMOUNT
    assert all(covered.tests for covered in ROWS.values())


@pytest.mark.parametrize("row", ROWS)
def test_the_tests_of_a_row_exist(row: str) -> None:
    named = [test.split("::") for test in ROWS[row].tests]
    assert [test for file, test in named if test not in functions_of(TESTS / file)] == []


def test_every_fault_that_is_played_belongs_to_a_row() -> None:
    assert set(get_args(Row)) <= set(ROWS)
    assert {fault.row for fault in (*FAULTS, *DENIED)} | {"pull secret", "API server"} == set(get_args(Row))
