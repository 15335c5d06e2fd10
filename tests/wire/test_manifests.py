"""Manifests: which files are read, what is an object, and where a fault is."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from webhook.wire import manifests
from webhook.wire.manifests import UnreadableManifestError, parse_manifests, read_manifests

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n"


def _names(found: tuple[manifests.Manifest, ...]) -> list[tuple[str, str]]:
    return [(Path(each.source).name, str(json.loads(each.encode())["metadata"]["name"])) for each in found]


def _kinds(body: str, source: str = "a.yaml") -> list[tuple[str, str]]:
    return [(each.api_version, each.kind) for each in parse_manifests(body.encode(), source)]


def _fault(body: bytes, source: str = "a.yaml") -> str:
    with pytest.raises(UnreadableManifestError) as caught:
        list(parse_manifests(body, source))
    return str(caught.value)


def test_a_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "deploy.txt"
    path.write_text(POD % "a")
    [manifest] = read_manifests(str(path))
    assert (manifest.source, manifest.kind, manifest.api_version) == (str(path), "Pod", "v1")


def test_the_source_is_the_path_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "deploy.yaml").write_text(POD % "a")
    monkeypatch.chdir(tmp_path)
    assert [each.source for each in read_manifests("./deploy.yaml")] == ["./deploy.yaml"]


def test_a_folder_is_read_in_the_order_of_names_with_all_its_folders(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/z.yml", "a/y/x.json", "c.json", "README.md", "values.YAML", ".git/config.yaml"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            POD % path.stem if path.suffix != ".json" else '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"j"}}'
        )
    (tmp_path / "d").symlink_to(tmp_path / "a")
    (tmp_path / "e.yaml").symlink_to(tmp_path / "b.yaml")
    assert [name for name, _ in _names(read_manifests(str(tmp_path)))] == [
        "x.json",
        "z.yml",
        "b.yaml",
        "c.json",
        "e.yaml",
    ]


def test_the_standard_input_is_read() -> None:
    code = "from webhook.wire.manifests import read_manifests; print([(m.source, m.kind) for m in read_manifests('-')])"
    done = subprocess.run([sys.executable, "-c", code], input=POD % "a", text=True, capture_output=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("[('-', 'Pod')]", "")


def test_documents_are_numbered_and_empty_ones_count() -> None:
    body = f"---\n# nothing\n---\n{POD % 'a'}---\n---\n{POD % 'b'}"
    found = list(parse_manifests(body.encode(), "a.yaml"))
    assert [(each.position.document, each.position.line) for each in found] == [(2, 4), (4, 9)]


def test_a_byte_order_mark_is_no_content() -> None:
    assert _kinds("\ufeff" + POD % "a") == [("v1", "Pod")]


def test_json_documents_may_follow_each_other() -> None:
    assert _kinds('{"apiVersion":"v1","kind":"A"}\n {"apiVersion":"v2","kind":"B"}', "-") == [("v1", "A"), ("v2", "B")]


def test_yaml_may_begin_as_json_does() -> None:
    assert _kinds("{apiVersion: v1, kind: Pod}\n---\n{apiVersion: v1, kind: Pod}") == [("v1", "Pod"), ("v1", "Pod")]


@pytest.mark.parametrize(
    ("body", "kinds"),
    [
        ("{apiVersion: v1, kind: List, items: [{apiVersion: a, kind: B}, {apiVersion: c, kind: D}]}", ["B", "D"]),
        ("{apiVersion: v1, kind: List, items: []}", []),
        ("{apiVersion: v1, kind: List, items: null}", ["List"]),
        ("{apiVersion: v1, kind: PodList, items: [{metadata: {}}, {apiVersion: v1, kind: Node}]}", ["Pod", "Node"]),
        ("{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: PodList, items: [{}]}]}", ["Pod"]),
    ],
)
def test_lists_are_their_items(body: str, kinds: list[str]) -> None:
    assert [kind for _, kind in _kinds(body)] == kinds


def test_lists_may_nest_as_deeply_as_they_like() -> None:
    body = '{"apiVersion":"v1","kind":"List","items":[' * 400 + "]}" * 400
    assert _kinds(body) == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"kind: Pod", "a.yaml: document 1, line 1: has no apiVersion"),
        (b"apiVersion: v1\n---\napiVersion: v1", "a.yaml: document 1, line 1: has no kind"),
        (b"{apiVersion: v1, kind: A}\n---\n\nkind: ''\napiVersion: v1", "a.yaml: document 2, line 4: has no kind"),
        (b"apiVersion: 1\nkind: Pod", "a.yaml: document 1, line 1: has no apiVersion"),
        (b"- a", "a.yaml: document 1, line 1: is no object"),
        (b"hunter2", "a.yaml: document 1, line 1: is no object"),
        (b"{apiVersion: v1, kind: List, items: [null]}", "a.yaml: document 1, line 1: is no object"),
        (b"{apiVersion: v1, kind: List, items: [{}]}", "a.yaml: document 1, line 1: has no kind"),
        (b"{apiVersion: v1, kind: A}\n---\na: *b", "a.yaml: document 2, line 3: is not YAML (found undefined alias)"),
        (b"a: 1\nb: \xff", "a.yaml: line 2: is not UTF-8"),
        (b'{"kind": ]', "a.yaml: document 1, line 1: is not YAML (did not find expected node content)"),
    ],
)
def test_a_fault_names_file_document_and_line(body: bytes, fault: str) -> None:
    assert _fault(body) == fault


def test_a_fault_in_json_is_told_as_json_where_the_name_says_so() -> None:
    assert _fault(b'{"kind": }', "a.json") == "a.json: document 1, line 1: is not JSON (Expecting value)"


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    with path.open("wb") as file:
        file.truncate(manifests.MAX_FILE_BYTES + 1)
    with pytest.raises(UnreadableManifestError, match=r"a\.yaml: larger than 64 MiB$"):
        read_manifests(str(path))


def test_a_file_that_cannot_be_opened_says_why(tmp_path: Path) -> None:
    with pytest.raises(UnreadableManifestError, match=r"nowhere\.yaml: cannot be read \(No such file or directory\)$"):
        read_manifests(str(tmp_path / "nowhere.yaml"))


def test_a_folder_that_cannot_be_listed_says_why(tmp_path: Path) -> None:
    with pytest.raises(UnreadableManifestError, match=r"gone: cannot be read \(No such file or directory\)$"):
        list(manifests._list_files(tmp_path / "gone"))


def test_what_aliases_nest_too_deeply_cannot_be_written() -> None:
    lines = ["apiVersion: v1", "kind: A", "a0: &a0 x", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 3000))]
    [manifest] = parse_manifests("\n".join(lines).encode(), "a.yaml")
    with pytest.raises(UnreadableManifestError, match=r"^a\.yaml: document 1, line 1: is nested too deeply$"):
        manifest.encode()
