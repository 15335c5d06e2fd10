"""The command that gives our side: `python -m tests.truth.ours < CASES > ANSWERS`."""

import base64
import json
import resource
import subprocess
import sys

import pytest

from tests.truth import ours
from tests.truth.cases import draw_cases, write
from tests.truth.configs import encode
from tests.truth.differential import ROOT, is_same
from tests.truth.shrinking import shrink

DIGEST = "sha256:" + "0" * 64


def run(text):
    command = [sys.executable, "-m", "tests.truth.ours"]
    done = subprocess.run(command, cwd=ROOT, input=text, capture_output=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()], done.stderr.decode()


def answer(case):
    return ours.answer_line(json.dumps(case).encode())


def secret(config, kind="kubernetes.io/dockerconfigjson", key=".dockerconfigjson"):
    return {"type": kind, "data": {key: encode(config)}}


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("nginx", {"repo": "docker.io/library/nginx", "tag": "latest"}),
        (f"reg.io/a@{DIGEST}", {"repo": "reg.io/a", "digest": DIGEST}),
        ("a b", {"error": "invalid reference format"}),
    ],
)
def test_a_reference_is_answered_with_its_parts(image, expected):
    assert answer({"op": "reference", "image": image}) == expected


def test_credentials_come_in_the_kubelet_s_order_with_where_they_are_from():
    first = b'{"auths":{"reg.io":{"username":"a","password":"1"},"else.io":{}}}'
    second = b'{"https://reg.io/v2/team":{"auth":"Yjoy"}}'
    secrets = [secret(first), secret(second, "kubernetes.io/dockercfg", ".dockercfg")]

    assert answer({"op": "keyring", "image": "reg.io/team/app", "secrets": secrets}) == {
        "credentials": [
            {"username": "b", "password": "2", "secret": 1, "key": "reg.io/team"},
            {"username": "a", "password": "1", "secret": 0, "key": "reg.io"},
        ]
    }


def test_an_image_that_is_none_is_said_before_a_broken_secret():
    broken = [secret(b"{")]

    assert answer({"op": "keyring", "image": "A", "secrets": broken}).keys() == {"invalid"}
    assert answer({"op": "keyring", "image": "a", "secrets": broken}) == {"error": "unexpected end of JSON input"}


@pytest.mark.parametrize("secrets", [{}, {"secrets": None}, {"secrets": []}, {"secrets": [{}]}])
def test_without_secrets_there_are_no_credentials(secrets):
    assert answer({"op": "keyring", "image": "a"} | secrets) == {"credentials": []}


def test_bytes_that_are_no_utf8_come_out_as_go_writes_them():
    config = b'{"auths":{"docker.io":{"auth":"%s"}}}' % encode(b"\xe2\x82:\xed\xa0\x80").encode()
    (credential,) = answer({"op": "keyring", "image": "a", "secrets": [secret(config)]})["credentials"]

    assert (credential["username"], credential["password"]) == ("\ufffd" * 2, "\ufffd" * 3)


@pytest.mark.parametrize(("pattern", "expected"), [("*.io", True), ("reg.io/b", False), ("?", False)])
def test_a_pattern_is_answered_with_whether_it_matches(pattern, expected):
    assert answer({"op": "match", "pattern": pattern, "image": "reg.io/a"}) == {"matched": expected}


def test_a_config_is_answered_with_its_entries():
    good, bad = encode(b'{"auths":{"reg.io":{"username":"u"}}}'), encode(b'{"auths":[]}')

    assert answer({"op": "config", "body": good}) == {"entries": {"reg.io": {"username": "u", "password": ""}}}
    assert "array" in answer({"op": "config", "body": bad})["error"]


def test_every_line_gets_one_answer_and_stray_ones_disturb_no_other():
    good = b'{"op":"reference","image":"a"}'
    stray = (
        *(b"", b"{", b"[]", b"1", b"\xff", b'{"op":"reference"}', b'{"op":"else"}', b'{"op":"config","body":"?"}'),
        *(b'{"op":"match","pattern":1,"image":"a"}', b"[" * 100_000 + b"]" * 100_000, b"[" * 9_000 + b"]" * 9_000),
        b'{"op":"keyring","image":"a","secrets":[{"data":{"x":"?"}}]}',
    )
    answers, errors = run(b"\n".join([good, *stray, good]))

    assert answers[0] == answers[-1] == {"repo": "docker.io/library/a", "tag": "latest"}
    assert [one["error"][:9] for one in answers[1:-1]] == ["no case: "] * len(stray)
    assert errors == f"lines that are no case: {len(stray)}\n"


def test_a_lone_surrogate_and_bytes_that_are_no_utf8_are_read_as_go_reads_them():
    for image in (b"\\ud800A", b"\xffA"):
        (given,), _ = run(b'{"op":"reference","image":"%s"}' % image)
        assert given["error"] == "invalid reference format: repository name (library/\ufffdA) must be lowercase"


def test_nothing_to_answer_is_no_fault():
    assert run(b"") == ([], "")


def test_at_least_5000_cases_are_answered_in_a_second():
    lines = b"".join(write(case) + b"\n" for case in draw_cases(1, 20_000))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run(lines)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)

    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 4


def credential(username="u", secret=0, key="reg.io"):
    return {"username": username, "password": "p", "secret": secret, "key": key}


@pytest.mark.parametrize(
    ("theirs", "own", "expected"),
    [
        ([credential("a"), credential("b")], [credential("b"), credential("a")], True),
        ([credential("a", 0), credential("b", 1)], [credential("b", 1), credential("a", 0)], False),
        ([credential("a", key="x"), credential(key="y")], [credential(key="y"), credential("a", key="x")], False),
        ([credential()], [credential("other")], False),
        ([credential()], [credential(), credential()], False),
        ([credential()], [], False),
    ],
)
def test_only_the_order_that_is_random_in_go_is_not_compared(theirs, own, expected):
    assert is_same({"credentials": theirs}, {"credentials": own}) is expected


def test_a_reason_is_compared_but_for_the_length_and_characters_of_the_name_that_it_quotes():
    words = "invalid reference format: repository name ({}) must be lowercase"

    assert is_same({"error": words.format("A" * 300)}, answer({"op": "reference", "image": f"reg.io/{'A' * 300}"}))
    assert not is_same({"error": words.format("A")}, {"error": words.format("B")})
    assert not is_same({"error": "a"}, {"error": "b"})


def test_a_case_is_shrunk_to_what_shows():
    case = {"op": "keyring", "image": "reg.io/a", "secrets": [secret(b"{}"), secret(b'{"auths":{"reg.io":{}}}')]}

    def shows(candidate):
        bodies = [base64.b64decode(one["data"][".dockerconfigjson"]) for one in candidate["secrets"]]
        return "." in candidate["image"] and any(b"io" in body for body in bodies)

    assert shrink(case, shows) == {"op": "keyring", "image": ".", "secrets": [secret(b"io")]}
