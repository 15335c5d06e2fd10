"""What was found out about one image use, and what follows for the workload."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webhook.images.reference import Reference
from webhook.images.uses import ImageUse
from webhook.keychain.pullsecrets import Keychain
from webhook.registry.resolution import Conclusion, Resolution, Resolved
from webhook.verdict.evidence import Offer, gather
from webhook.verdict.policy import Circumstances, Decision, Rules, decide, reconsider
from webhook.verdict.wording import explain


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """One image use, judged."""

    use: ImageUse
    reference: Reference | None
    """None when the image is no valid reference."""
    resolution: Resolution
    decision: Decision
    would_be_denied: bool = False
    """Whether only the mode made a warning of a denial."""
    reason: str
    """In words, for people; empty when it resolved."""
    offers: tuple[Offer, ...] = ()
    is_remembered: bool = False
    """Whether nobody was asked for it in this review."""

    @property
    def resolution_name(self) -> str:
        """The resolution's name as users know it."""
        return type(self.resolution).__name__

    @property
    def digest(self) -> str | None:
        """What it resolved to."""
        return self.resolution.digest if isinstance(self.resolution, Resolved) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision about a workload, and its words."""

    decision: Decision
    message: str = ""
    """Of a denial; bounded and clean."""
    warnings: tuple[str, ...] = ()
    """Bounded and clean."""
    notes: tuple[str, ...] = ()
    """Those of the warnings that are about no single image."""
    judgements: tuple[Judgement, ...] = ()
    durations: Mapping[str, float] = field(default_factory=dict)
    """Seconds by what they were spent on: `cluster`, `registry`, `rereading`, `nodes`, `verdict`."""


def judge(
    use: ImageUse,
    reference: Reference | None,
    conclusion: Conclusion,
    keychain: Keychain,
    circumstances: Circumstances,
    rules: Rules,
) -> Judgement:
    """Judge one image use.

    Args:
        use: The place that names the image.
        reference: The image, parsed; None when it is invalid.
        conclusion: How the conversation about it ended.
        keychain: What the pod offers.
        circumstances: What caps the workload's denials.
        rules: The operator's.
    """
    evidence = gather(keychain, reference, conclusion)
    found = conclusion.resolution
    resolution = reconsider(found, use, reference, rules.means) if reference else found
    decision, would_be_denied = decide(resolution, circumstances, rules)
    reason = explain(reference, resolution, evidence)
    return Judgement(
        use=use,
        reference=reference,
        resolution=resolution,
        decision=decision,
        would_be_denied=would_be_denied,
        reason=f"{reason}; a node reports that it has this image" if circumstances.is_on_node else reason,
        offers=evidence.offers,
        is_remembered=conclusion.is_remembered,
    )
