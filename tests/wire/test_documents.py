"""Texts into values: what kubectl reads the same, what is refused and where."""

import json

import pytest

from webhook.wire.documents import MalformedDocumentError, read_json, read_yaml

GO = {
    "1e3": 1000,
    "010": 8,
    "0o7": 7,
    "0x1F": 31,
    "0b11": 3,
    "0777": 511,
    "08": 8,
    "1_000": 1000,
    "-0x1f": -31,
    "+5": 5,
    "1.": 1,
    ".5": 0.5,
    "1.0": 1,
    "1.27": 1.27,
    "1.5e3": 1500,
    "12e03": 12000,
    "1e22": 1e22,
    "2024-01-01": "2024-01-01",
    "1:30": "1:30",
    "190:20:30": "190:20:30",
    "2001:db8::1": "2001:db8::1",
    "1.2.3": "1.2.3",
    "0b": "0b",
    "1e": "1e",
    "yes": True,
    "y": True,
    "Y": True,
    "on": True,
    "No": False,
    "n": False,
    "nUll": "nUll",
    "~": None,
    "Null": None,
    "": None,
    "=": "=",
    "<<": "<<",
    "'no'": "no",
    "!!str 5": "5",
    "!!int '5'": 5,
    "!!float 3": 3,
    "!!binary YQ==": "a",
    "v1": "v1",
}
"""What sigs.k8s.io/yaml 1.6 (kubectl's) makes of a scalar."""


@pytest.mark.parametrize(("scalar", "value"), GO.items())
def test_a_scalar_is_what_go_makes_of_it(scalar: str, value: object) -> None:
    [(_, document)] = read_yaml(f"a: {scalar}")
    assert json.dumps(document) == json.dumps({"a": value})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1: x\ntrue: x\n1.5: x\nyes: x", {"1": "x", "true": "x", "1.5": "x"}),
        ("a: 1\na: 2", {"a": 2}),
        ("a: &x {q: 1}\nb: {<<: *x, r: 2}", {"a": {"q": 1}, "b": {"q": 1, "r": 2}}),
        ("a: &x 1\nb: [*x, *x]", {"a": 1, "b": [1, 1]}),
        ("&a x: &b [1]\ny: *b", {"x": [1], "true": [1]}),
    ],
)
def test_maps_are_what_go_makes_of_them(text: str, value: object) -> None:
    assert [document for _, document in read_yaml(text)] == [value]


def test_documents_come_with_the_line_where_they_begin() -> None:
    assert list(read_yaml("# a\n---\n---\n\na: 1\n---\nb: 2\n")) == [(3, None), (5, {"a": 1}), (7, {"b": 2})]
    assert list(read_json('\n{"a": 1}\n\n {"b":\n2} 3')) == [(2, {"a": 1}), (4, {"b": 2}), (5, 3)]
    assert list(read_json("  ")) == []


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("a: b\n c: d", 2, "is not YAML (mapping values are not allowed in this context)"),
        ("a: 1\n---\nb: *hunter2", 3, "is not YAML (found undefined alias)"),
        ("a:\n\t- b", 2, "is not YAML (found character that cannot start any token)"),
        ("é: é\nb: \x07", 2, "is not YAML (a control character)"),
        ("b: 1\na: !secret hunter2", 2, "is not YAML (could not determine a constructor for the tag …)"),
        ("a: !!timestamp 2024-01-01", 1, "is not YAML (could not determine a constructor for the tag …)"),
        ("? [a]\n: b", 1, "is not YAML (a key is no scalar)"),
        ("\na: .inf", 2, "holds a value that does not fit its tag, or a number that JSON does not have"),
        ("a: 1e400", 1, "holds a value that does not fit its tag, or a number that JSON does not have"),
        ("a: .NaN", 1, "holds a value that does not fit its tag, or a number that JSON does not have"),
        ("a: !!bool hunter2", 1, "holds a value that does not fit its tag, or a number that JSON does not have"),
        ("a: !!int ''", 1, "holds a value that does not fit its tag, or a number that JSON does not have"),
        ("a: " + "9" * 5000, 1, "holds a value that does not fit its tag, or a number that JSON does not have"),
        ("[" * 100_000, 1, "is not YAML (exceeded maximum nesting depth)"),
        ("x: 1\na: &a [*a]", 1, "has an alias within its own anchor"),
        ("x: 1\na: &a {b: {c: *a}}", 1, "has an alias within its own anchor"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line_and_without_its_words(text: str, line: int, reason: str) -> None:
    with pytest.raises(MalformedDocumentError) as caught:
        list(read_yaml(text))
    assert (caught.value.line, str(caught.value)) == (line, reason)


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ('{"a": 1}\n{"b": hunter2}', 2, "is not JSON (Expecting value)"),
        ('{"a": 1,\n"b"}', 2, "is not JSON (Expecting … delimiter)"),
        ('\n{"a": NaN}', 2, "holds a value that does not fit its tag, or a number that JSON does not have"),
        (
            '{"a": ' + "9" * 5000 + "}",
            1,
            "holds a value that does not fit its tag, or a number that JSON does not have",
        ),
        ('{"a": ' + "[" * 100_000, 1, "is nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused_with_its_line_and_without_its_words(text: str, line: int, reason: str) -> None:
    with pytest.raises(MalformedDocumentError) as caught:
        list(read_json(text))
    assert (caught.value.line, str(caught.value)) == (line, reason)


def _laughs(levels: int) -> str:
    lines = ["a0: &a0 lol"]
    lines += [f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, levels)]
    return "\n".join(lines)


def test_a_document_that_aliases_blow_up_is_refused_before_it_grows() -> None:
    for text in (_laughs(9), _laughs(300), f"a: &a {'x' * 2**20}\nb: [{', '.join(['*a'] * 70)}]"):
        with pytest.raises(MalformedDocumentError, match="grows too large through its aliases"):
            list(read_yaml(text))


def test_a_document_that_aliases_enlarge_within_reason_is_read() -> None:
    [(_, document)] = read_yaml(_laughs(5))
    assert json.dumps(document).count("lol") == 11111
