"""What people read, to the word: the story's sentences, and the rules that all of them keep."""

import itertools
import unicodedata

import pytest

from tests.verdict.making import IMAGE, PASSWORD, keychain, reference, secret, use
from webhook.images.uses import Place
from webhook.keychain.pullsecrets import (
    AbsentServiceAccount,
    Keychain,
    PullSecret,
    UnreadableSecret,
    UnreadableServiceAccount,
)
from webhook.registry.resolution import (
    Blocked,
    BlockedCause,
    Conclusion,
    Invalid,
    Missing,
    MissingCause,
    OfferResult,
    Refused,
    RefusedCause,
    Resolution,
    Resolved,
    Unavailable,
    UnavailableCause,
    Unsupported,
    UnsupportedCause,
    Unverifiable,
    UnverifiableCause,
)
from webhook.verdict.evidence import gather, note_unreadable
from webhook.verdict.wording import explain, name_use, name_workload

HOST = "registry.example.com"
WANTED = Refused(HOST, RefusedCause.LOGIN_WANTED)
SAME = "(it answers the same for a repository that does not exist)"


def said(resolution: Resolution, chain: Keychain, *offers: OfferResult, image: str = IMAGE) -> str:
    parsed = reference(image)
    return explain(parsed, resolution, gather(chain, parsed, Conclusion(resolution, offers)))


class TestTheStory:
    def test_scene_1_the_image_means_docker_hub(self) -> None:
        parsed = reference("my-app:2.0")

        assert name_use(use("my-app:2.0"), parsed) == (
            'container "app": image "my-app:2.0" means docker.io/library/my-app:2.0'
        )
        assert said(Missing("registry-1.docker.io", MissingCause.REPOSITORY), keychain(), image="my-app:2.0") == (
            "Docker Hub does not have it: no repository library/my-app; the pod offers no pull secret"
        )

    def test_scene_2_no_secret(self) -> None:
        assert said(WANTED, keychain()) == (
            f"registry.example.com wants a login, and the pod offers no pull secret {SAME}"
        )

    def test_scene_3_the_secrets_name_misspelt(self) -> None:
        assert said(WANTED, keychain("regcerd")) == (
            f'registry.example.com wants a login, and pull secret "regcerd" does not exist {SAME}'
        )

    def test_scene_4_a_wrong_password(self) -> None:
        rejected = Refused("auth.example.com", RefusedCause.LOGIN_REJECTED)

        assert said(rejected, keychain(secret()), OfferResult.REJECTED) == (
            'registry.example.com rejected the login of pull secret "regcred"'
        )

    def test_scene_4_a_secret_for_another_host(self) -> None:
        assert said(WANTED, keychain(secret("regcred", "other.example.com"))) == (
            'registry.example.com wants a login, and pull secret "regcred" is for other.example.com ' + SAME
        )

    def test_scene_5_no_such_tag(self) -> None:
        assert said(Missing(HOST), keychain(secret()), OfferResult.ACCEPTED) == (
            'registry.example.com has no such tag: "2.0" in team/my-app (or no such repository, it does not say); '
            'pull secret "regcred" was offered'
        )

    def test_scene_6_nothing_to_say(self) -> None:
        assert said(Resolved("sha256:0"), keychain(secret()), OfferResult.ACCEPTED) == ""

    def test_scene_7_the_registry_is_down(self) -> None:
        assert said(Unavailable(HOST, UnavailableCause.SILENT), keychain()) == (
            "could not be checked: registry.example.com did not answer"
        )


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        (keychain("a", "b"), 'pull secret "a" and pull secret "b" do not exist'),
        (keychain(UnreadableSecret("a", "x")), 'pull secret "a" could not be read'),
        (keychain(account=AbsentServiceAccount("robot")), 'the pull secrets of service account "robot" are not known'),
        (keychain(PullSecret("a", "Opaque", {})), 'the kubelet does not read pull secret "a" as one'),
        (keychain(secret("a", auths={})), 'pull secret "a" holds no login'),
        (
            keychain(secret("a", "one.example", "two.example", "three.example", "four.example", "five.example")),
            'pull secret "a" is for one.example, two.example, three.example and 2 more',
        ),
    ],
)
def test_what_the_pod_offers_is_named_most_telling_first(chain: Keychain, expected: str) -> None:
    assert said(WANTED, chain) == f"registry.example.com wants a login, and {expected} {SAME}"


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (OfferResult.ACCEPTED, '; pull secret "regcred" was offered'),
        (OfferResult.UNUSABLE, '; pull secret "regcred" holds no username and password for it'),
        (OfferResult.UNUSED, ""),
    ],
)
def test_a_secret_is_said_to_be_offered_only_when_it_was(result: OfferResult, expected: str) -> None:
    text = said(Missing(HOST, MissingCause.TAG), keychain(secret()), result)

    assert text == f'registry.example.com has no tag "2.0" in team/my-app{expected}'


def test_two_secrets_that_were_offered_are_told_in_the_plural() -> None:
    chain = keychain(secret("one"), secret("two"))
    text = said(Missing(HOST, MissingCause.TAG), chain, OfferResult.DENIED, OfferResult.ACCEPTED)

    assert text.endswith('pull secret "one" and pull secret "two" were offered')


def test_a_mirror_that_misses_and_a_registry_that_refuses_are_both_told() -> None:
    text = said(Missing("mirror.example.net", MissingCause.UNSAID, refused_at=HOST), keychain())

    assert text == (
        "mirror.example.net does not have it, and registry.example.com refuses; the pod offers no pull secret"
    )


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (RefusedCause.ACCESS_DENIED, f'registry.example.com denies pull secret "regcred" access to team/my-app {SAME}'),
        (RefusedCause.EXPIRED, 'registry.example.com says that the login of pull secret "regcred" has expired'),
        (
            RefusedCause.UNTRANSMITTABLE,
            'the login of pull secret "regcred" is not UTF-8 text, which the kubelet cannot pass on',
        ),
    ],
)
def test_a_refusal_names_the_secret(cause: RefusedCause, expected: str) -> None:
    assert said(Refused(HOST, cause), keychain(secret()), OfferResult.DENIED) == expected


def test_a_broken_secret_says_where_it_is_broken_and_what_follows() -> None:
    chain = keychain(PullSecret("bad", "kubernetes.io/dockerconfigjson", {".dockerconfigjson": b"{"}))
    text = said(Refused(HOST, RefusedCause.BROKEN_SECRET), chain)

    assert text.startswith('pull secret "bad" is broken: .dockerconfigjson: ')
    assert text.endswith("; the kubelet then pulls nothing for this pod")


def test_a_blocked_login_names_the_setting_that_would_allow_it() -> None:
    blocked = Blocked("auth.example.net", BlockedCause.CREDENTIAL_REALM, "network.realms")

    assert said(blocked, keychain(secret()), OfferResult.WITHHELD) == (
        "could not be checked: this webhook does not send the pod's login to auth.example.net, where "
        "registry.example.com wants it (network.realms would allow it)"
    )


def test_another_host_that_was_asked_is_named_beside_the_registry() -> None:
    text = said(Unavailable("127.0.0.1:5000", UnavailableCause.SERVER_ERROR, 503), keychain())

    assert text == "could not be checked: registry.example.com (at 127.0.0.1:5000) has trouble of its own (status 503)"


def test_an_invalid_reference_says_why() -> None:
    conclusion = Conclusion(Invalid("invalid reference format"))

    assert explain(None, conclusion.resolution, gather(keychain(), None, conclusion)) == (
        "this is no valid image reference: invalid reference format"
    )


def test_places_are_named_as_kubernetes_names_them() -> None:
    assert name_use(use(place=Place.INIT, name="init"), None).startswith('init container "init": image "')
    assert name_use(use(place=Place.EPHEMERAL), None).startswith("ephemeral container ")
    assert name_use(use(place=Place.VOLUME), None).startswith("image volume ")


def test_an_image_that_is_written_as_it_resolves_is_named_once() -> None:
    assert name_use(use(), reference()) == f'container "app": image "{IMAGE}"'


EVERYTHING: list[Resolution] = [
    *(Missing(HOST, cause) for cause in MissingCause),
    *(Refused(HOST, cause) for cause in RefusedCause),
    *(Unsupported(HOST, cause) for cause in UnsupportedCause),
    *(Unverifiable(HOST, cause) for cause in UnverifiableCause),
    *(Unavailable("h" * 3000, cause, 503) for cause in UnavailableCause),
    *(Blocked("h" * 3000, cause, setting) for cause in BlockedCause for setting in ("network.realms", "")),
    Blocked("", BlockedCause.HOST),
]
CHAINS = [
    keychain(),
    keychain("gone" * 100),
    keychain(secret("regcred")),
    keychain(secret("s" * 253, *(f"host-{number}.example" for number in range(500)))),
    keychain(UnreadableSecret("u", "r"), account=UnreadableServiceAccount("robot", "r")),
]


@pytest.mark.parametrize(("resolution", "chain"), list(itertools.product(EVERYTHING, CHAINS)))
def test_every_sentence_is_whole_bounded_and_tells_no_secret(resolution: Resolution, chain: Keychain) -> None:
    for image in (IMAGE, "nginx", "registry.example.com/" + "a" * 250 + ":" + "t" * 128):
        text = said(resolution, chain, OfferResult.DENIED, image=image)

        assert text
        assert len(text) < 900
        assert "{" not in text
        assert "  " not in text
        assert PASSWORD not in text
        assert not [character for character in text if unicodedata.category(character) in ("Cc", "Cf")]


def test_names_are_bounded() -> None:
    assert len(name_use(use("x" * 5000), None)) < 250
    assert name_workload("Deployment", "my-app") == "Deployment/my-app"


def test_what_the_cluster_did_not_tell_is_said_with_its_reason() -> None:
    chain = keychain(UnreadableSecret("a", "no answer"), account=UnreadableServiceAccount("robot", "forbidden"))

    assert note_unreadable(chain) == (
        'pull secret "a" could not be read (no answer); checked without it',
        'service account "robot" could not be read (forbidden); checked without it',
    )
    assert note_unreadable(keychain("gone", account=AbsentServiceAccount("robot"))) == ()
