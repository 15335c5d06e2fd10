"""What a person sees who types kubectl."""

import os
import pty
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.here import Cluster
from tests.cluster.processes import wait_until
from tests.cluster.pullcheck import NO_REFERENCE
from tests.demo.story import SCENES

MODE = "pullcheck.dev/mode"


@dataclass(frozen=True, slots=True)
class Seen:
    """What stands in the terminal afterwards, and the exit code."""

    text: str
    code: int

    @property
    def lines(self) -> list[str]:
        """The text, line by line."""
        return self.text.splitlines()


@dataclass(frozen=True, slots=True)
class Terminal:
    """A terminal in the folder of the scenes."""

    cluster: Cluster

    def type(self, command: str, *more: str, text: str = "", folder: Path = SCENES) -> Seen:
        """Type `kubectl` and the words of a command, then further arguments as they are; both outputs are seen."""
        ran = subprocess.run(
            ["kubectl", *command.split(), *more],
            cwd=folder,
            env=self.environment,
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        return Seen(ran.stdout, ran.returncode)

    def apply(self, *documents: dict[str, Any], options: str = "") -> Seen:
        """Apply manifests that stand in no file."""
        return self.type(f"apply --filename=- {options}", text=yaml.safe_dump_all(documents))

    def type_in_colour(self, command: str) -> str:
        """Type a command where the output is a terminal indeed, which kubectl then colours."""
        main, other = pty.openpty()
        try:
            environment = {**self.environment, "TERM": "xterm"}
            environment.pop("NO_COLOR", None)
            subprocess.run(
                ["kubectl", *command.split()], cwd=SCENES, env=environment, stdout=other, stderr=other, check=False
            )
            return os.read(main, 10_000).decode().replace("\r\n", "\n")
        finally:
            os.close(main)
            os.close(other)

    def make_namespace(self, name: str, mode: str | None, *, default: str = "warn") -> str:
        """Make a namespace with a mode, or without the label, and wait until it is usable and kept to.

        Args:
            name: The namespace's.
            mode: The label's value; None: it has none.
            default: What a namespace without a label, or with an unknown one, is given.
        """
        self.type(f"create namespace {name}")
        self.set_mode(name, mode, default=default)
        self.wait(lambda: self.type(f"get serviceaccount default --namespace={name}").code == 0, f"{name} is usable")
        return name

    def set_mode(self, namespace: str, mode: str | None, *, default: str = "warn") -> None:
        """Label a namespace, and wait until the API server goes by the label, which takes it less than a second."""
        self.type(f"label namespace {namespace} --overwrite {MODE}{f'={mode}' if mode else '-'}")
        expected = mode if mode in ("enforce", "warn", "off") else default
        self.wait(lambda: self._find_mode(namespace) == expected, f"{namespace} is {mode}")

    def _find_mode(self, namespace: str) -> str:
        create = f"create deployment tried --namespace={namespace} --image={NO_REFERENCE} --dry-run=server"
        text = self.type(create).text
        return "enforce" if "denied the request" in text else "warn" if "would be denied" in text else "off"

    def wait(self, look: Callable[[], bool], what: str) -> None:
        """Look again and again until it is so."""
        wait_until(look, what, [], timeout_seconds=60)

    @property
    def environment(self) -> dict[str, str]:
        """As the cluster has it, and no colours."""
        return os.environ | self.cluster.environment | {"NO_COLOR": "1"}
