"""Whole conversations: what is asked, in which order, and what the answers mean."""

import pytest

from tests.registry.playing import (
    BASIC,
    BEARER,
    DENIED,
    DIGEST,
    NOT_FOUND,
    OTHER_DIGEST,
    PAGE,
    REGCRED,
    UNAUTHORIZED,
    answer,
    found,
    play,
    scripted,
    token,
)
from webhook.keychain.credential import Credential
from webhook.registry.endpoints import parse_hosts
from webhook.registry.exchange import (
    AddressRefused,
    Answer,
    BrokenAnswer,
    ConnectFailed,
    Fault,
    FetchManifest,
    FetchToken,
    HeldBack,
    Intent,
    NameNotFound,
    ProxyFailed,
    Purpose,
    Reply,
    SpeaksPlain,
    TimedOut,
    TlsFailed,
)
from webhook.registry.resolution import (
    Blocked,
    BlockedCause,
    Missing,
    MissingCause,
    OfferResult,
    Refused,
    RefusedCause,
    Resolved,
    Unavailable,
    UnavailableCause,
    Unsupported,
    UnsupportedCause,
    Unverifiable,
    UnverifiableCause,
)

IMAGE = "registry.example.com/team/app:1.0"
PINNED = f"registry.example.com/team/app@{DIGEST}"
HOST = "registry.example.com"
HUB_BEARER = 'Bearer realm="https://auth.docker.io/token",service="registry.docker.io"'
OTHER = Credential("other", "secret", "other", "registry.example.com/team")


class TestOpenRegistry:
    def test_one_head_is_enough(self) -> None:
        played = play(IMAGE, scripted(found()))

        assert played.resolution == Resolved(DIGEST)
        assert played.urls == ["https://registry.example.com/v2/team/app/manifests/1.0"]
        assert played.steps == ["HEAD"]

    def test_a_login_is_not_sent_where_nobody_asks(self) -> None:
        played = play(IMAGE, scripted(found()), REGCRED, OTHER)

        assert played.conclusion.offers == (OfferResult.UNUSED, OfferResult.UNUSED)
        assert played.logins_sent_to() == set()

    def test_a_digest_is_asked_for_instead_of_its_tag(self) -> None:
        played = play(f"registry.example.com/team/app:gone@{DIGEST}", scripted(found()))

        assert played.urls == [f"https://registry.example.com/v2/team/app/manifests/{DIGEST}"]
        assert played.resolution == Resolved(DIGEST)

    def test_docker_hub_is_asked_at_its_registry(self) -> None:
        played = play("nginx", scripted(found()))

        assert played.urls == ["https://registry-1.docker.io/v2/library/nginx/manifests/latest"]


class TestTokens:
    def test_without_a_login_the_token_is_anonymous(self) -> None:
        played = play(IMAGE, scripted(answer(401, b"", BEARER), token(b'{"token":"t"}'), found()))

        assert played.resolution == Resolved(DIGEST)
        assert played.steps == ["HEAD", "GET token", "HEAD bearer t"]
        asked = played.intents[1]
        assert isinstance(asked, FetchToken)
        assert (asked.url, asked.service, asked.scopes) == (
            "https://auth.example.com/token",
            "registry.example.com",
            ("repository:team/app:pull",),
        )

    def test_with_a_login_the_token_is_posted_for(self) -> None:
        played = play(IMAGE, scripted(answer(401, b"", BEARER), token(), found()), REGCRED)

        assert played.steps == ["HEAD", "POST token user", "HEAD bearer t"]
        assert played.conclusion.offers == (OfferResult.ACCEPTED,)

    @pytest.mark.parametrize("status", [400, 401, 404, 405])
    def test_a_server_that_takes_no_post_is_asked_with_get(self, status: int) -> None:
        replies = scripted(answer(401, b"", BEARER), answer(status), token(b'{"token":"t"}'), found())
        played = play(IMAGE, replies, REGCRED)

        assert played.steps == ["HEAD", "POST token user", "GET token user", "HEAD bearer t"]
        assert played.resolution == Resolved(DIGEST)

    @pytest.mark.parametrize("status", [403, 415, 500])
    def test_other_answers_to_the_post_are_final(self, status: int) -> None:
        replies = scripted(answer(401, b"", BEARER), answer(status, DENIED), answer(401, UNAUTHORIZED, BEARER))
        played = play(IMAGE, replies, REGCRED)

        assert "GET token user" not in played.steps
        assert not isinstance(played.resolution, Resolved)

    @pytest.mark.parametrize(
        "body",
        [
            b'{"token":"t"}',
            b'{"access_token":"t","expires_in":"300"}',
            b'{"access_token":"t","expires_in":3.5}',
            b'{"access_token":"t","issued_at":"yesterday"}',
            b'{"access_token":"t","issued_at":1}',
            b'{"access_token":7}',
            b'{"access_token":"a\\nb"}',
            b'{"access_token":""}',
            b'{"access_token":"' + b"x" * 20_000 + b'"}',
            b"[]",
            b"<html>",
            b"",
        ],
    )
    def test_an_answer_to_the_post_that_the_node_cannot_read_ends_it(self, body: bytes) -> None:
        played = play(IMAGE, scripted(answer(401, b"", BEARER), token(body)), REGCRED)

        assert played.resolution == Unavailable("auth.example.com", UnavailableCause.TOKEN, 200)

    @pytest.mark.parametrize(
        "body",
        [
            b'{"token":"t","expires_in":300,"issued_at":"2026-11-24T10:00:00.5Z"}',
            b'{"Access_Token":"t","token":"other"}',
            b'{"token":"t","expires_in":null,"issued_at":null,"unknown":1e999}',
        ],
    )
    def test_what_go_reads_is_read(self, body: bytes) -> None:
        played = play(IMAGE, scripted(answer(401, b"", BEARER), token(body), found()))

        assert played.steps[-1] == "HEAD bearer t"

    def test_an_answer_that_is_cut_off_is_no_token(self) -> None:
        cut = Answer(200, (), b'{"token":"t"}', is_complete=False)
        played = play(IMAGE, scripted(answer(401, b"", BEARER), cut))

        assert played.resolution == Unavailable("auth.example.com", UnavailableCause.TOKEN, 200)

    def test_a_password_without_a_name_and_a_name_without_a_password_are_anonymous(self) -> None:
        for credential in (Credential("user", "", "s"), Credential("", "p", "s"), Credential("", "", "s")):
            played = play(IMAGE, scripted(answer(401, b"", BEARER), token(), found()), credential)

            assert played.steps == ["HEAD", "GET token", "HEAD bearer t"]

    def test_scopes_are_sorted_and_each_is_asked_for_once(self) -> None:
        challenge = BEARER + ',scope="repository:team/app:pull aws repository:a:pull"'
        played = play(IMAGE, scripted(answer(401, b"", challenge), token(), found()))

        asked = played.intents[1]
        assert isinstance(asked, FetchToken)
        assert asked.scopes == ("aws", "repository:a:pull", "repository:team/app:pull")

    def test_invalid_token_gets_one_new_token_and_no_second(self) -> None:
        stale = answer(401, UNAUTHORIZED, BEARER + ',error="invalid_token"')
        replies = scripted(answer(401, b"", BEARER), token(), stale, token(b'{"token":"u"}'), found())

        played = play(IMAGE, replies)
        assert played.steps == ["HEAD", "GET token", "HEAD bearer t", "GET token", "HEAD bearer u"]

        replies = scripted(answer(401, b"", BEARER), token(), stale, token(), stale, stale)
        played = play(IMAGE, replies)
        assert isinstance(played.resolution, Refused)
        assert len(played.steps) == 6

    def test_insufficient_scope_after_a_fresh_token_is_the_registrys_no(self) -> None:
        no = answer(401, UNAUTHORIZED, BEARER + ',error="insufficient_scope"')
        played = play(IMAGE, scripted(answer(401, b"", BEARER), token(), no, no), REGCRED)

        assert played.resolution == Refused(HOST, RefusedCause.ACCESS_DENIED)
        assert played.conclusion.offers == (OfferResult.DENIED,)
        assert played.steps == ["HEAD", "POST token user", "HEAD bearer t", "GET bearer t"]

    def test_a_wrong_password_is_told_from_a_missing_one(self) -> None:
        challenged = answer(401, UNAUTHORIZED, BEARER)
        wrong = play(IMAGE, scripted(challenged, answer(401), answer(401), challenged), REGCRED)
        missing = play(IMAGE, scripted(challenged, answer(401), challenged))

        assert wrong.resolution == Refused("auth.example.com", RefusedCause.LOGIN_REJECTED)
        assert wrong.conclusion.offers == (OfferResult.REJECTED,)
        assert missing.resolution == Refused("auth.example.com", RefusedCause.LOGIN_WANTED)

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_web_page_instead_of_a_token_is_no_refusal(self, status: int) -> None:
        played = play(IMAGE, scripted(answer(401, b"", BEARER), answer(status, PAGE)))

        assert played.resolution == Unavailable("auth.example.com", UnavailableCause.NOT_A_REGISTRY, status)

    def test_a_firewall_at_the_token_server_proves_nothing(self) -> None:
        body = b'{"errors":[{"code":"DENIED","message":"client with IP \'20.1.2.3\' is not allowed access"}]}'
        played = play(IMAGE, scripted(answer(401, b"", BEARER), answer(403, body)), REGCRED)

        assert played.resolution == Unverifiable("auth.example.com", UnverifiableCause.FIREWALL)

    @pytest.mark.parametrize(
        ("status", "cause"),
        [
            (429, UnavailableCause.RATE_LIMITED),
            (408, UnavailableCause.RATE_LIMITED),
            (503, UnavailableCause.SERVER_ERROR),
            (400, UnavailableCause.TOKEN),
            (300, UnavailableCause.TOKEN),
        ],
    )
    def test_trouble_at_the_token_server_is_no_refusal(self, status: int, cause: UnavailableCause) -> None:
        played = play(IMAGE, scripted(answer(401, b"", BEARER), answer(status)))

        assert played.resolution == Unavailable("auth.example.com", cause, status)

    def test_a_token_server_that_cannot_be_reached_is_unavailable(self) -> None:
        played = play(IMAGE, scripted(answer(401, b"", BEARER), ConnectFailed()), REGCRED)

        assert played.resolution == Unavailable("auth.example.com", UnavailableCause.SILENT)

    def test_harbors_second_challenge_is_tried_once(self) -> None:
        second = answer(401, UNAUTHORIZED, 'Basic realm="harbor"')
        replies = scripted(answer(401, b"", BEARER.replace("auth", HOST)), token(), second, second, second)
        played = play(IMAGE, replies, REGCRED)

        assert played.steps == ["HEAD", "POST token user", "HEAD bearer t", "HEAD basic user", "GET"]
        assert played.resolution == Refused(HOST, RefusedCause.LOGIN_REJECTED)

    @pytest.mark.parametrize("realm", ["", "/token", "javascript:alert(1)"])
    def test_a_realm_that_nodes_cannot_call_is_unavailable(self, realm: str) -> None:
        played = play(IMAGE, scripted(answer(401, b"", f'Bearer realm="{realm}"')), REGCRED)

        assert played.resolution == Unavailable(HOST, UnavailableCause.CHALLENGE, 401)
        assert played.steps == ["HEAD"]

    def test_a_bearer_challenge_lost_behind_basic_is_unavailable_when_basic_fails(self) -> None:
        joined = 'Basic realm="r", Bearer realm="https://auth.example.com/token"'
        refused = play(IMAGE, scripted(answer(401, b"", joined), answer(401, b"", joined)), REGCRED)
        accepted = play(IMAGE, scripted(answer(401, b"", joined), found()), REGCRED)

        assert refused.resolution == Unavailable(HOST, UnavailableCause.CHALLENGE, 401)
        assert accepted.resolution == Resolved(DIGEST)


class TestBasic:
    def test_two_requests_are_enough(self) -> None:
        played = play(IMAGE, scripted(answer(401, b"", BASIC), found()), REGCRED)

        assert played.steps == ["HEAD", "HEAD basic user"]
        assert played.conclusion.offers == (OfferResult.ACCEPTED,)

    def test_without_a_login_one_get_confirms_the_refusal(self) -> None:
        challenged = answer(401, UNAUTHORIZED, BASIC)
        played = play(IMAGE, scripted(challenged, challenged))

        assert played.resolution == Refused(HOST, RefusedCause.LOGIN_WANTED)
        assert played.steps == ["HEAD", "GET"]
        assert isinstance(played.intents[1], FetchManifest)
        assert played.intents[1].purpose is Purpose.CONFIRMATION

    def test_a_rejected_password_is_sent_once(self) -> None:
        challenged = answer(401, UNAUTHORIZED, BASIC)
        played = play(IMAGE, scripted(challenged, challenged, challenged), REGCRED)

        assert played.resolution == Refused(HOST, RefusedCause.LOGIN_REJECTED)
        assert played.steps == ["HEAD", "HEAD basic user", "GET"]

    def test_an_empty_credential_cannot_log_in(self) -> None:
        challenged = answer(401, UNAUTHORIZED, BASIC)
        played = play(IMAGE, scripted(challenged, challenged), Credential("user", "", "s"))

        assert played.resolution == Refused(HOST, RefusedCause.LOGIN_WANTED)
        assert played.conclusion.offers == (OfferResult.UNUSABLE,)

    def test_the_next_credential_is_tried_without_asking_again_what_was_said(self) -> None:
        challenged = answer(401, UNAUTHORIZED, BASIC)
        played = play(IMAGE, scripted(challenged, challenged, found()), REGCRED, OTHER)

        assert played.steps == ["HEAD", "HEAD basic user", "HEAD basic other"]
        assert played.resolution == Resolved(DIGEST)
        assert played.conclusion.offers == (OfferResult.REJECTED, OfferResult.ACCEPTED)

    def test_two_rejected_passwords_are_confirmed_by_one_get(self) -> None:
        challenged = answer(401, UNAUTHORIZED, BASIC)
        played = play(IMAGE, scripted(*[challenged] * 4), REGCRED, OTHER)

        assert played.steps == ["HEAD", "HEAD basic user", "HEAD basic other", "GET"]

    def test_the_same_login_in_two_secrets_is_sent_once(self) -> None:
        challenged = answer(401, UNAUTHORIZED, BASIC)
        twice = Credential("user", "password", "copy", "registry.example.com")
        played = play(IMAGE, scripted(challenged, challenged, challenged), REGCRED, twice)

        assert played.steps == ["HEAD", "HEAD basic user", "GET"]
        assert played.conclusion.offers == (OfferResult.REJECTED, OfferResult.REJECTED)

    def test_after_success_the_rest_is_not_offered(self) -> None:
        played = play(IMAGE, scripted(answer(401, b"", BASIC), found()), REGCRED, OTHER)

        assert played.conclusion.offers == (OfferResult.ACCEPTED, OfferResult.UNUSED)

    def test_bytes_that_are_no_utf_8_never_leave_the_kubelet(self) -> None:
        played = play(IMAGE, scripted(), Credential("user", "caf\udce9", "s"))

        assert played.resolution == Refused(HOST, RefusedCause.UNTRANSMITTABLE)
        assert played.conclusion.offers == (OfferResult.UNUSABLE,)

    def test_one_that_cannot_leave_does_not_stand_in_the_next_ones_way(self) -> None:
        replies = scripted(answer(401, b"", BASIC), found())
        played = play(IMAGE, replies, Credential("user", "caf\udce9", "s"), REGCRED)

        assert played.resolution == Resolved(DIGEST)


class TestNoChallenge:
    def test_a_401_that_asks_for_nothing_is_a_refusal_in_a_registrys_words_only(self) -> None:
        by_registry = play(IMAGE, scripted(answer(401, UNAUTHORIZED), answer(401, UNAUTHORIZED)), REGCRED)
        by_proxy = play(IMAGE, scripted(answer(401, PAGE), answer(401, PAGE)), REGCRED)

        assert by_registry.resolution == Refused(HOST, RefusedCause.NO_CHALLENGE)
        assert by_proxy.resolution == Unavailable(HOST, UnavailableCause.NOT_A_REGISTRY, 401)

    def test_digest_alone_is_no_login_for_nodes(self) -> None:
        challenged = answer(401, UNAUTHORIZED, 'Digest realm="r",nonce="n"')
        played = play(IMAGE, scripted(challenged, challenged), REGCRED)

        assert played.resolution == Refused(HOST, RefusedCause.NO_CHALLENGE)


class TestMissing:
    @pytest.mark.parametrize(
        ("code", "cause"),
        [
            ("MANIFEST_UNKNOWN", MissingCause.UNSAID),
            ("NOT_FOUND", MissingCause.UNSAID),
            ("name_unknown", MissingCause.REPOSITORY),
            ("TAG_EXPIRED", MissingCause.TAG),
        ],
    )
    def test_a_404_in_a_registrys_words_is_missing(self, code: str, cause: MissingCause) -> None:
        body = f'{{"errors":[{{"code":"{code}"}}]}}'.encode()
        played = play(IMAGE, scripted(answer(404), answer(404, body)))

        assert played.resolution == Missing(HOST, cause)
        assert played.steps == ["HEAD", "GET"]

    @pytest.mark.parametrize(
        "body",
        [PAGE, b"404 page not found", b"", b"{}", b'{"errors":[]}', b'{"errors":[{"code":7}]}', b"[1]", b"[" * 9**5],
    )
    def test_a_404_that_no_registry_wrote_is_unavailable(self, body: bytes) -> None:
        played = play(IMAGE, scripted(answer(404), answer(404, body)))

        assert played.resolution == Unavailable(HOST, UnavailableCause.NOT_A_REGISTRY, 404)

    def test_after_an_accepted_login_it_is_missing_too(self) -> None:
        replies = scripted(answer(401, b"", BASIC), answer(404), answer(404, NOT_FOUND))
        played = play(IMAGE, replies, REGCRED)

        assert played.resolution == Missing(HOST, MissingCause.UNSAID)
        assert played.steps == ["HEAD", "HEAD basic user", "GET basic user"]
        assert played.conclusion.offers == (OfferResult.ACCEPTED,)

    def test_a_digest_is_looked_for_among_the_blobs_as_well(self) -> None:
        played = play(PINNED, scripted(answer(404), answer(404), answer(404, NOT_FOUND)))

        assert played.urls[1] == f"https://registry.example.com/v2/team/app/blobs/{DIGEST}"
        assert played.steps == ["HEAD", "HEAD", "GET"]
        assert played.resolution == Missing(HOST, MissingCause.DIGEST)

    def test_what_is_found_among_the_blobs_counts(self) -> None:
        resolved = play(PINNED, scripted(answer(404), found()))
        layer = play(PINNED, scripted(answer(404), found(content_type="application/octet-stream")))
        trouble = play(PINNED, scripted(answer(404), answer(500)))

        assert resolved.resolution == Resolved(DIGEST)
        assert layer.resolution == Unsupported(HOST, UnsupportedCause.MEDIA_TYPE)
        assert trouble.resolution == Unavailable(HOST, UnavailableCause.SERVER_ERROR, 500)

    def test_a_cache_is_no_authority(self) -> None:
        played = play(IMAGE, scripted(answer(404)), pull_through=["registry.example.com/team"])
        hub = play("acme/app:1", scripted(answer(404)), pull_through=["docker.io"])

        assert played.resolution == Unavailable(HOST, UnavailableCause.PULL_THROUGH, 404)
        assert hub.resolution == Unavailable("registry-1.docker.io", UnavailableCause.PULL_THROUGH, 404)

    def test_docker_hub_is_not_asked_again_since_a_get_is_a_pull(self) -> None:
        played = play("docker.io/acme/app:9", scripted(answer(401, b"", BEARER), token(), answer(404)))

        assert played.steps == ["HEAD", "GET token", "HEAD bearer t"]
        assert played.resolution == Missing("registry-1.docker.io", MissingCause.TAG)

    def test_a_401_of_docker_hub_means_missing_in_library_and_refused_elsewhere(self) -> None:
        replies = [answer(401, b"", HUB_BEARER), token(), answer(401, UNAUTHORIZED, HUB_BEARER)]
        library = play("my-app:2.0", scripted(*replies))
        private = play("acme/my-app:2.0", scripted(*replies))
        logged_in = play("my-app:2.0", scripted(*replies), REGCRED)

        assert library.resolution == Missing("registry-1.docker.io", MissingCause.REPOSITORY)
        assert private.resolution == Refused("registry-1.docker.io", RefusedCause.LOGIN_WANTED)
        assert logged_in.resolution == Refused("registry-1.docker.io", RefusedCause.ACCESS_DENIED)

    def test_a_mirror_of_docker_hub_makes_library_a_refusal(self) -> None:
        hosts = parse_hosts('[host."https://mirror.example.com"]', "/certs.d/docker.io")
        refused = answer(401, UNAUTHORIZED, BEARER)

        def hub(intent: Intent) -> Reply:
            if intent.url.startswith("https://mirror"):
                return answer(404, NOT_FOUND)
            return token() if isinstance(intent, FetchToken) else refused

        played = play("my-app:2.0", hub, hosts=hosts)
        assert played.resolution == Missing("mirror.example.com", MissingCause.UNSAID, "registry-1.docker.io")


class TestConfirmation:
    def test_a_push_in_between_is_noticed(self) -> None:
        played = play(IMAGE, scripted(answer(404), found(), found()))

        assert played.steps == ["HEAD", "GET", "HEAD"]
        assert played.resolution == Resolved(DIGEST)

    def test_a_get_that_works_does_not_help_a_node_whose_head_fails(self) -> None:
        played = play(IMAGE, scripted(answer(404), found(), answer(404)))

        assert played.resolution == Missing(HOST, MissingCause.UNSAID)

    @pytest.mark.parametrize(
        ("reply", "cause"),
        [
            (answer(500), UnavailableCause.SERVER_ERROR),
            (answer(429), UnavailableCause.RATE_LIMITED),
            (answer(403, DENIED), UnavailableCause.CHANGED),
            (TimedOut(), UnavailableCause.SILENT),
            (HeldBack("sick"), UnavailableCause.SICK),
            (HeldBack("rate limited"), UnavailableCause.RATE_LIMITED),
        ],
    )
    def test_a_no_that_is_not_repeated_is_a_doubt(self, reply: Reply, cause: UnavailableCause) -> None:
        played = play(IMAGE, scripted(answer(404), reply))

        assert isinstance(played.resolution, Unavailable)
        assert played.resolution.cause is cause

    @pytest.mark.parametrize(
        ("status", "body", "expected"),
        [
            (403, DENIED, Refused(HOST, RefusedCause.ACCESS_DENIED)),
            (403, b"", Refused(HOST, RefusedCause.ACCESS_DENIED)),
            (403, PAGE, Unavailable(HOST, UnavailableCause.NOT_A_REGISTRY, 403)),
            (
                403,
                b'{"errors":[{"code":"DENIED","message":"Your authorization token has expired."}]}',
                Refused(HOST, RefusedCause.EXPIRED),
            ),
            (
                403,
                b'{"errors":[{"code":"DENIED","message":"client with IP \'20.1.2.3\' is not allowed"}]}',
                Unverifiable(HOST, UnverifiableCause.FIREWALL),
            ),
            (412, b'{"errors":[{"code":"PROJECTPOLICYVIOLATION"}]}', Refused(HOST, RefusedCause.POLICY)),
            (412, PAGE, Unavailable(HOST, UnavailableCause.CHANGED, 412)),
        ],
    )
    def test_the_body_says_what_a_refusal_is(self, status: int, body: bytes, expected: object) -> None:
        played = play(IMAGE, scripted(answer(status), answer(status, body)))

        assert played.resolution == expected

    def test_a_tag_that_looks_like_an_address_is_no_firewall(self) -> None:
        body = b'{"errors":[{"code":"DENIED","message":"no access to team/app:1.2.3.4"}]}'
        played = play("registry.example.com/team/app:1.2.3.4", scripted(answer(403), answer(403, body)))

        assert played.resolution == Refused(HOST, RefusedCause.ACCESS_DENIED)


class TestWhatCounts:
    @pytest.mark.parametrize(
        ("headers", "expected"),
        [
            ({"content_type": "application/vnd.oci.image.manifest.v1+json; charset=utf-8"}, Resolved(DIGEST)),
            ({"content_type": "text/html; charset=utf-8"}, Unsupported(HOST, UnsupportedCause.WEB_PAGE)),
            ({"content_type": "application/json"}, Unsupported(HOST, UnsupportedCause.MEDIA_TYPE)),
            ({"content_type": ""}, Unsupported(HOST, UnsupportedCause.MEDIA_TYPE)),
            (
                {"content_type": "application/vnd.oci.image.manifest.v1+JSON"},
                Unsupported(HOST, UnsupportedCause.MEDIA_TYPE),
            ),
            (
                {"content_type": "application/vnd.oci.image.manifest.v1+json ; charset=utf-8"},
                Unsupported(HOST, UnsupportedCause.MEDIA_TYPE),
            ),
            ({"content_length": "0"}, Unavailable(HOST, UnavailableCause.NOT_A_REGISTRY, 200)),
            ({"content_type": "text/plain"}, Unsupported(HOST, UnsupportedCause.SCHEMA_1)),
            (
                {"content_type": "application/vnd.docker.distribution.manifest.v1+prettyjws"},
                Unsupported(HOST, UnsupportedCause.SCHEMA_1),
            ),
            ({"content_length": "4393216"}, Resolved(DIGEST)),
            ({"content_length": "4393217"}, Unsupported(HOST, UnsupportedCause.SIZE)),
            ({"docker_content_digest": "sha256:abc"}, Unavailable(HOST, UnavailableCause.NOT_A_REGISTRY, 200)),
        ],
    )
    def test_a_200_is_weighed_by_type_size_and_digest(self, headers: dict[str, str], expected: object) -> None:
        played = play(IMAGE, scripted(found(**headers)))

        assert played.resolution == expected
        assert played.steps == ["HEAD"]

    @pytest.mark.parametrize("missing", ["docker_content_digest", "content_length"])
    def test_without_digest_or_length_the_body_is_fetched(self, missing: str) -> None:
        whole = Answer(200, found().headers, b"{}")
        played = play(IMAGE, scripted(found(**{missing: ""}), whole))

        assert played.steps == ["HEAD", "GET"]
        assert played.resolution == Resolved("sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a")

    def test_a_body_that_does_not_end_is_too_large(self) -> None:
        endless = Answer(200, found().headers, b"{", is_complete=False)
        played = play(IMAGE, scripted(found(content_length=""), endless))

        assert played.resolution == Unsupported(HOST, UnsupportedCause.SIZE)

    def test_a_body_that_cannot_be_fetched_is_a_doubt(self) -> None:
        failed = play(IMAGE, scripted(found(content_length=""), answer(403)))
        silent = play(IMAGE, scripted(found(content_length=""), TimedOut()))

        assert failed.resolution == Unavailable(HOST, UnavailableCause.CHANGED, 403)
        assert silent.resolution == Unavailable(HOST, UnavailableCause.SILENT)

    def test_by_digest_the_body_must_have_it(self) -> None:
        played = play(PINNED, scripted(found(content_length=""), Answer(200, found().headers, b"{}")))

        assert played.resolution == Unavailable(HOST, UnavailableCause.CHANGED, 200)

    def test_by_digest_the_header_may_be_absent_but_not_another(self) -> None:
        absent = play(PINNED, scripted(found(docker_content_digest="")))
        another = play(PINNED, scripted(found(docker_content_digest=OTHER_DIGEST)))
        of_another_kind = play(PINNED, scripted(found(docker_content_digest="sha512:" + "a" * 128)))

        assert absent.resolution == Resolved(DIGEST)
        assert another.resolution == Unavailable(HOST, UnavailableCause.CHANGED, 200)
        assert of_another_kind.resolution == Resolved(DIGEST)

    def test_a_registry_without_head_is_asked_with_get(self) -> None:
        played = play(IMAGE, scripted(answer(405), found()))

        assert played.steps == ["HEAD", "GET"]
        assert played.resolution == Resolved(DIGEST)

    def test_a_registry_that_refuses_get_too_is_a_doubt(self) -> None:
        played = play(IMAGE, scripted(answer(405), answer(405)))

        assert played.resolution == Unavailable(HOST, UnavailableCause.NOT_A_REGISTRY, 405)

    @pytest.mark.parametrize("status", [400, 406, 410, 451, 501, 502, 503, 504, 408, 429, 300, 304, 199])
    def test_every_other_status_is_a_doubt(self, status: int) -> None:
        played = play(IMAGE, scripted(answer(status)))

        assert isinstance(played.resolution, Unavailable)
        assert played.resolution.status == status


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "expected"),
        [
            (NameNotFound(), Unavailable(HOST, UnavailableCause.NAME)),
            (ConnectFailed(), Unavailable(HOST, UnavailableCause.SILENT)),
            (TimedOut(), Unavailable(HOST, UnavailableCause.SILENT)),
            (TlsFailed("unknown authority"), Unavailable(HOST, UnavailableCause.TLS_AUTHORITY)),
            (TlsFailed("wrong name"), Unavailable(HOST, UnavailableCause.TLS_NAME)),
            (TlsFailed("expired"), Unavailable(HOST, UnavailableCause.TLS_EXPIRED)),
            (TlsFailed("handshake"), Unavailable(HOST, UnavailableCause.TLS_HANDSHAKE)),
            (SpeaksPlain(), Unavailable(HOST, UnavailableCause.PLAIN_HTTP)),
            (ProxyFailed(), Unavailable(HOST, UnavailableCause.PROXY)),
            (BrokenAnswer(), Unavailable(HOST, UnavailableCause.NOT_A_REGISTRY)),
            (HeldBack("exhausted"), Unavailable(HOST, UnavailableCause.OURS)),
            (AddressRefused("network.private"), Blocked(HOST, BlockedCause.ADDRESS, "network.private")),
        ],
    )
    def test_no_fault_is_a_denial(self, fault: Fault, expected: object) -> None:
        played = play(IMAGE, scripted(fault), REGCRED)

        assert played.resolution == expected
        assert played.steps == ["HEAD"]


class TestSeveralOutcomes:
    @pytest.mark.parametrize(
        ("replies", "expected"),
        [
            ([answer(500), answer(401, UNAUTHORIZED, BASIC)], Unavailable),
            ([answer(401, UNAUTHORIZED, BASIC), answer(500)], Unavailable),
            ([answer(404), answer(401, UNAUTHORIZED, BASIC), answer(404, NOT_FOUND)], Missing),
            ([answer(401, UNAUTHORIZED, BASIC)] * 3, Refused),
        ],
    )
    def test_a_doubt_outweighs_every_no_and_missing_outweighs_refused(
        self, replies: list[Reply], expected: type
    ) -> None:
        played = play(IMAGE, scripted(answer(401, b"", BASIC), *replies), REGCRED, OTHER)

        assert isinstance(played.resolution, expected)

    def test_all_missing_ones_are_confirmed_each_with_its_login(self) -> None:
        replies = scripted(answer(401, b"", BASIC), answer(404), answer(404), answer(404, NOT_FOUND), answer(404, PAGE))
        played = play(IMAGE, replies, REGCRED, OTHER)

        assert played.steps[-2:] == ["GET basic user", "GET basic other"]
        assert isinstance(played.resolution, Unavailable)
