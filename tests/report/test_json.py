"""The JSON report, key by key."""

import json as jsonlib

from tests.report.sample import ALLOWED, DENIED, DIGEST, UNASKED, WARNED, judged, result, use
from webhook.registry.resolution import OfferResult
from webhook.report import json
from webhook.report.result import Subject
from webhook.verdict.evidence import Offer
from webhook.verdict.policy import Decision


def test_the_report_is_as_it_was_promised() -> None:
    assert jsonlib.loads(json.render([result(DENIED, message="denied\nbecause")])) == {
        "apiVersion": "pullcheck.dev/v1",
        "kind": "CheckReport",
        "summary": {"images": 1, "deny": 1, "warn": 0, "allow": 0},
        "results": [
            {
                "source": "deploy.yaml",
                "object": {"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "default", "name": "my-app"},
                "decision": "deny",
                "message": "denied\nbecause",
                "warnings": [],
                "images": [
                    {
                        "field": "spec.template.spec.containers[0].image",
                        "container": "app",
                        "image": "my-app:2.0",
                        "reference": "docker.io/library/my-app:2.0",
                        "pullPolicy": "IfNotPresent",
                        "resolution": "Refused",
                        "decision": "deny",
                        "reason": "registry wants a login",
                        "digest": None,
                        "credentials": [
                            {"secret": "regcred", "result": "rejected"},
                            {"secret": None, "result": "unused"},
                        ],
                        "hints": [],
                    }
                ],
            }
        ],
    }


def test_the_order_of_keys_is_the_documents() -> None:
    [shown] = jsonlib.loads(json.render([result(DENIED)]))["results"]
    assert list(shown) == ["source", "object", "decision", "message", "warnings", "images"]
    assert list(shown["images"][0]) == [
        *("field", "container", "image", "reference", "pullPolicy", "resolution"),
        *("decision", "reason", "digest", "credentials", "hints"),
    ]


def test_what_resolved_has_its_digest_and_what_is_invalid_no_reference() -> None:
    [shown] = jsonlib.loads(json.render([result(ALLOWED, WARNED)]))["results"]
    assert [image["digest"] for image in shown["images"]] == [DIGEST, None]
    assert [image["reference"] for image in shown["images"]] == ["a.io/a:1", None]


def test_what_nobody_was_asked_about_has_no_resolution() -> None:
    [image] = jsonlib.loads(json.render([result(UNASKED)]))["results"][0]["images"]
    assert (image["resolution"], image["reference"], image["decision"]) == (None, None, "allow")
    assert (image["reason"], image["credentials"]) == ("not asked: its pull policy is Never", [])


def test_an_image_of_the_command_line_has_no_object() -> None:
    [shown] = jsonlib.loads(json.render([result(DENIED, subject=None, source="argument")]))["results"]
    assert (shown["source"], shown["object"]) == ("argument", None)
    assert (shown["images"][0]["field"], shown["images"][0]["container"]) == ("image", None)


def test_nothing_to_report_is_a_report() -> None:
    document = jsonlib.loads(json.render([]))
    assert (document["summary"], document["results"]) == ({"images": 0, "deny": 0, "warn": 0, "allow": 0}, [])


def _texts(value: object) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in _texts(item)]
        case dict():
            return [text for item in value.values() for text in _texts(item)]
        case _:
            return []


def test_no_text_holds_control_characters_or_is_without_bound() -> None:
    hostile = "a\tb\x1b[31m\u202e" + "x" * 5000
    image = judged(
        Decision.DENY, reason=hostile, of=use(hostile, container=hostile), offers=(Offer(hostile, OfferResult.DENIED),)
    )
    subject = Subject(hostile, hostile, hostile, hostile)
    texts = _texts(jsonlib.loads(json.render([result(image, subject=subject, source=hostile)])))
    assert max(map(len, texts)) <= 1024
    assert all(text.isprintable() for text in texts)
