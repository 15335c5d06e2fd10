"""Redirects, plain http, mirrors and realms: where requests go, and where logins do not."""

from dataclasses import replace

import pytest

from tests.registry.playing import (
    BASIC,
    BEARER,
    DESTINATIONS,
    DIGEST,
    NOT_FOUND,
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
from webhook.registry.exchange import Intent, Reply, SpeaksPlain, TimedOut
from webhook.registry.resolution import (
    Blocked,
    BlockedCause,
    Missing,
    OfferResult,
    Refused,
    RefusedCause,
    Resolved,
    Unavailable,
    UnavailableCause,
)
from webhook.registry.travel import MAX_REDIRECTS

IMAGE = "registry.example.com/team/app:1.0"
HOST = "registry.example.com"
FIRST_URL = "https://registry.example.com/v2/team/app/manifests/1.0"
LOOPBACK = replace(DESTINATIONS, loopback=True)


def redirect(to: str, status: int = 307) -> Reply:
    return answer(status, location=to)


class TestRedirects:
    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_they_are_followed_as_nodes_do(self, status: int) -> None:
        played = play(IMAGE, scripted(redirect("/v2/library/app/manifests/1.0", status), found()))

        assert played.urls == [FIRST_URL, "https://registry.example.com/v2/library/app/manifests/1.0"]
        assert played.resolution == Resolved(DIGEST)

    def test_one_without_a_location_is_no_answer_of_a_registry(self) -> None:
        played = play(IMAGE, scripted(answer(307)))

        assert played.resolution == Unavailable(HOST, UnavailableCause.NOT_A_REGISTRY, 307)

    def test_one_that_leads_nowhere_readable_is_blocked(self) -> None:
        for location in ("https://[::1", "ftp://registry.example.com/x", "https://user:pw@registry.example.com/"):
            played = play(IMAGE, scripted(redirect(location)))

            assert isinstance(played.resolution, Blocked)
            assert played.steps == ["HEAD"]

    def test_after_ten_it_is_enough(self) -> None:
        played = play(IMAGE, scripted(*[redirect(f"/{step}") for step in range(MAX_REDIRECTS + 1)]))

        assert played.resolution == Unavailable(HOST, UnavailableCause.REDIRECTS)
        assert len(played.steps) == MAX_REDIRECTS + 1

    def test_another_host_is_asked_anonymously(self) -> None:
        replies = scripted(answer(401, b"", BASIC), redirect("https://blobs.example.net/m"), found())
        played = play(IMAGE, replies, REGCRED)

        assert played.steps == ["HEAD", "HEAD basic user", "HEAD"]
        assert played.logins_sent_to() == {FIRST_URL}
        assert played.resolution == Resolved(DIGEST)

    def test_the_login_stays_within_the_origin(self) -> None:
        replies = scripted(answer(401, b"", BASIC), redirect("/v2/library/app/manifests/1.0"), found())
        played = play(IMAGE, replies, REGCRED)

        assert played.steps == ["HEAD", "HEAD basic user", "HEAD basic user"]

    @pytest.mark.parametrize(
        "target",
        ["https://registry.example.com:8443/m", "https://sub.registry.example.com/m", "https://other.example.net/m"],
    )
    def test_another_origin_that_asks_for_a_login_gets_none(self, target: str) -> None:
        before = play(IMAGE, scripted(redirect(target), answer(401, b"", BASIC)), REGCRED)
        after = play(IMAGE, scripted(answer(401, b"", BASIC), redirect(target), answer(401, b"", BASIC)), REGCRED)
        with_token = scripted(answer(401, b"", BEARER), token(), redirect(target), answer(401, b"", BASIC))

        for played in (before, after, play(IMAGE, with_token, REGCRED)):
            assert isinstance(played.resolution, Blocked)
            assert played.resolution.cause is BlockedCause.CREDENTIAL_REDIRECT
            assert played.conclusion.offers == (OfferResult.WITHHELD,)
            assert target not in played.logins_sent_to()

    def test_another_origin_that_asks_for_a_token_gets_an_anonymous_one(self) -> None:
        challenge = 'Bearer realm="https://us.pkg.example.net/token"'
        replies = scripted(redirect("https://us.pkg.example.net/m"), answer(401, b"", challenge), token(), found())
        played = play(IMAGE, replies)

        assert played.steps == ["HEAD", "HEAD", "GET token", "HEAD bearer t"]
        assert played.urls[-1] == "https://us.pkg.example.net/m"

    def test_a_second_login_elsewhere_is_not_pursued_anonymously(self) -> None:
        replies = scripted(
            answer(401, b"", BEARER), token(), redirect("https://b.example.net/m"), answer(401, b"", BASIC)
        )
        played = play(IMAGE, replies)

        assert played.resolution == Unavailable("b.example.net", UnavailableCause.REDIRECTS, 401)

    def test_https_never_becomes_http(self) -> None:
        played = play(IMAGE, scripted(redirect("http://registry.example.com/m")))

        assert played.resolution == Blocked(HOST, BlockedCause.DOWNGRADE)
        assert played.steps == ["HEAD"]

    @pytest.mark.parametrize("address", ["169.254.169.254", "[fd00:ec2::254]", "127.0.0.1", "[::ffff:a9fe:a9fe]"])
    def test_addresses_that_may_not_be_asked_are_not(self, address: str) -> None:
        played = play(IMAGE, scripted(redirect(f"https://{address}/latest/meta-data")))

        assert isinstance(played.resolution, Blocked)
        assert played.steps == ["HEAD"]


class TestTokenServers:
    @pytest.mark.parametrize(
        ("realm", "cause"),
        [
            ("https://evil.example.net/token", BlockedCause.CREDENTIAL_REALM),
            ("https://registry.example.com.evil.net/token", BlockedCause.CREDENTIAL_REALM),
            ("http://registry.example.com/token", BlockedCause.CREDENTIAL_PLAIN),
            ("http://auth.example.com/token", BlockedCause.CREDENTIAL_PLAIN),
            ("https://user:pw@registry.example.com/token", BlockedCause.CREDENTIAL_REALM),
            ("https://203.0.113.7/token", BlockedCause.CREDENTIAL_REALM),
            ("https://registry.example.com/token#x", BlockedCause.CREDENTIAL_REALM),
        ],
    )
    def test_a_realm_that_is_not_admitted_gets_no_login(self, realm: str, cause: BlockedCause) -> None:
        played = play(IMAGE, scripted(answer(401, b"", f'Bearer realm="{realm}"')), REGCRED)

        assert isinstance(played.resolution, Blocked)
        assert played.resolution.cause is cause
        assert played.conclusion.offers == (OfferResult.WITHHELD,)
        assert played.steps == ["HEAD"]

    def test_the_same_realm_may_be_asked_anonymously(self) -> None:
        challenge = 'Bearer realm="https://auth.example.net/token"'
        played = play(IMAGE, scripted(answer(401, b"", challenge), token(), found()))

        assert played.resolution == Resolved(DIGEST)

    def test_realms_admits_further_hosts(self) -> None:
        open_to = replace(DESTINATIONS, realms={"registry.example.com": ("auth.example.net",)})
        challenge = 'Bearer realm="https://auth.example.net/token"'
        played = play(IMAGE, scripted(answer(401, b"", challenge), token(), found()), REGCRED, destinations=open_to)

        assert played.resolution == Resolved(DIGEST)

    def test_a_realm_at_a_refused_address_is_not_asked_even_anonymously(self) -> None:
        challenge = 'Bearer realm="https://169.254.169.254/token"'
        played = play(IMAGE, scripted(answer(401, b"", challenge)))

        assert played.resolution == Blocked("169.254.169.254", BlockedCause.ADDRESS, "network.allowed_networks")
        assert played.conclusion.offers == ()

    @pytest.mark.parametrize("status", [302, 307, 308])
    def test_a_token_server_that_redirects_elsewhere_gets_no_login_there(self, status: int) -> None:
        played = play(
            IMAGE, scripted(answer(401, b"", BEARER), redirect("https://evil.example.net/t", status)), REGCRED
        )

        assert played.resolution == Blocked("evil.example.net", BlockedCause.CREDENTIAL_REDIRECT)
        assert played.conclusion.offers == (OfferResult.WITHHELD,)
        assert played.logins_sent_to() == {"https://auth.example.com/token"}

    def test_within_its_origin_a_posted_login_is_sent_on_by_307_only(self) -> None:
        kept = scripted(answer(401, b"", BEARER), redirect("/token/"), token(), found())
        turned = scripted(answer(401, b"", BEARER), redirect("/token/", 302))

        assert play(IMAGE, kept, REGCRED).resolution == Resolved(DIGEST)
        assert play(IMAGE, turned, REGCRED).resolution == Unavailable("auth.example.com", UnavailableCause.REDIRECTS)

    def test_an_anonymous_request_follows(self) -> None:
        replies = scripted(answer(401, b"", BEARER), redirect("https://auth.example.net/t", 302), token(), found())

        assert play(IMAGE, replies).resolution == Resolved(DIGEST)

    def test_an_endless_redirect_ends(self) -> None:
        played = play(IMAGE, scripted(answer(401, b"", BEARER), *[redirect("/token")] * (MAX_REDIRECTS + 1)))

        assert played.resolution == Unavailable("auth.example.com", UnavailableCause.REDIRECTS)


class TestPlainHttp:
    def test_a_loopback_registry_that_speaks_plain_is_asked_so(self) -> None:
        played = play("127.0.0.1:5000/app:1", scripted(SpeaksPlain(), found()), destinations=LOOPBACK)

        assert played.urls == ["https://127.0.0.1:5000/v2/app/manifests/1", "http://127.0.0.1:5000/v2/app/manifests/1"]
        assert played.intents[0].endpoint.skip_verify

    def test_one_that_is_silent_in_the_handshake_is_asked_plainly_too(self) -> None:
        replies = scripted(TimedOut(while_connecting=True), found())
        played = play("127.0.0.1:5000/app:1", replies, destinations=LOOPBACK)

        assert played.urls[-1] == "http://127.0.0.1:5000/v2/app/manifests/1"
        assert played.resolution == Resolved(DIGEST)

    def test_one_that_speaks_tls_and_does_not_answer_is_not(self) -> None:
        played = play("127.0.0.1:5000/app:1", scripted(TimedOut()), destinations=LOOPBACK)

        assert played.resolution == Unavailable("127.0.0.1:5000", UnavailableCause.SILENT)

    def test_its_login_travels_as_plainly(self) -> None:
        replies = scripted(SpeaksPlain(), answer(401, b"", BASIC), found())
        played = play("127.0.0.1:5000/app:1", replies, REGCRED, destinations=LOOPBACK)

        assert played.steps == ["HEAD", "HEAD", "HEAD basic user"]
        assert played.resolution == Resolved(DIGEST)

    def test_port_80_is_plain_from_the_start(self) -> None:
        played = play("localhost:80/app:1", scripted(found()), destinations=LOOPBACK)

        assert played.urls == ["http://localhost:80/v2/app/manifests/1"]

    def test_a_declared_host_is_spoken_to_like_that(self) -> None:
        declared = replace(DESTINATIONS, insecure_hosts=("plain.example.com",))
        played = play("plain.example.com/app:1", scripted(SpeaksPlain(), found()), destinations=declared)

        assert played.urls[-1] == "http://plain.example.com/v2/app/manifests/1"

    def test_no_other_host_is(self) -> None:
        played = play(IMAGE, scripted(SpeaksPlain()))

        assert played.resolution == Unavailable(HOST, UnavailableCause.PLAIN_HTTP)

    def test_a_redirect_to_another_host_does_not_inherit_it(self) -> None:
        declared = replace(DESTINATIONS, insecure_hosts=("plain.example.com",))
        replies = scripted(redirect("https://other.example.com/m"), SpeaksPlain())
        played = play("plain.example.com/app:1", replies, destinations=declared)

        assert played.urls == ["https://plain.example.com/v2/app/manifests/1", "https://other.example.com/m"]
        assert played.resolution == Unavailable("other.example.com", UnavailableCause.PLAIN_HTTP)


class TestHostsFiles:
    MIRRORED = parse_hosts('server = "https://up.example.com"\n[host."https://mirror.example.net"]', "/certs.d/x")

    def test_mirrors_come_first_and_the_server_last(self) -> None:
        replies = scripted(answer(404), found())
        played = play(IMAGE, replies, hosts=self.MIRRORED)

        assert played.urls == [
            "https://mirror.example.net/v2/team/app/manifests/1.0?ns=registry.example.com",
            "https://up.example.com/v2/team/app/manifests/1.0?ns=registry.example.com",
        ]
        assert played.resolution == Resolved(DIGEST)

    def test_a_mirror_that_answers_ends_the_search_even_with_rubbish(self) -> None:
        played = play(IMAGE, scripted(found(content_type="text/html")), hosts=self.MIRRORED)

        assert played.steps == ["HEAD"]

    def test_missing_needs_every_endpoints_word(self) -> None:
        both = scripted(answer(404), answer(404), answer(404, NOT_FOUND), answer(404, NOT_FOUND))
        one = scripted(answer(500), answer(404))

        assert isinstance(play(IMAGE, both, hosts=self.MIRRORED).resolution, Missing)
        assert isinstance(play(IMAGE, one, hosts=self.MIRRORED).resolution, Unavailable)

    def test_a_mirrors_404_does_not_hide_the_registrys_401_and_both_are_confirmed(self) -> None:
        def answers(intent: Intent) -> Reply:
            return answer(404, NOT_FOUND) if "mirror" in intent.url else answer(401, UNAUTHORIZED, BASIC)

        played = play(IMAGE, answers, hosts=self.MIRRORED)

        assert played.resolution == Missing("mirror.example.net", refused_at="up.example.com")
        assert played.steps == ["HEAD", "HEAD", "GET", "GET"]

    def test_a_mirror_gets_no_login(self) -> None:
        def answers(_: Intent) -> Reply:
            return answer(401, UNAUTHORIZED, BASIC)

        played = play(IMAGE, answers, REGCRED, hosts=self.MIRRORED)

        assert played.resolution == Blocked("mirror.example.net", BlockedCause.CREDENTIAL_MIRROR, "network.realms")
        assert all("mirror" not in url for url in played.logins_sent_to())

    def test_the_server_of_a_hosts_file_is_the_registry_and_gets_it(self) -> None:
        hosts = parse_hosts('server = "https://127.0.0.1:5001"', "/certs.d/x")
        played = play(IMAGE, scripted(answer(401, b"", BASIC), found()), REGCRED, hosts=hosts, destinations=LOOPBACK)

        assert played.resolution == Resolved(DIGEST)

    def test_a_host_for_which_nodes_have_more_proves_nothing(self) -> None:
        hosts = parse_hosts('server = "https://up.example.com"\nclient = "/etc/client.pem"', "/certs.d/x")
        played = play(IMAGE, scripted(answer(401, UNAUTHORIZED, BASIC)), hosts=hosts)

        assert played.resolution == Unavailable("up.example.com", UnavailableCause.NODE_MEANS)

    def test_a_tag_needs_a_host_that_may_resolve(self) -> None:
        hosts = parse_hosts('server = "https://up.example.com"\ncapabilities = ["pull"]', "/certs.d/x")
        by_tag = play(IMAGE, scripted(), hosts=hosts)
        by_digest = play(f"{IMAGE}@{DIGEST}", scripted(found()), hosts=hosts)

        assert by_tag.resolution == Unavailable(HOST, UnavailableCause.NO_HOST)
        assert by_digest.resolution == Resolved(DIGEST)

    def test_a_cache_at_a_mirror_is_known_by_its_place(self) -> None:
        hosts = parse_hosts('server = "https://cache.example.com/proxy"', "/certs.d/x")
        played = play(IMAGE, scripted(answer(404)), hosts=hosts, pull_through=["cache.example.com/proxy"])

        assert played.resolution == Unavailable("cache.example.com", UnavailableCause.PULL_THROUGH, 404)

    def test_a_refusal_everywhere_is_a_refusal(self) -> None:
        def answers(_: Intent) -> Reply:
            return answer(401, UNAUTHORIZED, BASIC)

        assert play(IMAGE, answers, hosts=self.MIRRORED).resolution == Refused(
            "mirror.example.net", RefusedCause.LOGIN_WANTED
        )

    def test_a_question_is_confirmed_once_whoever_asked_it(self) -> None:
        def answers(intent: Intent) -> Reply:
            return answer(403, UNAUTHORIZED) if "token" in intent.url else answer(401, UNAUTHORIZED, BEARER)

        played = play(IMAGE, answers, REGCRED, Credential("other", "p", "other"))

        assert played.steps == ["HEAD", "POST token user", "POST token other", "GET"]
        assert played.resolution == Refused("auth.example.com", RefusedCause.ACCESS_DENIED)

    def test_an_accepted_login_is_told_though_another_endpoint_withheld_it(self) -> None:
        def answers(intent: Intent) -> Reply:
            if "mirror" in intent.url:
                return answer(401, UNAUTHORIZED, BASIC)
            return found() if intent.url in sent else answer(401, b"", BASIC)

        sent = {"https://up.example.com/v2/team/app/manifests/1.0?ns=registry.example.com"}
        played = play(IMAGE, answers, Credential("u", "p", "s"), hosts=self.MIRRORED)

        assert played.resolution == Resolved(DIGEST)
