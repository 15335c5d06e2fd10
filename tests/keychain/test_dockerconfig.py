"""Pull secrets, by what the kubelet's own packages made of them."""

import base64
import json
import re

import pytest

from webhook.keychain import dockerconfig
from webhook.keychain.credential import Credential
from webhook.keychain.dockerconfig import (
    MAX_BYTES,
    MAX_LOGINS,
    MAX_PIECES,
    Entries,
    IgnoredSecret,
    MalformedConfig,
    MalformedSecret,
    OversizedSecret,
    ReadSecret,
)

JSON_TYPE, JSON_KEY = "kubernetes.io/dockerconfigjson", ".dockerconfigjson"
LEGACY_TYPE, LEGACY_KEY = "kubernetes.io/dockercfg", ".dockercfg"
HIDDEN = "hunter2"
NO_COLON = "unable to parse auth field, must be formatted as base64(username:password)"
ENTRY = "credentialprovider.dockerConfigEntryWithAuth"
VALUE = "Go value of type credentialprovider"
MAP = "credentialprovider.DockerConfig"
FIELD = "Go struct field DockerConfigJSON"
HEADERS = f"{FIELD}.HttpHeaders of type map[string]string"


def number_into(field: str) -> str:
    return f"number into {FIELD}.{field} of type string"


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def read(body: str | bytes, secret_type: str = JSON_TYPE) -> ReadSecret:
    key = LEGACY_KEY if secret_type == LEGACY_TYPE else JSON_KEY
    return dockerconfig.parse_secret("regcred", secret_type, {key: body if isinstance(body, bytes) else body.encode()})


def logins(body: str | bytes, secret_type: str = JSON_TYPE) -> list[tuple[str, str, str]]:
    entries = read(body, secret_type)
    assert isinstance(entries, Entries)
    return [(key, credential.username, credential.password) for key, credential in entries.logins]


def login(entry: str) -> tuple[str, str]:
    ((_, username, password),) = logins(f'{{"auths":{{"reg.io":{entry}}}}}')
    return username, password


def malformed(body: str | bytes, secret_type: str = JSON_TYPE) -> MalformedSecret:
    secret = read(body, secret_type)
    assert isinstance(secret, MalformedSecret)
    return secret


def test_both_types_of_secret_are_read():
    entry = json.dumps({"reg.io": {"username": "u", "password": "p"}})

    assert logins(f'{{"auths":{entry}}}') == [("reg.io", "u", "p")]
    assert logins(entry, LEGACY_TYPE) == [("reg.io", "u", "p")]


def test_a_login_says_which_secret_it_comes_from():
    secret = read('{"auths":{"reg.io":{"username":"u","password":"p"}}}')

    assert secret == Entries("regcred", (("reg.io", Credential("u", "p", "regcred")),))


@pytest.mark.parametrize("auth", ["dTpwMQ==", "dTpwMQ", "dTpwMQ==\\n", "dTpwMQ\\n", "dTp\\nwMQ==", "dTpwMR=="])
def test_auth_is_decoded_with_or_without_padding_and_past_newlines(auth):
    assert login(f'{{"auth":"{auth}"}}') == ("u", "p1")


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"username": "x", "password": "y", "auth": encoded("u:p")}, ("u", "p")),
        ({"username": "x", "password": "y", "auth": ""}, ("x", "y")),
        ({"auth": encoded("u:a:b")}, ("u", "a:b")),
        ({"auth": encoded(":")}, ("", "")),
        ({"auth": encoded("u:")}, ("u", "")),
        ({"auth": encoded(b"u:p\xe4ss")}, ("u", "p\udce4ss")),
        ({"identitytoken": "x", "registrytoken": "y"}, ("", "")),
        ({"username": "u", "password": "p", "identitytoken": 1, "email": "a@b"}, ("u", "p")),
        ({}, ("", "")),
        (None, ("", "")),
    ],
)
def test_an_entry_is_read_as_the_kubelet_reads_it(entry, expected):
    assert login(json.dumps(entry)) == expected


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ('{"Auth":"dTpw"}', ("u", "p")),
        ('{"USERNAME":"u","pa\u017f\u017fword":"p"}', ("u", "p")),
        ('{"username":"a","username":"u"}', ("u", "")),
        ('{"username":"a","UserName":"u"}', ("u", "")),
        ('{"username":"u","username":null}', ("u", "")),
        ('{"username":"\\ud800"}', ("\ufffd", "")),
    ],
)
def test_fields_are_found_and_repeated_as_in_go(entry, expected):
    assert login(entry) == expected


@pytest.mark.parametrize(
    "body",
    [
        *("null", "{}", '{"auths":null}', '{"auths":{}}'),
        '{"reg.io":{"auth":"dTpw"}}',
        '{"credsStore":"x","credHelpers":{"reg.io":"y"}}',
        '{"auths":{"reg.io":{}},"AUTHS":null}',
        *('{"HttpHeaders":null}', '{"HttpHeaders":{"a":"b","c":null}}'),
    ],
)
def test_a_config_without_auths_holds_nothing_and_is_sound(body):
    assert logins(body) == []


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"AUTHS":{"docker.io":{"Auth":"dTpw"}}}', [("docker.io", "u", "p")]),
        ('{"auths":{"a":{"username":"1"},"b":{},"a":{"username":"2"}}}', [("a", "2", ""), ("b", "", "")]),
        ('{"auths":{"a":{"username":"1"}},"auths":{"b":{}}}', [("a", "1", ""), ("b", "", "")]),
        ('{"auths":{"a":{}},"auths":null,"auths":{"b":{}}}', [("b", "", "")]),
        ('{"auths":{"a":{"username":"1","password":"2"},"a":{"username":"3"}}}', [("a", "3", "")]),
    ],
)
def test_repeated_names_are_merged_or_replaced_as_in_go(body, expected):
    assert logins(body) == expected


def test_a_new_config_in_the_old_type_is_an_entry_for_a_host_called_auths():
    assert logins('{"auths":{"docker.io":{"auth":"dTpw"}}}', LEGACY_TYPE) == [("auths", "", "")]


@pytest.mark.parametrize(
    ("secret_type", "key", "reason"),
    [
        ("Opaque", JSON_KEY, f"its type is Opaque, not {JSON_TYPE} or {LEGACY_TYPE}"),
        ("", JSON_KEY, f"its type is empty, not {JSON_TYPE} or {LEGACY_TYPE}"),
        (JSON_TYPE, LEGACY_KEY, f"it has no {JSON_KEY}"),
        (LEGACY_TYPE, JSON_KEY, f"it has no {LEGACY_KEY}"),
    ],
)
@pytest.mark.parametrize("body", [b'{"auths":{}}', b"{"])
def test_another_type_or_key_is_ignored_whatever_it_holds(secret_type, key, reason, body):
    assert dockerconfig.parse_secret("x", secret_type, {key: body}) == IgnoredSecret("x", reason)


def test_an_empty_value_is_ignored():
    assert read("") == IgnoredSecret("regcred", f"it has no {JSON_KEY}")


def test_a_type_is_shown_bounded_and_clean():
    ignored = dockerconfig.parse_secret("x", "\x1b[31m" + "y" * 1000, {})

    assert isinstance(ignored, IgnoredSecret)
    assert ignored.reason.isprintable()
    assert len(ignored.reason) < 200


@pytest.mark.parametrize(
    ("auth", "reason", "go_error"),
    [
        ("!!!", "is not base64", "illegal base64 data at input byte 0"),
        ("dTpwMQ== ", "is not base64", "illegal base64 data at input byte 8"),
        ("dTo_Pz8_", "is not base64", "illegal base64 data at input byte 3"),
        ("dTpw=", "is not base64", "illegal base64 data at input byte 4"),
        ("dTpwMQ==\x1f", "is not base64", "illegal base64 data at input byte 6"),
        ("dTpwMQ==\u2003", "is not base64", "illegal base64 data at input byte 8"),
        (encoded("abc"), "is not the base64 of username:password", NO_COLON),
        ("\n", "is not the base64 of username:password", NO_COLON),
    ],
)
def test_one_bad_auth_breaks_the_whole_secret(auth, reason, go_error):
    body = json.dumps({"auths": {"docker.io": {"auth": "dTpw"}, "other.io": {"auth": auth}}})

    assert read(body) == MalformedSecret("regcred", JSON_KEY, f"the auth of other.io {reason}", go_error)


@pytest.mark.parametrize(
    ("body", "reason", "go_error"),
    [
        ("[]", "it is an array, not an object", f"array into {VALUE}.DockerConfigJSON"),
        ('{"auths":[]}', "auths is an array, not an object", f"array into {FIELD}.auths of type {MAP}"),
        ('{"auths":{"a":1}}', "a is a number, not an object", f"number into {FIELD}.auths of type {ENTRY}"),
        ('{"auths":{"a":{"auth":1}}}', "the auth of a is a number, not a string", number_into("auths.auth")),
        ('{"auths":{"a":{"Email":2}}}', "the email of a is a number, not a string", number_into("auths.email")),
        ('{"HttpHeaders":{"a":1}}', "a value of HttpHeaders is a number, not a string", number_into("HttpHeaders")),
        ('{"HttpHeaders":true}', "HttpHeaders is a bool, not an object", f"bool into {HEADERS}"),
    ],
)
def test_a_wrong_type_breaks_the_secret_in_our_words_and_in_go_s(body, reason, go_error):
    assert read(body) == MalformedSecret("regcred", JSON_KEY, reason, f"json: cannot unmarshal {go_error}")


@pytest.mark.parametrize(
    ("body", "go_error"),
    [
        ("1", f"number into {VALUE}.DockerConfig"),
        ('{"a":"x"}', f"string into Go value of type {ENTRY}"),
        ('{"a":{"password":[]}}', "array into Go struct field dockerConfigEntryWithAuth.password of type string"),
    ],
)
def test_go_names_the_old_type_s_fields_otherwise(body, go_error):
    secret = malformed(body, LEGACY_TYPE)

    assert (secret.key, secret.go_error) == (LEGACY_KEY, f"json: cannot unmarshal {go_error}")


@pytest.mark.parametrize(
    ("body", "go_error"),
    [
        ("{", "unexpected end of JSON input"),
        ("\ufeff{}", "invalid character 'ï' looking for beginning of value"),
        ("{} {}", "invalid character '{' after top-level value"),
    ],
)
def test_what_is_no_json_breaks_the_secret(body, go_error):
    assert read(body) == MalformedSecret("regcred", JSON_KEY, "it is no JSON", go_error)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('{"auths":1,"HttpHeaders":2}', "auths is a number, not an object"),
        ('{"HttpHeaders":{"a":1,"b":true},"auths":1}', "a value of HttpHeaders is a number, not a string"),
        ('{"HttpHeaders":2,"auths":{"a":{"auth":"!"}}}', "the auth of a is not base64"),
        ('{"auths":{"a":{"auth":"!"},"b":{"auth":1}}}', "the auth of a is not base64"),
        ('{"auths":{"a":{"auth":"!","email":1}}}', "the email of a is a number, not a string"),
        ('{"auths":{"a":{"auth":"!"},"a":{}}}', "the auth of a is not base64"),
        ('{"auths":{"a":{"auth":"!"}},"auths":null}', "the auth of a is not base64"),
        ('{"auths":{"a":{"auth":"!"}},', "it is no JSON"),
    ],
)
def test_of_several_faults_the_one_is_named_that_go_names(body, reason):
    assert malformed(body).reason == reason


@pytest.mark.parametrize(
    "auths",
    [
        {f"https://user:{HIDDEN}@reg.io": {"auth": "!"}},
        {f"https://user:{HIDDEN}/@reg.io?{HIDDEN}": {"auth": 1}},
        {"reg.io": {"auth": encoded(HIDDEN)}},
        {"reg.io": {"auth": f"{HIDDEN}!"}},
        {"reg.io": {"username": {HIDDEN: 1}}},
        {"reg.io": HIDDEN},
        HIDDEN,
    ],
)
def test_nothing_secret_shows_in_what_is_said_of_a_malformed_secret(auths):
    secret = malformed(json.dumps({"HttpHeaders": {HIDDEN: 1}, "auths": auths}))

    assert not re.search(f"{HIDDEN}|{encoded(HIDDEN)}", repr(secret))


def test_nothing_secret_shows_in_the_repr_of_entries():
    body = json.dumps({"auths": {f"https://alice:{HIDDEN}@reg.io": {"auth": encoded(f"alice:{HIDDEN}")}}})

    assert not re.search(f"{HIDDEN}|alice", repr(read(body)))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("reg.io", "reg.io"),
        ("https://index.docker.io/v1/", "https://index.docker.io/v1/"),
        ("https://u:p@reg.io/x?y#z", "…@reg.io/x"),
        ("u:p?@#@reg.io", "…@reg.io"),
        ("@reg.io", "reg.io"),
        ("reg.io?token=x", "reg.io"),
        ("", ""),
        ("a\x1b[2J\u202eb", "a [2Jb"),
        ("a" * 1000, "a" * 99 + "…"),
    ],
)
def test_a_host_key_is_shown_bounded_clean_and_without_userinfo_and_query(written, shown):
    assert dockerconfig.show_host_key(written) == shown


def test_entries_tell_their_host_keys_as_written():
    entries = read('{"auths":{"https://reg.io/v1/":{},"u:p@b":{}}}')

    assert isinstance(entries, Entries)
    assert entries.host_keys == ("https://reg.io/v1/", "…@b")


def test_a_node_s_config_is_read_alike_and_its_logins_come_from_no_secret():
    entries = dockerconfig.parse_node_config(b'{"auths":{"reg.io":{"auth":"dTpw"}},"credsStore":"x"}')

    assert entries == Entries(None, (("reg.io", Credential("u", "p", None)),))


@pytest.mark.parametrize("body", [b"", b"{", b'{"auths":{"reg.io":{"auth":"!"}}}'])
def test_a_malformed_node_s_config_is_no_entries(body):
    assert isinstance(dockerconfig.parse_node_config(body), MalformedConfig)


def many(count: int) -> str:
    return ",".join(f'"{number}":null' for number in range(count))


@pytest.mark.parametrize(
    ("body", "is_too_large"),
    [
        (f'{{"auths":{{{many(MAX_LOGINS)}}}}}', False),
        (f'{{"auths":{{{many(MAX_LOGINS + 1)}}}}}', True),
        (f'{{"x":"{"y" * (MAX_BYTES - 8)}"}}', False),
        (f'{{"x":"{"y" * (MAX_BYTES - 7)}"}}', True),
        (f'{{"x":[{"1," * (MAX_PIECES - 2)}1]}}', False),
        (f'{{"x":[{"1," * (MAX_PIECES - 1)}1]}}', True),
        (f'{{"x":"{chr(92) * MAX_PIECES}"}}', True),
        ("[" * (MAX_PIECES + 1), True),
        ("{" * (MAX_PIECES + 1), True),
    ],
)
def test_what_holds_more_than_is_read_is_neither_sound_nor_malformed(body: str, is_too_large: bool) -> None:
    assert isinstance(read(body), OversizedSecret) is is_too_large
