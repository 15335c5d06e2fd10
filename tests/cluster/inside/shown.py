"""What the demo and the README show of the product: the words that a real cluster has to print as well."""

import re
import subprocess
import sys

from tests.cluster.pullcheck import CHECKOUT
from tests.servers.webhook import clean_environment

ELSEWHERE = re.compile(r" \(at 127\.0\.0\.1:\d+\)")
"""What only the demo says: its registries have ports of this machine, and `hosts.toml` leads to them."""
_CONSOLE = re.compile(r"^```console\n(.*?)^```", re.MULTILINE | re.DOTALL)


def play_demo() -> dict[str, str]:
    """Play the demo: what it prints after each command, by the command; where one comes twice, the first counts."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.demo"],
        cwd=CHECKOUT,
        env=clean_environment() | {"NO_COLOR": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    shown: dict[str, str] = {}
    for part in ran.stdout.split("\n$ ")[1:]:
        command, _, rest = part.partition("\n")
        shown.setdefault(command, ELSEWHERE.sub("", rest.partition("   as scripted")[0]))
    return shown


def read_readme() -> dict[str, str]:
    """What the README shows after each command that it types at a prompt, by the command."""
    blocks = _CONSOLE.findall((CHECKOUT / "README.md").read_text(encoding="utf-8"))
    parts = (part.partition("\n") for block in blocks for part in f"\n{block}".split("\n$ ")[1:])
    return {command: rest for command, _, rest in parts}
