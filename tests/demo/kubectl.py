"""What kubectl 1.37 prints for the API server's answers, to the letter."""

from tests.fakes.apiserver import Manifest, Outcome

WEBHOOK = "enforce.pullcheck.dev"
"""As manifests/ name it."""


def command(file: str, *, is_dry_run: bool) -> str:
    """What the person types."""
    return f"kubectl apply -f {file}" + (" --dry-run=server" if is_dry_run else "")


def printed(manifest: Manifest, file: str, outcome: Outcome, *, is_dry_run: bool) -> tuple[list[str], str]:
    """The texts of kubectl's `Warning: …` lines, which it prints first, and what it prints about the object."""
    if outcome.is_allowed:
        return list(outcome.warnings), _created(manifest) + (" (server dry run)" if is_dry_run else "")
    reason = f" ({outcome.reason})" if outcome.reason else ""
    said = f'admission webhook "{WEBHOOK}" denied the request: {outcome.message}'
    return list(outcome.warnings), f'Error from server{reason}: error when creating "{file}": {said}'


def _created(manifest: Manifest) -> str:
    group = manifest["apiVersion"].rpartition("/")[0]
    kind = manifest["kind"].lower() + (f".{group}" if group else "")
    return f"{kind}/{manifest['metadata']['name']} created"
