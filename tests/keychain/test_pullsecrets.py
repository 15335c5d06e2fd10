"""Which pull secrets a pod offers, by what a Kubernetes API server and the kubelet do."""

import base64
import json

import pytest

from webhook.images.reference import Reference
from webhook.keychain import pullsecrets
from webhook.keychain.dockerconfig import MAX_BYTES, Entries, IgnoredSecret, parse_node_config
from webhook.keychain.pullsecrets import (
    AbsentSecret,
    AbsentServiceAccount,
    PullSecret,
    ServiceAccount,
    UnreadableSecret,
    UnreadableServiceAccount,
    Wanted,
)

JSON_TYPE = "kubernetes.io/dockerconfigjson"
HUB = "docker.io"
NGINX = Reference("docker.io/library/nginx", "latest")


def secret(name: str, *keys: str, password: str = "") -> PullSecret:
    auth = base64.b64encode(f"{name}:{password}".encode()).decode()
    return raw_secret(name, json.dumps({"auths": {key: {"auth": auth} for key in keys}}))


def raw_secret(name: str, body: str, secret_type: str = JSON_TYPE) -> PullSecret:
    return PullSecret(name, secret_type, {".dockerconfigjson": body.encode()})


def node() -> Entries:
    entries = parse_node_config(b'{"auths":{"docker.io":{"username":"node","password":"p"}}}')
    assert isinstance(entries, Entries)
    return entries


def offered(*secrets: pullsecrets.SecretState) -> list[str]:
    credentials = pullsecrets.assemble(secrets, node()).credentials_for(NGINX)
    return [credential.username for credential in credentials]


@pytest.mark.parametrize(
    ("pod", "account", "is_completed", "expected"),
    [
        pytest.param((), ("a", "b"), False, ("a", "b"), id="a new pod without a list gets the account's"),
        pytest.param(("x",), ("a", "b"), False, ("x",), id="a list of its own is not merged"),
        pytest.param(("",), ("a",), False, (), id="an empty name is a list"),
        pytest.param((), (), False, (), id="an account without a list"),
        pytest.param((), ("a",), True, (), id="a completed pod gets nothing more"),
        pytest.param(("a", "b"), ("c",), True, ("a", "b"), id="a completed pod keeps its list"),
        pytest.param(("a", "", "a"), (), False, ("a", "a"), id="repeats stay, empty names are skipped"),
        pytest.param((), ("a", "", "a"), False, ("a", "a"), id="of the account's list too"),
    ],
)
def test_the_service_account_s_list_counts_exactly_when_the_pod_would_get_it(pod, account, is_completed, expected):
    wants = pullsecrets.wanted(pod, "builder", is_completed=is_completed)

    assert pullsecrets.merged(wants, account) == expected


@pytest.mark.parametrize(
    ("pod", "service_account", "is_completed", "expected"),
    [
        ((), "", False, Wanted((), "default")),
        ((), "builder", False, Wanted((), "builder")),
        (("x",), "builder", False, Wanted(("x",), None)),
        ((), "builder", True, Wanted((), None)),
    ],
)
def test_the_service_account_is_asked_for_only_when_its_list_counts(pod, service_account, is_completed, expected):
    assert pullsecrets.wanted(pod, service_account, is_completed=is_completed) == expected


@pytest.mark.parametrize("name", ["a", "regcred", "reg.cred-1", "0", "a" * 253])
def test_a_dns_subdomain_is_an_object_s_name(name):
    assert pullsecrets.is_object_name(name)


@pytest.mark.parametrize(
    "name", ["", "..", "a/b", "../a", "A", "a_b", "-a", "a-", "a..b", ".a", "a.", "a%2f", "a\n", "é", "a" * 254]
)
def test_no_path_is_built_from_any_other_name(name):
    assert not pullsecrets.is_object_name(name)


@pytest.mark.parametrize(
    ("account", "expected"),
    [
        (AbsentServiceAccount("default"), ServiceAccount("default")),
        (AbsentServiceAccount("builder"), AbsentServiceAccount("builder")),
        (UnreadableServiceAccount("default", "x"), UnreadableServiceAccount("default", "x")),
        (ServiceAccount("default", ("a",)), ServiceAccount("default", ("a",))),
    ],
)
def test_only_an_absent_default_is_taken_for_one_without_pull_secrets(account, expected):
    assert pullsecrets.presume_default(account) == expected


def test_credentials_under_one_key_keep_the_order_of_the_secrets_and_the_node_comes_last():
    assert offered(secret("s1", HUB), secret("s2", HUB)) == ["s1", "s2", "node"]


def test_the_order_of_keys_beats_the_order_of_secrets():
    assert offered(secret("s1", HUB), secret("s2", "docker.io/library")) == ["s2", "s1", "node"]


def test_a_secret_for_another_registry_is_not_offered():
    assert offered(secret("s1", "other.io")) == ["node"]


def test_a_secret_named_twice_is_tried_twice():
    assert offered(secret("s1", HUB), secret("s1", HUB)) == ["s1", "s1", "node"]


def test_each_keyring_falls_back_to_docker_hub_s_old_key_by_itself():
    assert offered(secret("s1", "https://index.docker.io/v1/")) == ["s1", "node"]


@pytest.mark.parametrize("entry", ["{}", "null", '{"identitytoken":"x"}', '{"registrytoken":"x"}'])
def test_an_empty_entry_counts_as_a_credential(entry):
    assert offered(raw_secret("s1", f'{{"auths":{{"docker.io":{entry}}}}}')) == ["", "node"]


@pytest.mark.parametrize("body", ['{"auths":null}', "null", '{"docker.io":{"auth":"dTpw"}}'])
def test_a_secret_without_auths_offers_nothing(body):
    assert offered(raw_secret("s1", body)) == ["node"]


def test_without_anything_nothing_is_offered():
    assert pullsecrets.assemble([]).credentials_for(NGINX) == ()


@pytest.mark.parametrize("position", [0, 1])
def test_a_malformed_secret_fails_the_lookup_as_a_whole(position):
    secrets = [secret("good", HUB)]
    secrets.insert(position, raw_secret("bad", '{"auths":{"other.io":{"auth":"!!!"}}}'))
    chain = pullsecrets.assemble(secrets, node())

    assert chain.malformed is not None
    assert (chain.malformed.name, chain.malformed.go_error) == ("bad", "illegal base64 data at input byte 0")
    assert chain.credentials_for(NGINX) == ()


def test_the_first_malformed_secret_is_the_one_that_the_kubelet_names():
    chain = pullsecrets.assemble([raw_secret("b", "["), raw_secret("a", "{")])

    assert chain.malformed is not None
    assert chain.malformed.name == "b"


@pytest.mark.parametrize("body", ['{"auths":{"docker.io":{"auth":"dTpw"}}}', "{"])
def test_an_ignored_secret_is_told_once_and_offers_nothing(body):
    opaque = raw_secret("s1", body, "Opaque")
    chain = pullsecrets.assemble([opaque, opaque], node())

    assert [(one.name, type(one)) for one in chain.ignored] == [("s1", IgnoredSecret)]
    assert chain.malformed is None
    assert not chain.is_incomplete


def test_absent_and_unreadable_secrets_are_told_once_and_the_others_still_count():
    chain = pullsecrets.assemble(
        [AbsentSecret("b"), secret("s1", HUB), UnreadableSecret("a", "timed out"), AbsentSecret("b")]
    )

    assert chain.absent == ("b", "a")
    assert chain.unreadable == {"a": "timed out"}
    assert chain.is_incomplete
    assert [credential.username for credential in chain.credentials_for(NGINX)] == ["s1"]


@pytest.mark.parametrize(
    ("account", "is_incomplete"),
    [
        (None, False),
        (ServiceAccount("builder"), False),
        (AbsentServiceAccount("builder"), True),
        (UnreadableServiceAccount("builder", "timed out"), True),
    ],
)
def test_a_keychain_is_incomplete_without_the_service_account_s_list(account, is_incomplete):
    chain = pullsecrets.assemble([], account=account)

    assert chain.is_incomplete is is_incomplete
    assert chain.absent_account == (account if is_incomplete else None)


def test_a_keychain_tells_which_hosts_a_secret_is_for():
    chain = pullsecrets.assemble([secret("s1", "https://reg.io/v1", "b"), secret("s2"), AbsentSecret("s3")])

    assert chain.secret_hosts == {"s1": ("https://reg.io/v1", "b"), "s2": ()}


def test_nothing_secret_shows_in_a_keychain_s_repr_or_in_a_secret_s():
    regcred = secret("s1", HUB, password="hunter2")
    chain = pullsecrets.assemble([regcred])

    assert chain.credentials_for(NGINX)[0].password == "hunter2"
    for text in (repr(regcred), repr(chain)):
        assert "hunter2" not in text
        assert base64.b64encode(b"s1:hunter2").decode() not in text


@pytest.mark.parametrize(
    ("kind", "data", "kept"),
    [
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": b"{}", "other": b"x"}, {".dockerconfigjson": b"{}"}),
        ("kubernetes.io/dockercfg", {".dockerconfigjson": b"{}"}, {}),
        ("Opaque", {".dockerconfigjson": b"{}"}, {}),
        (
            "kubernetes.io/dockercfg",
            {".dockercfg": b" " * 3 * MAX_BYTES},
            {".dockercfg": b" " * (MAX_BYTES + 1)},
        ),
    ],
    ids=["what counts", "of another kind", "of none", "too large"],
)
def test_a_reduced_secret_holds_what_counts_and_means_the_same(
    kind: str, data: dict[str, bytes], kept: dict[str, bytes]
) -> None:
    secret = PullSecret("a", kind, data)

    assert secret.reduced() == PullSecret("a", kind, kept)
    assert secret.reduced().config == secret.config
