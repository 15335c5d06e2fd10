"""The keyring, by the vectors that the kubelet's own packages gave."""

import time

import pytest

from webhook.images import reference
from webhook.images.reference import Reference
from webhook.keychain import matching
from webhook.keychain.credential import Credential

NGINX = "nginx"
HUB = "https://index.docker.io/v1/"


def found(image: str, *keys: str) -> list[str]:
    """Look an image up in a keyring that has a credential named after each key."""
    parsed = reference.parse(image)
    assert isinstance(parsed, Reference)
    keyring = matching.build((key, Credential(key, "password")) for key in keys)
    return [credential.username for credential in keyring.lookup(parsed.repository)]


@pytest.mark.parametrize(
    ("key", "image"),
    [
        (HUB, NGINX),
        ("https://index.docker.io/v2/", NGINX),
        ("index.docker.io", NGINX),
        ("docker.io", NGINX),
        ("https://docker.io/v1/", NGINX),
        ("*.io", NGINX),
        ("docker.io/library", NGINX),
        ("docker.io/lib", NGINX),
        ("docker.io/library/nginx", NGINX),
        ("gcr.io/foo", "gcr.io/foobar/img"),
        ("https://reg.io:5000/v2/", "reg.io:5000/foo"),
        ("reg.io/v2/", "reg.io/foo"),
        ("reg.io/v2/foo", "reg.io/foo/x"),
        ("reg.io/v1/foo", "reg.io/foo/x"),
        ("reg.io/v2/v2/foo", "reg.io/v2/foo/x"),
        ("http://reg.io", "reg.io/foo"),
        ("*.example.com", "a.example.com/x"),
        ("*.*.example.com", "a.b.example.com/x"),
        ("a*.example.com", "abc.example.com/x"),
        ("*.example.com:5000", "a.example.com:5000/x"),
        ("[2001:db8::1]:5000", "[2001:db8::1]:5000/foo"),
        ("10.*.0.1:5000", "10.9.0.1:5000/foo"),
        ("user:pw@reg.io", "reg.io/foo"),
        ("reg.io?x=y", "reg.io/foo"),
        ("reg.io:", "reg.io/foo"),
        ("reg.io/foo%2fbar", "reg.io/foo/bar/x"),
        ("reg.io/foo%252fbar", "reg.io/foo/bar/x"),
        ("reg.io/foo%3Fbar", "reg.io/foo/x"),
        ("index.docker.io", "localhost/foo"),
        ("index.docker.io", "FOO/bar"),
        ("foo_bar.com", "foo_bar.com/x"),
        ("[2001:db8::A]", "A/foo"),
    ],
)
def test_a_key_opens_the_image(key, image):
    assert found(image, key) == [key]


@pytest.mark.parametrize(
    ("key", "image"),
    [
        ("https://index.docker.io/v1", NGINX),
        ("registry-1.docker.io", NGINX),
        ("*.docker.io", NGINX),
        ("*", NGINX),
        ("docker.io/nginx", NGINX),
        ("index.docker.io/library", NGINX),
        ("docker.io/library/nginx:latest", NGINX),
        ("gcr.io/foo/", "gcr.io/foobar/img"),
        ("gcr.io/foo/", "gcr.io/foo"),
        ("reg.io", "reg.io:5000/foo"),
        ("reg.io:443", "reg.io/foo"),
        ("reg.io", "reg.io:443/foo"),
        ("reg.io:0443", "reg.io:443/foo"),
        ("reg.io/v2", "reg.io/foo"),
        ("HTTPS://reg.io", "reg.io/foo"),
        ("oci://reg.io", "reg.io/foo"),
        ("REG.io", "reg.io/foo"),
        ("reg.io", "REG.io/foo"),
        ("*.example.com", "a.b.example.com/x"),
        ("*.example.com", "example.com/x"),
        ("a?c.example.com", "abc.example.com/x"),
        ("[a-c]bc.example.com", "abc.example.com/x"),
        ("*.example.com:*", "a.example.com:5000/x"),
        ("example.com/*", "example.com/team1/x"),
        ("example.com/team*", "example.com/team1/x"),
        ("[2001:db8::1]", "[2001:db8::1]/foo"),
        ("reg.io/a/../b", "reg.io/b/x"),
        ("reg.io/%zz", "reg.io/foo"),
        ("reg.io/%25zz", "reg.io/foo"),
        ("index.docker.io", "reg.io/foo"),
        ("index.docker.io", "reg:5000/foo"),
        ("[::ffff:1.2.3.4]", "A.2.3.4/foo"),
        ("[2001:db8::A]", "B/foo"),
        ("index.docker.io", "[1:2]/foo"),
        *((key, image) for key in ("", "https://", " reg.io") for image in (NGINX, "reg.io/foo", "localhost/foo")),
    ],
)
def test_a_key_does_not_open_the_image(key, image):
    assert found(image, key) == []


@pytest.mark.parametrize(
    ("image", "keys"),
    [
        (NGINX, ["docker.io"]),
        ("gcr.io/foo/img", ["gcr.io/foo/img", "gcr.io/foo", "gcr.io", "*.io"]),
        ("prefix-1.example.com/x", ["prefix-1.example.com", "prefix-*.example.com", "*.example.com"]),
        ("reg.io/a/b", ["reg.io/a/b", "reg.io/a", "reg.io"]),
    ],
)
def test_keys_are_tried_in_reverse_byte_order(image, keys):
    others = [HUB, "reg.io/a-b", "quay.io"]

    assert found(image, *sorted(keys), *others) == keys
    assert found(image, *others, *keys) == keys


def test_docker_hub_s_old_key_counts_only_when_no_key_matched():
    assert found(NGINX, "docker.io", HUB) == ["docker.io"]
    assert found(NGINX, "docker.io/other", HUB) == [HUB]


def test_credentials_under_one_key_keep_the_order_of_the_configs():
    keys = ["reg.io", "https://reg.io/v1/", "http://reg.io/"]

    assert found("reg.io/foo", *keys) == keys
    assert found("reg.io/foo", *reversed(keys)) == keys[::-1]


def test_a_found_credential_carries_the_keyring_s_form_of_its_key():
    keyring = matching.build([("https://reg.io:5000/v2/team", Credential("u", "p", "regcred"))])

    assert keyring.lookup("reg.io:5000/team/app") == (Credential("u", "p", "regcred", "reg.io:5000/team"),)


@pytest.mark.parametrize(("repository", "expected"), [("nginx", True), ("", False), ("/x", False)])
def test_a_repository_of_one_segment_is_docker_hub_s_and_an_empty_one_nobody_s(repository, expected):
    keyring = matching.build([(HUB, Credential("u", "p"))])

    assert bool(keyring.lookup(repository)) is expected


@pytest.mark.parametrize(
    ("pattern", "repository", "expected"),
    [
        ("*.azurecr.io", "foo.azurecr.io/a", True),
        ("*.azurecr.io", "azurecr.io/a", False),
        ("*.gcr.io", "gcr.io/a", False),
        ("*.pkg.dev", "us-docker.pkg.dev/p/r/i", True),
        ("registry.io:8080/path", "registry.io:8080/pathology/x", True),
        ("*", "localhost/foo", True),
        ("*.*", "docker.io/library/nginx", True),
        ("index.docker.io", "docker.io/library/nginx", False),
        ("https://gcr.io", "gcr.io/a", False),
        ("*.dkr.ecr.*.amazonaws.com", "123.dkr.ecr.us-east-1.amazonaws.com/x", True),
        ("*.dkr.ecr.*.amazonaws.com", "123.dkr.ecr.us-east-1.amazonaws.com.cn/x", False),
        ("reg.io:*", "reg.io:5000/x", False),
        ("reg.io", "[1:2]/x", False),
        ("\ud800", "reg.io/x", False),
    ],
)
def test_a_pattern_matches_as_match_images_does(pattern, repository, expected):
    assert matching.matches(pattern, repository) is expected


@pytest.mark.parametrize(
    ("pattern", "label", "expected"),
    [
        ("a*b*c", "abc", True),
        ("a*b*c", "aXbXXc", True),
        ("a*b*c", "aXcXb", False),
        ("a*bc*c", "abc", False),
        ("ab*ba", "aba", False),
        ("*a", "ba", True),
        ("*a", "ab", False),
        ("a*", "b", False),
        ("**a**", "xay", True),
        ("*", "x", True),
        ("[fe80::1%252525x-z]*c", "Abc", False),
        ("[fe80::1%252525x-z]", "Y", False),
        ("[fe80::1%252525X-Z]", "Y", True),
        ("[fe80::1%252525Z-X]", "Y", False),
        ("[fe80::1%252525X-]", "X", False),
    ],
)
def test_a_label_matches_as_a_file_name_does_in_go(pattern, label, expected):
    """A key's escapes are decoded twice: by the index, then by the match; a pattern's only once."""
    assert bool(found(f"{label.upper()}/x", pattern.upper() if "[" not in pattern else pattern)) is expected


@pytest.mark.parametrize(("text", "expected"), [("*.example.com/team", True), ("reg.io:*", False), ("a b", False)])
def test_a_pattern_is_one_when_it_is_a_url(text, expected):
    assert matching.is_pattern(text) is expected


def test_hostile_keys_take_linear_time():
    key, label = "*a" * 200_000 + ".io", "A" * 400_000
    began = time.process_time()

    assert not found(f"{label}.io/x", key)
    assert time.process_time() - began < 2, "backtracking would never end"
