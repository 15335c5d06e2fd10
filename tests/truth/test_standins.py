"""The stand-ins have the manners of the registries that they are like."""

import base64

import pytest

from tests.fakes.exchange import Request, Response
from tests.fakes.images import Blob, Image
from tests.truth.standins.brands import BASIC, GHCR, GITEA, HARBOR, HUB, MANNERS, OPEN, QUAY, TOKEN, ZOT
from tests.truth.standins.content import Repository
from tests.truth.standins.manner import RIGHT, WRONG
from tests.truth.standins.registry import StandIn
from tests.truth.standins.sites import MIRROR, MIRRORED, SITES, own
from tests.truth.standins.twists import challenge, chunked, header, status, times

IMAGE = Image(Blob("application/vnd.oci.image.manifest.v1+json", b"{}"))


def standin(host: str) -> StandIn:
    made = StandIn(host, MANNERS[host])
    for repository in ("private/app", "public/app"):
        made.repositories[repository] = Repository()
        made.repositories[repository].add("1", IMAGE)
    return made


def ask(
    made: StandIn, target: str, authorization: str = "", method: str = "HEAD", agent: str = "containerd/2"
) -> Response:
    headers = [("Host", made.host), ("User-Agent", agent)]
    if authorization:
        headers.append(("Authorization", authorization))
    return made.answer(Request(method, target, 443, True, tuple(headers)))


def basic(user: str, password: str = RIGHT) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def manifest(repository: str, wanted: str = "1") -> str:
    return f"/v2/{repository}/manifests/{wanted}"


def challenges(answer: Response) -> list[str]:
    return [value for name, value in answer.headers if name == "Www-Authenticate"]


def token(made: StandIn, repository: str, authorization: str = "") -> Response:
    return ask(made, f"/token?scope=repository:{repository}:pull", authorization, "GET")


@pytest.mark.parametrize(
    ("host", "login", "expected"),
    [
        (BASIC, "", 401),
        (BASIC, basic("alice", WRONG), 401),
        (BASIC, basic("alice"), 200),
        (BASIC, basic("bob"), 401),
        (ZOT, basic("bob"), 403),
        (OPEN, "", 200),
    ],
)
def test_who_may_read_what_is_private(host: str, login: str, expected: int) -> None:
    assert ask(standin(host), manifest("private/app"), login).status == expected


@pytest.mark.parametrize(
    ("host", "login", "expected"),
    [
        (TOKEN, "", 200),
        (TOKEN, basic("alice", WRONG), 401),
        (GHCR, "", 401),
        (GHCR, basic("alice", WRONG), 403),
        (GHCR, basic("bob"), 403),
        (QUAY, basic("alice"), 200),
    ],
)
def test_what_token_servers_say(host: str, login: str, expected: int) -> None:
    assert token(standin(host), "private/app", login).status == expected


def test_a_token_opens_what_it_was_given_for() -> None:
    made = standin(TOKEN)

    assert ask(made, manifest("private/app"), "Bearer alice~private/app").status == 200
    refused = ask(made, manifest("private/app"), "Bearer alice~")
    assert challenges(refused)[0].endswith(',error="insufficient_scope"')


def test_each_brand_asks_in_its_own_way() -> None:
    assert challenges(ask(standin(GITEA), manifest("private/app"))) == [
        'Bearer realm="https://gitea.example.com/v2/token"',
        "Basic",
    ]
    assert challenges(ask(standin(HARBOR), manifest("private/app"), "Bearer ~")) == ['Basic realm="harbor"']
    assert ask(standin(QUAY), manifest("public/app")).status == 200
    assert ask(standin(HUB), manifest("public/app")).status == 401


def test_what_is_not_there_is_hidden_where_the_brand_hides_it() -> None:
    absent = manifest("public/absent")

    assert ask(standin(OPEN), absent).status == 404
    assert b"~public/absent" not in token(standin(HUB), "public/absent").body
    assert b"~public/app" in token(standin(HUB), "public/app").body


def test_a_manifest_is_found_by_tag_and_by_both_digests() -> None:
    made = standin(OPEN)
    (sha512,) = (name for name in made.repositories["public/app"].manifests if name.startswith("sha512:"))

    assert [ask(made, manifest("public/app", wanted)).status for wanted in ("1", IMAGE.digest, sha512, "2")] == [
        200,
        200,
        200,
        404,
    ]


def test_a_twist_concerns_its_own_repository_only() -> None:
    made = standin(OPEN)
    made.twists["public/app"] = status(503, method="HEAD")

    assert ask(made, manifest("public/app")).status == 503
    assert ask(made, manifest("public/app"), method="GET").status == 200
    assert ask(made, manifest("private/app")).status == 200


def test_a_passing_trouble_passes_for_each_side_and_each_tenant_alone() -> None:
    made = standin(OPEN)
    made.twists["public/app"] = times(1, status(503))
    agents = ("containerd/2", "pullcheck/1", "containerd/2", "pullcheck/1")

    assert [ask(made, manifest("public/app"), agent=agent).status for agent in agents] == [503, 503, 200, 200]
    made.turns["public/app"] += 1
    assert [ask(made, manifest("public/app"), agent=agent).status for agent in agents] == [200, 503, 200, 200]


def test_a_registry_of_a_scenes_own_is_like_the_other_and_names_itself() -> None:
    assert own("mine", TOKEN)["mine.token.example.com"].manner.realm == "https://mine.token.example.com/token"
    pair = own("mine", MIRRORED, MIRROR)
    assert pair.keys() == {"mine.mirrored.example.com", "mine.mirror.example.net"}
    assert '[host."https://mine.mirror.example.net"]' in pair["mine.mirrored.example.com"].hosts_toml


def test_headers_bodies_and_challenges_can_be_others() -> None:
    made = standin(TOKEN)
    made.twists["private/app"] = challenge("Digest of {repository}")
    assert challenges(ask(made, manifest("private/app"))) == ["Digest of private/app"]

    made = standin(OPEN)
    made.twists["public/app"] = header("Content-Type", None)
    assert "Content-Type" not in dict(ask(made, manifest("public/app")).headers)
    made.twists["public/app"] = chunked()
    assert ask(made, manifest("public/app")).body == b"2\r\n{}\r\n0\r\n\r\n"


def test_every_stand_in_has_a_place() -> None:
    assert MANNERS.keys() <= SITES.keys()
