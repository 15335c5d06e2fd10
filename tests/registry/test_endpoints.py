"""Where the node asks, with and without a hosts.toml."""

import pytest

from webhook.images.reference import Reference, parse
from webhook.registry.endpoints import Endpoint, HostsFile, find_endpoints, parse_hosts

DIRECTORY = "/etc/containerd/certs.d/registry.example.com"


def endpoints(image: str, hosts: HostsFile | None = None, *, is_insecure: bool = False) -> list[Endpoint]:
    reference = parse(image)
    assert isinstance(reference, Reference)
    return list(find_endpoints(reference, hosts, is_insecure=is_insecure))


def urls(image: str, text: str) -> list[str]:
    return [endpoint.url for endpoint in endpoints(image, parse_hosts(text, DIRECTORY))]


@pytest.mark.parametrize(
    ("image", "is_insecure", "url"),
    [
        ("nginx", False, "https://registry-1.docker.io/v2"),
        ("registry.example.com/a", False, "https://registry.example.com/v2"),
        ("registry.example.com:5000/a", False, "https://registry.example.com:5000/v2"),
        ("foo_bar.com/x", False, "https://foo_bar.com/v2"),
        ("127.0.0.1:5000/a", True, "https://127.0.0.1:5000/v2"),
        ("127.0.0.1:80/a", True, "http://127.0.0.1:80/v2"),
        ("[::1]:5000/a", True, "https://[::1]:5000/v2"),
    ],
)
def test_without_a_hosts_file_the_registry_itself_is_asked(image: str, is_insecure: bool, url: str) -> None:
    (endpoint,) = endpoints(image, is_insecure=is_insecure)

    assert endpoint.url == url
    assert endpoint.namespace == ""
    assert endpoint.may_speak_plain is (is_insecure and url.startswith("https"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('server = "https://up.example.com"', ["https://up.example.com/v2"]),
        ('server = "up.example.com"', ["https://up.example.com/v2"]),
        ('server = "https://up.example.com/v2"', ["https://up.example.com/v2"]),
        ('server = "https://up.example.com/us/"', ["https://up.example.com/us/v2"]),
        ('server = "https://up.example.com/us"\noverride_path = true', ["https://up.example.com/us"]),
        ('server = "http://up.example.com:5000"', ["http://up.example.com:5000/v2"]),
        (
            '[host."https://m1"]\n[host."https://m2"]',
            ["https://m1/v2", "https://m2/v2", "https://registry.example.com/v2"],
        ),
        ('[host."https://m1"]\ncapabilities = ["pull"]', ["https://registry.example.com/v2"]),
        (
            '[host."https://m1"]\ncapabilities = ["pull", "resolve"]',
            ["https://m1/v2", "https://registry.example.com/v2"],
        ),
        ('capabilities = ["push"]', ["https://registry.example.com/v2"]),
        ("", ["https://registry.example.com/v2"]),
    ],
)
def test_a_hosts_file_is_read_as_containerd_reads_it(text: str, expected: list[str]) -> None:
    assert urls("registry.example.com/a:1", text) == expected


def test_a_digest_needs_no_host_that_resolves() -> None:
    text = '[host."https://m1"]\ncapabilities = ["pull"]'

    assert urls(f"registry.example.com/a@sha256:{'a' * 64}", text)[0] == "https://m1/v2"


@pytest.mark.parametrize(
    "text",
    [
        "server = ",
        "server = 7",
        'server = "https://"',
        'capabilities = ["pull", "dance"]',
        '[host."https://m1"]\ncapabilities = "fly"',
        '[host."https://m1"]\nca = 7',
        '[host."https://m1"]\nca = [7]',
        'host = "https://m1"',
        'host = ["https://m1"]',
        'server = "http://up:port"\nca = "x"',
        "a = " + "[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_ignored_as_a_whole(text: str) -> None:
    assert parse_hosts(text, DIRECTORY) is None


def test_trust_is_each_hosts_own() -> None:
    text = 'server = "https://up"\nca = "up.crt"\n[host."https://m1"]\nca = ["/m1.crt", "two.crt"]\nskip_verify = true'
    mirror, server = endpoints("registry.example.com/a:1", parse_hosts(text, DIRECTORY))

    assert mirror.ca_files == ("/m1.crt", f"{DIRECTORY}/two.crt")
    assert mirror.skip_verify
    assert server.ca_files == (f"{DIRECTORY}/up.crt",)
    assert not server.skip_verify


def test_trust_at_the_top_is_the_registrys_own_where_no_server_is_named() -> None:
    (registry,) = endpoints("registry.example.com/a:1", parse_hosts('ca = "up.crt"\nskip_verify = true', DIRECTORY))

    assert registry.url == "https://registry.example.com/v2"
    assert registry.ca_files == (f"{DIRECTORY}/up.crt",)
    assert registry.skip_verify


def test_mirrors_are_told_whose_image_is_wanted_and_are_not_the_registry() -> None:
    text = 'server = "https://registry.example.com"\n[host."https://m1"]'
    mirror, server = endpoints("registry.example.com/a:1", parse_hosts(text, DIRECTORY))

    assert (mirror.namespace, mirror.is_registry) == ("registry.example.com", False)
    assert (server.namespace, server.is_registry) == ("", True)


def test_docker_hubs_own_registry_is_told_nothing() -> None:
    (server,) = endpoints("nginx", parse_hosts('server = "https://registry-1.docker.io"', DIRECTORY))

    assert server.namespace == ""


@pytest.mark.parametrize(
    ("text", "url", "may_speak_plain"),
    [
        ('server = "http://up:5000"\nskip_verify = true', "https://up:5000/v2", True),
        ('server = "http://up:5000"\nca = "up.crt"', "https://up:5000/v2", True),
        ('server = "http://up:80"\nskip_verify = true', "http://up:80/v2", False),
        ('server = "http://up"\nskip_verify = true', "http://up/v2", False),
        ('server = "http://up:5000"', "http://up:5000/v2", False),
    ],
)
def test_plain_http_with_a_tls_configuration_tries_tls_first(text: str, url: str, may_speak_plain: bool) -> None:
    (server,) = endpoints("registry.example.com/a:1", parse_hosts(text, DIRECTORY))

    assert (server.url, server.may_speak_plain) == (url, may_speak_plain)


@pytest.mark.parametrize("key", ["client", "header"])
def test_what_nodes_have_and_we_do_not_is_told(key: str) -> None:
    value = '"x.pem"' if key == "client" else '{x-key = "1"}'
    (server,) = endpoints("registry.example.com/a:1", parse_hosts(f'server = "https://up"\n{key} = {value}', DIRECTORY))

    assert server.undeclared_means == key
