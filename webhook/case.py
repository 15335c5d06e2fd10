"""What is judged: a workload, whether it came in a review or stands in a file."""

from collections.abc import Iterable
from dataclasses import dataclass

from webhook.admission.podspec import PodSpec
from webhook.admission.workload import Workload
from webhook.images.uses import ImageUse
from webhook.keychain.pullsecrets import Wanted, wanted
from webhook.verdict.policy import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A workload to be judged."""

    kind: str
    namespace: str
    name: str
    uses: tuple[ImageUse, ...]
    """Those that are to be asked for: changed, and pulled at all."""
    wanted: Wanted
    mode: Mode
    is_controlled: bool = False
    is_inactive: bool = False

    @classmethod
    def of(
        cls, workload: Workload, uses: Iterable[ImageUse], *, namespace: str, mode: Mode, is_completed: bool
    ) -> "Case":
        """Make a case of a workload that carries a pod spec.

        Args:
            workload: The object.
            uses: Those of its image uses that are to be judged; the ones that are never pulled are left out.
            namespace: Where it is applied.
            mode: Whether a denial is one, for this object.
            is_completed: Whether the API server has copied the service account's pull secrets into it already.
        """
        spec = workload.pod_spec or PodSpec()
        return cls(
            kind=workload.kind,
            namespace=namespace,
            name=workload.name,
            uses=tuple(use for use in uses if not use.is_never_pulled),
            wanted=wanted(spec.image_pull_secrets, spec.service_account_name, is_completed=is_completed),
            mode=mode,
            is_inactive=workload.is_inactive,
        )
