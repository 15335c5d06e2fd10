"""The settings file and the environment, and what is said when they cannot be read."""

from pathlib import Path

import pytest

from webhook.settings import SettingsError, sources


def _fault(tmp_path: Path, body: bytes) -> str:
    path = tmp_path / "pullcheck.yaml"
    path.write_bytes(body)
    with pytest.raises(SettingsError) as caught:
        sources.read_file(path)
    return str(caught.value).replace(str(tmp_path), "DIR")


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"mode: warn\n  listen: x\n", "line 2: cannot be read as YAML (mapping values are not allowed here)"),
        (b"tls:\n\tkey: a\n", "line 2: cannot be read as YAML (found character … that cannot start any token)"),
        (b"mode: warn\nlisten: [\n", "line 3: cannot be read as YAML (expected the node content, but found …)"),
        (b"mode: *hunter2\n", "line 1: cannot be read as YAML (found undefined alias …)"),
        (b"a: !secret x\n", "line 1: cannot be read as YAML (could not determine a constructor for the tag …)"),
        (b"mode: a\ntls: {}\nmode: b\n", "line 3: cannot be read as YAML (a key is given twice)"),
        (b"tls:\n  key: a\n  key: b\n", "line 3: cannot be read as YAML (a key is given twice)"),
        (b"? [a]\n: b\n", "line 1: cannot be read as YAML (found unhashable key)"),
        (b"mode: a\n---\nmode: b\n", "line 2: cannot be read as YAML (but found another document)"),
        (b"mode: warn\nlisten: \x07\n", "line 2: cannot be read as YAML (a control character)"),
        (b"mode: warn\nlisten: \xff\n", "line 2: expected UTF-8"),
        (b"- mode\n", "expected a map of settings"),
        (b"#" * (sources.MAX_FILE_BYTES + 1), "expected at most 1048576 bytes"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_the_line(tmp_path: Path, body: bytes, fault: str) -> None:
    assert _fault(tmp_path, body) == f"settings: DIR/pullcheck.yaml: {fault}"


@pytest.mark.parametrize(("name", "reason"), [("nowhere.yaml", "No such file or directory"), ("", "Is a directory")])
def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(SettingsError, match=rf"cannot be read \({reason}\)$"):
        sources.read_file(tmp_path / name)


@pytest.mark.parametrize(
    ("body", "tree"), [("", {}), ("# nothing\n", {}), ("a:\nb: {c: null, d: 1}\n", {"b": {"d": 1}})]
)
def test_what_has_no_value_is_not_given(tmp_path: Path, body: str, tree: dict[str, object]) -> None:
    path = tmp_path / "pullcheck.yaml"
    path.write_text(body)
    assert sources.read_file(path) == tree


def test_trees_are_laid_over_each_other_section_by_section() -> None:
    below = {"a": {"b": 1, "c": [1, 2]}, "d": 1, "e": {"f": 1}}
    above = {"a": {"c": [3]}, "d": {"g": 1}, "h": 1}
    assert sources.merge(below, above) == {"a": {"b": 1, "c": [3]}, "d": {"g": 1}, "e": {"f": 1}, "h": 1}


def test_variables_are_told_apart_by_the_keys() -> None:
    environ = {"PULLCHECK_A__B": "1", "PULLCHECK_A__C": "2", "PULLCHECK_CONFIG": "x", "pullcheck_a": "3", "HOME": "/"}
    assert sources.split_environment(environ, ["a", "a.b"]) == ({"PULLCHECK_A__B": "1"}, ("PULLCHECK_A__C",))
