"""Results for the tests of the reports."""

from webhook.images.reference import Reference
from webhook.images.uses import ImageUse, Place
from webhook.registry.resolution import OfferResult, Refused, RefusedCause, Resolution, Resolved
from webhook.report.result import Result, Subject, Unasked
from webhook.verdict.evidence import Offer
from webhook.verdict.judgement import Judgement
from webhook.verdict.policy import Decision

DIGEST = "sha256:" + "a" * 64
SUBJECT = Subject("apps/v1", "Deployment", "default", "my-app")


def use(image: str = "my-app:2.0", number: int = 0, container: str = "app") -> ImageUse:
    field = f"spec.template.spec.containers[{number}].image"
    return ImageUse(field=field, container=container, image=image, pull_policy="IfNotPresent", place=Place.CONTAINER)


def judged(
    decision: Decision,
    *,
    resolution: Resolution | None = None,
    reason: str = "registry wants a login",
    of: ImageUse | None = None,
    reference: Reference | None = None,
    would_be_denied: bool = False,
    offers: tuple[Offer, ...] = (),
) -> Judgement:
    return Judgement(
        use=of or use(),
        reference=reference,
        resolution=resolution or Refused("docker.io", RefusedCause.LOGIN_REJECTED),
        decision=decision,
        would_be_denied=would_be_denied,
        reason=reason,
        offers=offers,
    )


def result(
    *images: Judgement | Unasked, subject: Subject | None = SUBJECT, source: str = "deploy.yaml", message: str = ""
) -> Result:
    decisions = [image.decision for image in images if isinstance(image, Judgement)]
    decision = max(decisions, key=lambda each: each.severity, default=Decision.ALLOW)
    return Result(source=source, subject=subject, decision=decision, message=message, images=images)


DENIED = judged(
    Decision.DENY,
    reference=Reference("docker.io/library/my-app", "2.0"),
    offers=(Offer("regcred", OfferResult.REJECTED), Offer(None, OfferResult.UNUSED)),
)
WARNED = judged(Decision.WARN, of=use("UPPER", 1), reason="no valid reference", would_be_denied=True)
ALLOWED = judged(
    Decision.ALLOW, of=use("a:1", 2), reason="", resolution=Resolved(DIGEST), reference=Reference("a.io/a", "1")
)
UNASKED = Unasked(use("b", 3), "not asked: its pull policy is Never")
