"""The report for programs."""

import json
from collections.abc import Sequence

from webhook.report.result import Result, Subject, Unasked, count, decision_of, show
from webhook.verdict.evidence import Offer
from webhook.verdict.judgement import Judgement
from webhook.verdict.policy import Decision

API_VERSION = "pullcheck.dev/v1"
KIND = "CheckReport"
ARGUMENT_FIELD = "image"
"""The field of an image that came as an argument."""


def render(results: Sequence[Result]) -> str:
    """Write one JSON document, indented; every text in it is cleaned and bounded."""
    counts = count(results)
    document = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "summary": {
            "images": sum(counts.values()),
            "deny": counts[Decision.DENY],
            "warn": counts[Decision.WARN],
            "allow": counts[Decision.ALLOW],
        },
        "results": [_result(result) for result in results],
    }
    return json.dumps(document, indent=2)


def _result(result: Result) -> dict[str, object]:
    return {
        "source": show(result.source),
        "object": _object(result.subject) if result.subject else None,
        "decision": result.decision,
        "message": result.message,
        "warnings": list(result.warnings),
        "images": [_image(image, is_argument=result.subject is None) for image in result.images],
    }


def _object(subject: Subject) -> dict[str, str]:
    return {
        "apiVersion": show(subject.api_version),
        "kind": show(subject.kind),
        "namespace": show(subject.namespace),
        "name": show(subject.name),
    }


def _image(image: Judgement | Unasked, *, is_argument: bool) -> dict[str, object]:
    use, judgement = image.use, image if isinstance(image, Judgement) else None
    return {
        "field": ARGUMENT_FIELD if is_argument else show(use.field),
        "container": None if is_argument else show(use.container),
        "image": show(use.image),
        "reference": str(judgement.reference) if judgement and judgement.reference else None,
        "pullPolicy": show(use.pull_policy),
        "resolution": judgement.resolution_name if judgement else None,
        "decision": decision_of(image),
        "reason": show(image.reason),
        "digest": judgement.digest if judgement else None,
        "credentials": [_credential(offer) for offer in judgement.offers] if judgement else [],
        "hints": [],
    }


def _credential(offer: Offer) -> dict[str, str | None]:
    return {"secret": show(offer.secret) if offer.secret else None, "result": offer.result}
