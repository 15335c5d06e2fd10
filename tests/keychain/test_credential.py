"""What a credential tells of itself."""

import pytest

from webhook.keychain.credential import Credential

LATIN_1 = b"p\xe4ss".decode(errors="surrogateescape")


def test_neither_repr_nor_text_tells_the_login():
    credential = Credential("alice", "hunter2", "regcred", "reg.io")

    assert "regcred" in repr(credential)
    for text in (repr(credential), str(credential), f"{credential}"):
        assert "alice" not in text
        assert "hunter2" not in text


def test_a_login_is_the_same_wherever_it_comes_from():
    assert Credential("u", "p", "one", "a.example").is_same_login(Credential("u", "p", "two", "b.example"))
    assert not Credential("u", "p").is_same_login(Credential("u", "q"))


@pytest.mark.parametrize(
    ("username", "password", "expected"), [("ü", "p", True), ("u", LATIN_1, False), (LATIN_1, "p", False)]
)
def test_only_utf_8_reaches_the_runtime(username, password, expected):
    assert Credential(username, password).is_transmittable is expected


def test_a_fingerprint_tells_credentials_apart_and_nothing_else():
    key = b"of this process"
    fingerprint = Credential("u", "p", "regcred", "reg.io").fingerprint(key)

    assert fingerprint == Credential("u", "p", "other", "reg.io/x").fingerprint(key)
    assert fingerprint != Credential("u", "p").fingerprint(b"of another process")
    assert len({Credential(*login).fingerprint(key) for login in (("up", ""), ("u", "p"), ("", "up"))}) == 3
    assert Credential("u", LATIN_1).fingerprint(key) != Credential("u", "päss").fingerprint(key)
