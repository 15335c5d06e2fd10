"""Random cases, answered by our stages and by the kubelet's own code."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.truth import kubelet, ours
from tests.truth.cases import draw_case, draw_cases
from tests.truth.configs import encode
from tests.truth.differential import compare, play, shrunk

CASES = 100_000
SEED = 4
SECRET_KEYS = {"kubernetes.io/dockerconfigjson": ".dockerconfigjson", "kubernetes.io/dockercfg": ".dockercfg"}
SOME = settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def require_oracle():
    if obstacle := kubelet.find_obstacle():
        pytest.skip(obstacle)


@pytest.fixture(scope="module")
def oracle():
    require_oracle()
    with kubelet.running() as process:
        yield process


@pytest.fixture(scope="module")
def outcome():
    require_oracle()
    return play(draw_cases(SEED, CASES))


def keyring_case(image, kind, config):
    return {"op": "keyring", "image": image, "secrets": [{"type": kind, "data": {SECRET_KEYS[kind]: encode(config)}}]}


def test_our_stages_answer_random_cases_as_the_kubelet_does(outcome):
    assert outcome.cases == CASES
    assert not outcome.differences, "\n".join(str(shrunk(difference)) for difference in outcome.shown)


@pytest.mark.parametrize(
    ("kind", "least_share"),
    [
        ("reference: read", 0.1),
        ("reference: error", 0.05),
        ("keyring: several credentials", 0.08),
        ("keyring: one credential", 0.08),
        ("keyring: no credential", 0.08),
        ("keyring: error", 0.05),
        ("keyring: invalid", 0.01),
        ("match: matched", 0.05),
        ("match: not matched", 0.05),
        ("config: read", 0.02),
        ("config: error", 0.005),
    ],
)
def test_random_cases_reach_every_kind_of_answer_often(outcome, kind, least_share):
    assert outcome.kinds[kind] > least_share * CASES


@SOME
@given(st.randoms(use_true_random=False))
def test_no_drawn_case_is_answered_otherwise(oracle, random):
    difference = compare(oracle, draw_case(random))
    assert not difference, str(difference)


@SOME
@given(st.text())
def test_no_text_is_another_image(oracle, text):
    difference = compare(oracle, {"op": "reference", "image": text})
    assert not difference, str(difference)


@SOME
@given(st.sampled_from(sorted(SECRET_KEYS)), st.binary())
def test_no_bytes_are_another_secret(oracle, kind, body):
    difference = compare(oracle, keyring_case("nginx", kind, body))
    assert not difference, str(difference)


@SOME
@given(st.text(), st.sampled_from(["", "?", "#", "/", "@"]), st.sampled_from(["reg.io", "[::1]:80", "docker.io", "a"]))
def test_no_text_is_another_key(oracle, text, before, host):
    for key in (f"{host}{before}{text}", f"{text}{before}{host}"):
        config = json.dumps({key: {"username": "u"}}).encode()
        difference = compare(oracle, keyring_case(f"{host}/x", "kubernetes.io/dockercfg", config))
        assert not difference, str(difference)


@SOME
@given(st.text(), st.text())
def test_no_text_matches_otherwise(oracle, pattern, image):
    difference = compare(oracle, {"op": "match", "pattern": pattern, "image": image})
    assert not difference, str(difference)


@SOME
@given(st.binary(), st.sampled_from(["", "=", "==", "\n", "=\n", " "]))
def test_no_auth_is_another_login(oracle, login, after):
    for auth in (encode(login), encode(login).rstrip("="), encode(b"u:" + login)):
        config = json.dumps({"auths": {"reg.io": {"auth": auth + after}}}).encode()
        difference = compare(oracle, keyring_case("reg.io/x", "kubernetes.io/dockerconfigjson", config))
        assert not difference, str(difference)


def test_both_sides_take_the_same_lines_for_none_of_their_cases(oracle):
    for line in (b"", b"{", b"[]", b'{"op":"reference","image":1}', b'{"op":"else"}', b'{"op":"config","body":"?"}'):
        for answer in (oracle.answer(line), ours.answer_line(line)):
            assert str(answer["error"]).startswith("no case: ")
