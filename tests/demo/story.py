"""The story in seven scenes: what is applied, and how it must end."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SCENES = Path(__file__).parent / "scenes"
REGISTRY = "registry.example.com"
USERNAME = "team"
PASSWORD = "the-password-of-the-demo"  # the demo's own registry takes it, no other does
REPOSITORY = "my-app"
TAGS = ("1.8", "1.9", "2.0")


@dataclass(frozen=True, slots=True)
class Act:
    """A file that is applied, the decision that must follow, and words that must occur in what the person reads."""

    file: str
    decision: Literal["allow", "warn", "deny"]
    words: tuple[str, ...] = ()
    is_dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """A title, what the person does not know, and what they type."""

    title: str
    background: str
    acts: tuple[Act, ...]
    is_registry_up: bool = True


STORY = (
    Scene(
        "The image's name lacks its registry",
        f"my-app:2.0 lives in {REGISTRY}. The manifest says only my-app:2.0.",
        (Act("1-wrong-registry/deployment.yaml", "deny", ("docker.io/library/my-app:2.0", "no pull secret")),),
    ),
    Scene(
        "The right image, and no pull secret",
        f"{REGISTRY} wants a login. The pod has none.",
        (Act("2-no-secret/deployment.yaml", "deny", (REGISTRY, "login", "no pull secret")),),
    ),
    Scene(
        "The pull secret's name is misspelt",
        "The namespace has regcred. The manifest asks for regcerd, which may still come.",
        (Act("3-misspelt-secret/deployment.yaml", "warn", ("regcerd", "does not exist", REGISTRY)),),
    ),
    Scene(
        "The pull secret does not open the registry",
        "First with last year's password, then with a login for another host.",
        (
            Act("4-wrong-secret/deployment.yaml", "deny", ("regcred", "rejected")),
            Act("4-wrong-secret/other-host.yaml", "deny", ("othercred", "registry.example.org")),
        ),
    ),
    Scene(
        "The tag is not there",
        f"{REGISTRY} has my-app in {', '.join(TAGS[:-1])} and {TAGS[-1]}. The manifest asks for 2.1.",
        (Act("5-missing-tag/deployment.yaml", "deny", ("2.1", "no such tag")),),
    ),
    Scene(
        "All is correct",
        "Nobody hears of the webhook, by --dry-run=server neither.",
        (
            Act("6-all-correct/deployment.yaml", "allow", is_dry_run=True),
            Act("6-all-correct/deployment.yaml", "allow"),
        ),
    ),
    Scene(
        "The registry is down",
        f"{REGISTRY} does not answer. Nobody's work stops because of it.",
        (Act("7-registry-down/deployment.yaml", "warn", ("could not be checked", REGISTRY)),),
        is_registry_up=False,
    ),
)
