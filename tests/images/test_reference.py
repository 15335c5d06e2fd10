"""The reference grammar, by the vectors that the kubelet's own packages gave."""

import time

import pytest

from webhook.images import reference
from webhook.images.reference import InvalidReference, Reference

HEX = "0123456789abcdef" * 4
SHA256 = f"sha256:{HEX}"
SHA384 = f"sha384:{HEX}{HEX[:32]}"
SHA512 = f"sha512:{HEX}{HEX}"
HUB = "docker.io/library"
FORMAT = "invalid reference format"
TOO_LONG = "repository name must not be more than 255 characters"


def must_be_lowercase(name):
    return f"invalid reference format: repository name ({name}) must be lowercase"


@pytest.mark.parametrize(
    ("image", "repository", "tag", "digest"),
    [
        ("nginx", f"{HUB}/nginx", "latest", ""),
        ("docker.io/nginx", f"{HUB}/nginx", "latest", ""),
        ("index.docker.io/nginx", f"{HUB}/nginx", "latest", ""),
        ("index.docker.io/foo/bar", "docker.io/foo/bar", "latest", ""),
        ("registry-1.docker.io/library/nginx", "registry-1.docker.io/library/nginx", "latest", ""),
        ("foo/bar", "docker.io/foo/bar", "latest", ""),
        ("foo_bar/x", "docker.io/foo_bar/x", "latest", ""),
        ("foo_bar.com/x", "foo_bar.com/x", "latest", ""),
        ("localhost/foo", "localhost/foo", "latest", ""),
        ("localhost", f"{HUB}/localhost", "latest", ""),
        ("localhost:5000", f"{HUB}/localhost", "5000", ""),
        ("reg.io", f"{HUB}/reg.io", "latest", ""),
        ("reg.io:5000", f"{HUB}/reg.io", "5000", ""),
        ("reg.io:5000/a/b:tag", "reg.io:5000/a/b", "tag", ""),
        ("Foo/bar", "Foo/bar", "latest", ""),
        ("FOO/bar", "FOO/bar", "latest", ""),
        ("LOCALHOST/foo", "LOCALHOST/foo", "latest", ""),
        ("DOCKER.IO/nginx", "DOCKER.IO/nginx", "latest", ""),
        ("nginx:LATEST", f"{HUB}/nginx", "LATEST", ""),
        (f"nginx@{SHA256}", f"{HUB}/nginx", "", SHA256),
        (f"nginx:1.0@{SHA256}", f"{HUB}/nginx", "1.0", SHA256),
        (f"foo:latest@{SHA256}", f"{HUB}/foo", "latest", SHA256),
        (f"nginx@{SHA384}", f"{HUB}/nginx", "", SHA384),
        (f"nginx@{SHA512}", f"{HUB}/nginx", "", SHA512),
        (f"sha256:{HEX}", f"{HUB}/sha256", HEX, ""),
        (f"foo/{HEX}", f"docker.io/foo/{HEX}", "latest", ""),
        (HEX[1:], f"{HUB}/{HEX[1:]}", "latest", ""),
        ("reg.io:99999/foo", "reg.io:99999/foo", "latest", ""),
        ("a--b", f"{HUB}/a--b", "latest", ""),
        ("a__b", f"{HUB}/a__b", "latest", ""),
        ("foo.com/a_b-c.d", "foo.com/a_b-c.d", "latest", ""),
        ("nginx:_x", f"{HUB}/nginx", "_x", ""),
        ("nginx:" + "t" * 128, f"{HUB}/nginx", "t" * 128, ""),
        ("reg.io/" + "a" * 255, "reg.io/" + "a" * 255, "latest", ""),
        ("a" * 247, f"{HUB}/" + "a" * 247, "latest", ""),
        ("[::1]:5000/foo", "[::1]:5000/foo", "latest", ""),
        ("[2001:db8::1]/foo:v1", "[2001:db8::1]/foo", "v1", ""),
        ("docker.io", f"{HUB}/docker.io", "latest", ""),
        ("a/b/c/d/e", "docker.io/a/b/c/d/e", "latest", ""),
        ("docker.io/library/a/b", "docker.io/library/a/b", "latest", ""),
        ("xn--n3h.com/x", "xn--n3h.com/x", "latest", ""),
    ],
)
def test_a_reference_is_normalised_as_the_kubelet_does(image, repository, tag, digest):
    assert reference.parse(image) == Reference(repository, tag, digest)


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        ("NGINX", must_be_lowercase("library/NGINX")),
        ("foo.com/Bar", must_be_lowercase("Bar")),
        ("nginx@sha256:abc", FORMAT),
        (f"nginx@sha256:{'A' * 64}", "invalid checksum digest format"),
        (f"nginx@md5:{HEX[:32]}", "unsupported digest algorithm"),
        (f"nginx:1@MD5:{HEX[:32]}", "invalid checksum digest format"),
        (f"nginx@sha256:{HEX[:32]}", "invalid checksum digest length"),
        (f"gcr.io/p/i@{SHA256}:tag", FORMAT),
        (HEX, f"invalid repository name ({HEX}), cannot specify 64-byte hexadecimal strings"),
        *((image, FORMAT) for image in ("", " ", " nginx", "nginx ", "nginx:", "nginx@", "nginx:a:b", "nginx\n")),
        *((image, FORMAT) for image in ("https://reg.io/foo", "reg.io//foo", "/foo", "foo/", "user@reg.io/foo")),
        *((image, FORMAT) for image in ("reg.io:abc/foo", "reg.io:/foo", "a:b/c", "reg.io:5000:tag")),
        *((image, FORMAT) for image in ("a___b", "a..b", "a._b", "-a", "a-", "a.-b/c", "nginx:.x", "nginx:-x")),
        ("nginx:" + "t" * 129, FORMAT),
        ("reg.io/" + "a" * 256, TOO_LONG),
        ("a" * 248, TOO_LONG),
        ("[2001:db8::1%eth0]/foo", FORMAT),
        ("docker.io/", FORMAT),
        ("ünicode", FORMAT),
        ("foo_BAR.com/x", "repository name must be lowercase"),
        ("nginx:\u212a", "repository name must be lowercase"),
        ("\u0130.com/x", "repository name must be lowercase"),
    ],
)
def test_what_the_kubelet_cannot_parse_is_invalid_in_its_own_words(image, reason):
    assert reference.parse(image) == InvalidReference(reason)


def test_a_reason_is_bounded_and_free_of_control_and_format_characters():
    parsed = reference.parse("\x1b[31m\u202e" + "A" * 300)

    assert isinstance(parsed, InvalidReference)
    assert len(parsed.reason) <= reference.MAX_REASON_CHARACTERS
    assert parsed.reason.isprintable()
    assert parsed.reason.endswith("A…) must be lowercase")


@pytest.mark.parametrize(
    "image",
    [
        "a" * 1_000_000,
        "a-" * 500_000,
        "a/" * 500_000,
        "a_" * 500_000 + "/B",
        "a.b/" + "-" * 1_000_000,
        "a-" * 500_000 + ".b/x",
        "a." * 500_000 + "/x",
        "a.b/x@" + "a." * 500_000,
        "a.b/x@a:" + "0" * 1_000_000,
        ":" * 1_000_000,
        "A" * 1_000_000,
    ],
    ids=lambda image: image[:10],
)
def test_a_megabyte_of_hostile_image_takes_linear_time(image):
    began = time.process_time()

    assert isinstance(reference.parse(image), InvalidReference)
    assert time.process_time() - began < 1, "backtracking would take minutes"


@pytest.mark.parametrize(
    ("image", "registry", "path", "wanted"),
    [
        ("nginx", "docker.io", "library/nginx", "latest"),
        ("reg.io:5000/a/b:tag", "reg.io:5000", "a/b", "tag"),
        (f"reg.io/a:tag@{SHA256}", "reg.io", "a", SHA256),
        ("foo_bar.com/x", "foo_bar.com", "x", "latest"),
    ],
)
def test_a_reference_knows_its_registry_its_path_and_what_the_runtime_asks_for(image, registry, path, wanted):
    parsed = reference.parse(image)

    assert isinstance(parsed, Reference)
    assert (parsed.registry, parsed.path, parsed.wanted) == (registry, path, wanted)


@pytest.mark.parametrize("text", ["reg.io/a:tag", f"reg.io/a@{SHA256}", f"reg.io/a:tag@{SHA256}"])
def test_a_reference_reads_as_it_was_written(text):
    assert str(reference.parse(text)) == text


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        (f"nginx:latest@{SHA256}", "Always"),
        ("nginx:LATEST", "IfNotPresent"),
        ("nginx:1.0", "IfNotPresent"),
        (f"nginx@{SHA256}", "IfNotPresent"),
        ("NGINX:latest", "IfNotPresent"),
        ("", "IfNotPresent"),
    ],
)
def test_the_pull_policy_defaults_as_the_api_server_does(image, policy):
    assert reference.default_pull_policy(image) == policy


@pytest.mark.parametrize("digest", [SHA256, SHA384, SHA512])
def test_a_digest_of_a_linked_algorithm_is_one(digest):
    assert reference.is_digest(digest)


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEX,
        "sha256:",
        f":{HEX}",
        f"sha256:{HEX[1:]}",
        f"sha256:{HEX}0",
        f"sha256:{HEX[1:]}g",
        f"sha256:{HEX.upper()}",
        f"SHA256:{HEX}",
        f"md5:{HEX[:32]}",
        f"{SHA256}\n",
        f" {SHA256}",
        f"sha256:{HEX[1:]}é",
    ],
)
def test_all_else_is_no_digest(text):
    assert not reference.is_digest(text)
