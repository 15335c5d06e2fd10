"""The house keeps its own rules: one direction, pure stages, one door for each foreign library."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
STAGES = ("admission", "images", "keychain", "registry", "verdict", "report")
PURE_MODULES = {
    "base64",
    "binascii",
    "collections",
    "dataclasses",
    "datetime",
    "enum",
    "functools",
    "hashlib",
    "hmac",
    "ipaddress",
    "itertools",
    "json",
    "math",
    "msgspec",
    "re",
    "string",
    "tomllib",
    "types",
    "typing",
    "unicodedata",
    "urllib.parse",
    "webhook",
}
"""What a stage may import. `datetime` for types and arithmetic: nobody may ask it for the time."""
IMPURE_NAMES = {"open", "print", "input", "now", "today", "utcnow"}
DOORS = {
    "aiohttp": {"webhook/wire/connections.py", "webhook/wire/faults.py", "webhook/wire/keeping.py"},
    "click": {"certs/__main__.py", "webhook/__main__.py", "webhook/commands/check.py", "webhook/commands/serve.py"},
    "cryptography": {"certs/issue.py", "webhook/wire/certificates.py"},
    "fastapi": {"webhook/wire/application.py"},
    "kubernetes": {"webhook/wire/cluster.py"},
    "prometheus_client": {"webhook/wire/telemetry.py"},
    "publicsuffixlist": {"webhook/wire/domains.py"},
    "urllib3": {"webhook/wire/cutting.py"},
    "uvicorn": {"webhook/wire/protocol.py", "webhook/wire/server.py"},
    "uvloop": {"webhook/wire/loop.py"},
    "yaml": {"webhook/settings/sources.py", "webhook/wire/documents.py"},
    "yarl": {"webhook/wire/connections.py"},
}
"""Which files may import a foreign library."""
NEIGHBOURS = {
    ("webhook/wire/acceptor.py", "webhook.wire.arrival"),
    ("webhook/wire/acceptor.py", "webhook.wire.crowd"),
    ("webhook/wire/acceptor.py", "webhook.wire.exhaustion"),
    ("webhook/wire/acceptor.py", "webhook.wire.protocol"),
    ("webhook/wire/application.py", "webhook.wire.bodies"),
    ("webhook/wire/certificates.py", "webhook.wire.keyupdates"),
    ("webhook/wire/cluster.py", "webhook.wire.cutting"),
    ("webhook/wire/connections.py", "webhook.wire.faults"),
    ("webhook/wire/connections.py", "webhook.wire.keeping"),
    ("webhook/wire/faults.py", "webhook.wire.exhaustion"),
    ("webhook/wire/manifests.py", "webhook.wire.documents"),
    ("webhook/wire/protocol.py", "webhook.wire.certificates"),
    ("webhook/wire/protocol.py", "webhook.wire.crowd"),
    ("webhook/wire/protocol.py", "webhook.wire.keyupdates"),
    ("webhook/wire/server.py", "webhook.wire.acceptor"),
    ("webhook/wire/server.py", "webhook.wire.crowd"),
    ("webhook/wire/server.py", "webhook.wire.loop"),
    ("webhook/wire/server.py", "webhook.wire.protocol"),
}
"""The wires that know another one: manifests stand on the reader of YAML; server, application, cluster and
connections are of several parts each."""
EVERYWHERE = {"webhook", "certs", "msgspec", "pydantic", "pydantic_core", "pydantic_settings"}
MAX_LINES = 300


def sources(*folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for file in sorted((ROOT / folder).rglob("*.py")):
            yield str(file.relative_to(ROOT)), ast.parse(file.read_text())


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_imports_keep_the_contracts() -> None:
    """Runs what `lint-imports` runs; its own words say which contract is broken, and by which import."""
    command = [sys.executable, "-c", "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports())"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ran.returncode == 0, ran.stdout


def test_stages_import_only_what_is_allowed() -> None:
    """A contract forbids what it names; this list catches the rest."""
    strangers = [
        (file, module)
        for file, tree in sources(*(f"webhook/{stage}" for stage in STAGES))
        for module in imported(tree)
        if module not in PURE_MODULES and module.partition(".")[0] not in PURE_MODULES
    ]

    assert strangers == []


def test_stages_do_no_input_or_output_and_wait_for_nothing() -> None:
    """Opening needs no import, nor does a clock that came in as a class."""
    offences = [
        (file, getattr(node, "lineno", 0))
        for file, tree in sources(*(f"webhook/{stage}" for stage in STAGES))
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.AsyncWith | ast.AsyncFor)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in IMPURE_NAMES)
        or (isinstance(node, ast.Attribute) and node.attr in IMPURE_NAMES)
    ]

    assert offences == []


def test_each_foreign_library_has_its_door() -> None:
    """A library that is exchanged is exchanged in one place."""
    known = set(sys.stdlib_module_names) | EVERYWHERE
    strays = [
        (file, module)
        for file, tree in sources("webhook", "certs")
        for module in imported(tree)
        if (library := module.partition(".")[0]) not in known and file not in DOORS.get(library, set())
    ]

    assert strays == []


def test_wires_do_not_know_each_other() -> None:
    """They meet in the composition; what two of them share is a value of a stage."""
    acquaintances = {
        (file, module)
        for file, tree in sources("webhook/wire")
        for module in imported(tree)
        if module.startswith("webhook.wire")
    }

    assert acquaintances <= NEIGHBOURS


def test_files_stay_small() -> None:
    """300 lines are a reason to stop and part what does not belong together."""
    long = [
        (file, lines)
        for file, _ in sources("webhook", "certs")
        if (lines := len((ROOT / file).read_text().splitlines())) > MAX_LINES
    ]

    assert long == []
