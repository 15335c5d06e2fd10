"""The table from resolution to decision, and the softeners that cap a denial."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import assert_never

from webhook.images.reference import Reference
from webhook.images.uses import ImageUse, Place
from webhook.keychain.matching import matches
from webhook.registry.resolution import (
    Blocked,
    Invalid,
    Missing,
    Refused,
    RefusedCause,
    Resolution,
    Resolved,
    Unavailable,
    UnavailableCause,
    Unsupported,
    Unverifiable,
    UnverifiableCause,
)


class Decision(StrEnum):
    """What is done about an image, or about a whole workload; the later, the harder."""

    ALLOW = "allow"
    WARN = "warn"
    DENY = "deny"

    @property
    def severity(self) -> int:
        """0 for allow, 1 for warn, 2 for deny."""
        return list(Decision).index(self)


class Mode(StrEnum):
    """Whether denials are denials, or warnings that say so."""

    ENFORCE = "enforce"
    WARN = "warn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The decision for each resolution but Resolved, which is always allowed."""

    missing: Decision = Decision.DENY
    refused: Decision = Decision.DENY
    invalid: Decision = Decision.DENY
    unsupported: Decision = Decision.WARN
    unverifiable: Decision = Decision.ALLOW
    unavailable: Decision = Decision.WARN
    blocked: Decision = Decision.WARN

    def look_up(self, resolution: Resolution) -> Decision:
        """The table's entry, before any softener."""
        match resolution:
            case Resolved():
                return Decision.ALLOW
            case Missing():
                return self.missing
            case Refused():
                return self.refused
            case Invalid():
                return self.invalid
            case Unsupported():
                return self.unsupported
            case Unverifiable():
                return self.unverifiable
            case Unavailable():
                return self.unavailable
            case Blocked():
                return self.blocked
            case _:
                assert_never(resolution)


@dataclass(frozen=True, slots=True, kw_only=True)
class Softeners:
    """The most that remains of a denial in each circumstance."""

    absent_secret: Decision = Decision.WARN
    controlled: Decision = Decision.WARN
    inactive: Decision = Decision.WARN
    on_node: Decision = Decision.WARN


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What is true of a workload, and caps its denials."""

    mode: Mode = Mode.ENFORCE
    has_absent_secret: bool = False
    """A pull secret or service account that it names is absent or unreadable: it may come in the same apply."""
    is_controlled: bool = False
    """A controller made it of an owner that was judged when it was applied."""
    is_inactive: bool = False
    """Nothing pulls now."""
    is_on_node: bool = False
    """A node reports the image, and the pull policy lets it take that one. It may still have to prove that it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeMeans:
    """What nodes have that we were told of and do not hold. Patterns are the kubelet's."""

    authenticated: tuple[str, ...] = ()
    """Registries where nodes log in by means of their own."""
    preloaded: tuple[str, ...] = ()
    """Images that nodes carry."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What an operator decides about verdicts."""

    policy: Policy = Policy()
    softeners: Softeners = Softeners()
    means: NodeMeans = NodeMeans()
    ignored_images: tuple[str, ...] = ()
    """Images that something else rewrites later, as they are written in manifests."""
    override_annotation: str = ""
    """The annotation that turns an object's denials into warnings with the value `warn`; empty: none does."""

    def would_deny(self, resolution: Resolution) -> bool:
        """Whether the table alone denies."""
        return self.policy.look_up(resolution) is Decision.DENY

    def mode_for(self, annotations: Mapping[str, str], mode: Mode) -> Mode:
        """The mode for an object, by its own annotations, where `mode` is everybody's."""
        if self.override_annotation and annotations.get(self.override_annotation) == Mode.WARN:
            return Mode.WARN
        return mode


def reconsider(resolution: Resolution, use: ImageUse, reference: Reference, means: NodeMeans) -> Resolution:
    """Weigh a resolution against what was declared about the nodes, and against the place that the image has.

    A refusal where nodes log in by themselves proves nothing, nor does any failure for an image that they carry and
    need not pull again. A broken pull secret stays a refusal: the kubelet then does not ask its own means either. For
    an image volume nothing is Unsupported, since artifacts are legal there.
    """
    match resolution:
        case Refused(host, cause) if cause is not RefusedCause.BROKEN_SECRET and _any(means.authenticated, reference):
            return Unverifiable(host, UnverifiableCause.NODE_LOGIN)
        case Missing(host) | Refused(host) | Unavailable(host) if _is_carried(use, reference, means):
            return Unverifiable(host, UnverifiableCause.PRELOADED)
        case Unsupported(host) if use.place is Place.VOLUME:
            return Unavailable(host, UnavailableCause.NOT_A_REGISTRY)
        case _:
            return resolution


def decide(resolution: Resolution, circumstances: Circumstances, rules: Rules) -> tuple[Decision, bool]:
    """Decide about one image.

    Returns:
        The decision, and whether only the mode kept it from being a denial.
    """
    softened = _soften(resolution, circumstances, rules)
    if softened is Decision.DENY and circumstances.mode is Mode.WARN:
        return Decision.WARN, True
    return softened, False


def depends_on_nodes(resolution: Resolution, circumstances: Circumstances, rules: Rules) -> bool:
    """Say whether it would change the decision if a node had the image."""
    softened = _soften(resolution, circumstances, rules)
    return rules.would_deny(resolution) and softened.severity > rules.softeners.on_node.severity


def worst(decisions: Iterable[Decision]) -> Decision:
    """The decision about a workload: the hardest of its images' decisions; allow when there is none."""
    return max(decisions, key=lambda decision: decision.severity, default=Decision.ALLOW)


def _soften(resolution: Resolution, circumstances: Circumstances, rules: Rules) -> Decision:
    """Say what remains in enforcing mode; a decision that is no denial stays as it is."""
    decision = rules.policy.look_up(resolution)
    if decision is not Decision.DENY:
        return decision
    return min((decision, *_caps(resolution, circumstances, rules.softeners)), key=lambda cap: cap.severity)


def _caps(resolution: Resolution, circumstances: Circumstances, softeners: Softeners) -> list[Decision]:
    """An absent secret excuses everything but a reference that nobody can parse."""
    present = (
        (circumstances.has_absent_secret and not isinstance(resolution, Invalid), softeners.absent_secret),
        (circumstances.is_controlled, softeners.controlled),
        (circumstances.is_inactive, softeners.inactive),
        (circumstances.is_on_node, softeners.on_node),
    )
    return [cap for is_present, cap in present if is_present]


def _is_carried(use: ImageUse, reference: Reference, means: NodeMeans) -> bool:
    """Whether nodes have the image and take it without asking: under `Always` they ask the registry all the same."""
    return use.pull_policy != "Always" and _any(means.preloaded, reference)


def _any(patterns: tuple[str, ...], reference: Reference) -> bool:
    return any(pattern == "*" or matches(pattern, reference.repository) for pattern in patterns)
