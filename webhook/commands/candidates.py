"""What `pullcheck check` was given, as cases that the pipeline judges."""

from collections.abc import Sequence
from dataclasses import dataclass

from webhook.admission.review import MalformedReviewError, Review, UnreadableReviewError, parse
from webhook.admission.workload import MalformedWorkloadError
from webhook.case import Case
from webhook.composition import Composition
from webhook.images.reference import default_pull_policy
from webhook.images.uses import ImageUse, Place, find_uses
from webhook.keychain.pullsecrets import wanted
from webhook.pipeline import Nothing
from webhook.report.result import Result, Subject, Unasked
from webhook.verdict.judgement import Verdict
from webhook.verdict.policy import Mode
from webhook.wire.manifests import Manifest

ARGUMENT = "argument"
"""The source of an image of the command line."""
_REVIEW = "AdmissionReview"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something to be judged, and where it comes from."""

    source: str
    subject: Subject | None
    """None for an image of the command line."""
    case: Case
    uses: tuple[ImageUse, ...]
    """All that name an image, asked for or not, in the manifest's order."""


class Candidates:
    """Makes candidates of images and manifests."""

    def __init__(self, composition: Composition, mode: Mode, namespace: str) -> None:
        """Take what they depend on.

        Args:
            composition: Knows the kinds, and admits AdmissionReviews.
            mode: What the settings say.
            namespace: Of objects that name none, and of images.
        """
        self._kinds = composition.kinds
        self._rules = composition.rules
        self._pipeline = composition.pipeline
        self._mode = mode
        self._namespace = namespace

    def of_image(self, image: str, service_account: str, pull_secrets: Sequence[str]) -> Candidate:
        """Make an image the only one of a bare pod."""
        policy = default_pull_policy(image)
        use = ImageUse(
            field="spec.containers[0].image", container="image", image=image, pull_policy=policy, place=Place.CONTAINER
        )
        case = Case(
            kind="Pod",
            namespace=self._namespace,
            name="image",
            uses=(use,),
            wanted=wanted(pull_secrets, service_account, is_completed=False),
            mode=self._mode,
        )
        return Candidate(source=ARGUMENT, subject=None, case=case, uses=(use,))

    def of_manifest(self, manifest: Manifest) -> Candidate | None:
        """Make a candidate of an object that carries a pod spec, or of an AdmissionReview about one.

        Returns:
            None where there is nothing to judge.

        Raises:
            UnreadableManifestError: The object is not what its kind says.
        """
        try:
            return self._of_review(manifest) if manifest.kind == _REVIEW else self._of_object(manifest)
        except (MalformedReviewError, UnreadableReviewError, MalformedWorkloadError) as fault:
            raise manifest.position.fault(f"is no {manifest.kind} ({fault})") from None

    def _of_object(self, manifest: Manifest) -> Candidate | None:
        """Take an object as the API server and the kubelet would complete it, being deleted or not."""
        kind = self._kinds.find(manifest.api_version.rpartition("/")[0], manifest.kind)
        workload = kind.read(manifest.encode()) if kind else None
        if workload is None or workload.pod_spec is None:
            return None
        namespace = workload.namespace or self._namespace
        uses = find_uses(workload.pod_spec, workload.pod_spec_path)
        mode = self._rules.mode_for(workload.annotations, self._mode)
        case = Case.of(workload, uses, namespace=namespace, mode=mode, is_completed=False)
        subject = Subject(manifest.api_version, workload.kind, namespace, workload.name)
        return Candidate(source=manifest.source, subject=subject, case=case, uses=uses)

    def _of_review(self, manifest: Manifest) -> Candidate | None:
        """Take a request as the webhook does."""
        review = parse(manifest.encode())
        case = self._pipeline.admit(review, self._mode)
        if isinstance(case, Nothing):
            return None
        version = f"{review.group}/{review.version}" if review.group else review.version
        subject = Subject(version, case.kind, case.namespace, case.name)
        return Candidate(source=manifest.source, subject=subject, case=case, uses=self._uses(review))

    def _uses(self, review: Review) -> tuple[ImageUse, ...]:
        """List all uses of an admitted review's object."""
        kind = self._kinds.find(review.group, review.kind)
        workload = kind.read(review.object) if kind and review.object is not None else None
        if workload is None or workload.pod_spec is None:
            return ()
        return find_uses(workload.pod_spec, workload.pod_spec_path)


def conclude(candidate: Candidate, verdict: Verdict) -> Result:
    """Join what was judged with what nobody had to be asked about."""
    judged = {judgement.use.field: judgement for judgement in verdict.judgements}
    return Result(
        source=candidate.source,
        subject=candidate.subject,
        decision=verdict.decision,
        message=verdict.message,
        warnings=verdict.warnings,
        images=tuple(judged.get(use.field) or _unasked(use, candidate.case) for use in candidate.uses),
        notes=verdict.notes,
    )


def _unasked(use: ImageUse, case: Case) -> Unasked:
    if use.is_never_pulled:
        return Unasked(use, "not asked: its pull policy is Never")
    if use in case.uses:
        return Unasked(use, "not asked: something else rewrites it (ignored_images)")
    return Unasked(use, "not asked: unchanged")
