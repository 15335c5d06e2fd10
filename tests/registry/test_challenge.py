"""Every row of the table of challenges: how it was meant, and what the node makes of it."""

import pytest

from tests.registry.playing import answer
from webhook.registry.challenge import (
    MAX_LINE_CHARACTERS,
    Challenge,
    NoLogin,
    PasswordLogin,
    TokenLogin,
    UnreadableLogin,
    find_login,
    is_misread,
    read_as_node,
    understand,
    wants_new_token,
)

REALM = "https://a.example/t"
Parameters = dict[str, str]

ROWS: list[tuple[str, list[str], list[tuple[str, Parameters]], object]] = [
    (
        "1 plain",
        [f'Bearer realm="{REALM}",service="svc",scope="repository:x/y:pull"'],
        [("bearer", {"realm": REALM, "service": "svc", "scope": "repository:x/y:pull"})],
        TokenLogin(REALM, "svc", ("repository:x/y:pull",)),
    ),
    (
        "2 two lines",
        [f'Bearer realm="{REALM}"', "Basic"],
        [("bearer", {"realm": REALM}), ("basic", {})],
        TokenLogin(REALM),
    ),
    (
        "3 joined lines",
        [f'Bearer realm="{REALM}",service="s", Basic realm="r"'],
        [("bearer", {"realm": REALM, "service": "s"}), ("basic", {"realm": "r"})],
        TokenLogin(REALM, "s"),
    ),
    (
        "4 basic first on one line",
        [f'Basic realm="r", Bearer realm="{REALM}"'],
        [("basic", {"realm": "r"}), ("bearer", {"realm": REALM})],
        PasswordLogin(),
    ),
    ("5 negotiate first", ['Negotiate, Basic realm="r"'], [("negotiate", {}), ("basic", {"realm": "r"})], NoLogin()),
    (
        "6 token68",
        [f'Negotiate YIIabc==, Bearer realm="{REALM}"'],
        [("negotiate", {}), ("bearer", {"realm": REALM})],
        NoLogin(),
    ),
    (
        "7 capitals",
        [f'bEaReR REALM="{REALM}",Service="s"'],
        [("bearer", {"realm": REALM, "service": "s"})],
        TokenLogin(REALM, "s"),
    ),
    (
        "8 comma in quotes",
        [f'Bearer realm="{REALM}",scope="repository:x/y:pull,push"'],
        [("bearer", {"realm": REALM, "scope": "repository:x/y:pull,push"})],
        TokenLogin(REALM, "", ("repository:x/y:pull,push",)),
    ),
    (
        "9 two scopes in one",
        [f'Bearer realm="{REALM}",scope="repository:a:pull repository:b:pull"'],
        [("bearer", {"realm": REALM, "scope": "repository:a:pull repository:b:pull"})],
        TokenLogin(REALM, "", ("repository:a:pull", "repository:b:pull")),
    ),
    (
        "10 scope twice: the node takes the last",
        [f'Bearer realm="{REALM}",scope="a",scope="b"'],
        [("bearer", {"realm": REALM, "scope": "a"})],
        TokenLogin(REALM, "", ("b",)),
    ),
    (
        "11 escapes",
        [f'Bearer realm="{REALM}",error_description="say \\"hi\\""'],
        [("bearer", {"realm": REALM, "error_description": 'say "hi"'})],
        TokenLogin(REALM),
    ),
    (
        "12 blanks around =",
        [f'Bearer realm = "{REALM}"  ,  service = "s"'],
        [("bearer", {"realm": REALM, "service": "s"})],
        UnreadableLogin(),
    ),
    (
        "13 service unquoted",
        [f'Bearer realm="{REALM}",service=registry.example'],
        [("bearer", {"realm": REALM, "service": "registry.example"})],
        TokenLogin(REALM, "registry.example"),
    ),
    (
        "14 realm unquoted",
        [f"Bearer realm={REALM},service=s"],
        [("bearer", {"realm": REALM, "service": "s"})],
        UnreadableLogin(),
    ),
    (
        "15 OpenShift",
        ['Basic realm=openshift,error="access denied"'],
        [("basic", {"realm": "openshift", "error": "access denied"})],
        PasswordLogin(),
    ),
    (
        "16 empty scope",
        [f'Bearer realm="{REALM}",scope="",service="s"'],
        [("bearer", {"realm": REALM, "scope": "", "service": "s"})],
        TokenLogin(REALM, "s", ("",)),
    ),
    ("17 empty realm", ['Bearer realm="",service="s"'], [("bearer", {"realm": "", "service": "s"})], UnreadableLogin()),
    ("18 realm alone", [f'Bearer realm="{REALM}"'], [("bearer", {"realm": REALM})], TokenLogin(REALM)),
    ("19 Basic alone", ["Basic"], [("basic", {})], PasswordLogin()),
    ("20 Bearer alone", ["Bearer"], [("bearer", {})], UnreadableLogin()),
    ("21 empty line", [""], [], NoLogin()),
    (
        "22 unterminated quote",
        [f'Bearer realm="{REALM}",service="s'],
        [("bearer", {"realm": REALM})],
        TokenLogin(REALM),
    ),
    ("23 trailing comma", [f'Bearer realm="{REALM}",'], [("bearer", {"realm": REALM})], TokenLogin(REALM)),
    ("23 leading comma", [f', Bearer realm="{REALM}"'], [("bearer", {"realm": REALM})], NoLogin()),
    (
        "24 parted by blanks only",
        [f'Bearer realm="{REALM}" service="s"'],
        [("bearer", {"realm": REALM, "service": "s"})],
        TokenLogin(REALM),
    ),
    (
        "27 scope verbatim, trailing slash",
        ['Bearer realm="https://public.example/token/",service="public.example",scope="aws"'],
        [("bearer", {"realm": "https://public.example/token/", "service": "public.example", "scope": "aws"})],
        TokenLogin("https://public.example/token/", "public.example", ("aws",)),
    ),
    (
        "28 realm twice: the node takes the last",
        [f'Bearer realm="{REALM}",realm="https://evil.example/t"'],
        [("bearer", {"realm": REALM})],
        TokenLogin("https://evil.example/t"),
    ),
    (
        "29 realm with a query",
        [f'Bearer realm="{REALM}?x=1"'],
        [("bearer", {"realm": f"{REALM}?x=1"})],
        TokenLogin(f"{REALM}?x=1"),
    ),
    ("34 relative realm", ['Bearer realm="/token"'], [("bearer", {"realm": "/token"})], UnreadableLogin()),
    (
        "35 javascript realm",
        ['Bearer realm="javascript:alert(1)"'],
        [("bearer", {"realm": "javascript:alert(1)"})],
        UnreadableLogin(),
    ),
    (
        "35 file realm",
        ['Bearer realm="file:///etc/passwd"'],
        [("bearer", {"realm": "file:///etc/passwd"})],
        UnreadableLogin(),
    ),
    ("36 digest alone", ['Digest realm="r",nonce="n"'], [("digest", {"realm": "r", "nonce": "n"})], NoLogin()),
    ("broken realm", ['Bearer realm="https://[::1"'], [("bearer", {"realm": "https://[::1"})], UnreadableLogin()),
    ("rubbish before a scheme", ['="x", Basic'], [("x", {}), ("basic", {})], NoLogin()),
]


@pytest.mark.parametrize(("lines", "meant", "login"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_challenge_is_understood_as_meant_and_followed_as_the_node_reads_it(
    lines: list[str], meant: list[tuple[str, Parameters]], login: object
) -> None:
    assert [(challenge.scheme, challenge.parameters) for challenge in understand(lines)] == meant
    assert find_login(answer(401, b"", *lines)) == login


def test_the_node_prefers_bearer_to_digest_to_basic_whatever_the_order_of_the_lines() -> None:
    lines = ["Basic", 'Digest realm="d"', f'Bearer realm="{REALM}"']

    assert [challenge.scheme for challenge in read_as_node(lines)] == ["bearer", "digest", "basic"]


def test_a_quoted_value_without_an_end_leaves_the_node_an_empty_one() -> None:
    assert read_as_node(['Bearer realm="https://a.example']) == [Challenge("bearer", {"realm": ""})]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([f'Basic realm="r", Bearer realm="{REALM}"'], True),
        ([f'Bearer realm = "{REALM}"'], True),
        ([f"Bearer realm={REALM}"], True),
        ([f'Bearer realm="{REALM}"'], False),
        ([f'Bearer realm="{REALM}",service="s", Basic realm="r"'], False),
        ([f'Bearer realm="{REALM}",realm="https://evil.example/t"'], True),
        (['Basic realm="r"'], False),
        (["Bearer"], False),
        ([], False),
    ],
)
def test_a_login_that_the_node_reads_otherwise_than_meant_is_known(lines: list[str], expected: bool) -> None:
    assert is_misread(answer(401, b"", *lines)) is expected


@pytest.mark.parametrize(
    ("error", "expected"), [("invalid_token", True), ("insufficient_scope", False), ("", False), (None, False)]
)
def test_only_invalid_token_is_worth_a_new_token(error: str | None, expected: bool) -> None:
    line = f'Bearer realm="{REALM}"' + (f',error="{error}"' if error is not None else "")

    assert wants_new_token(answer(401, b"", line)) is expected


@pytest.mark.parametrize(
    "line",
    [
        "Bearer " + "a=" * 200_000,
        "Bearer " + 'a="' * 100_000,
        "," * 400_000,
        "Bearer " + " " * 400_000,
        'Bearer realm="' + "\\" * 400_000,
        "\xff\x00\x1b" * 100_000,
    ],
)
def test_a_line_of_any_length_and_content_is_read_in_bounds(line: str) -> None:
    assert len(understand([line])) <= MAX_LINE_CHARACTERS
    assert find_login(answer(401, b"", line)) in (NoLogin(), UnreadableLogin())
