"""Which servers are pinned, how the cache names them, and where else they are found."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import levels, servers
from tests.cluster.conftest import ROOT


def build(cache: Path) -> list[str]:
    """Build what is missing of the two small families, and say which files are then in the cache."""
    code = "from tests.cluster import servers; from tests.cluster.servers import __main__ as command\n"
    code += "servers.FAMILIES = ('pause', 'plugins'); raise SystemExit(command.main())"
    subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=os.environ | {"PULLCHECK_SERVERS": str(cache)}, check=True
    )
    return sorted(path.name for path in cache.glob("*/*"))


def forget() -> None:
    for remembered in (servers.tools, servers.linker_flags, servers.directory):
        remembered.cache_clear()


@pytest.fixture(autouse=True)
def _forget_afterwards() -> Iterator[None]:
    yield
    forget()


def test_everything_that_a_level_needs_is_pinned() -> None:
    pinned = {name for family in servers.FAMILIES for name in servers.tools(family)}

    assert pinned == {*levels.PROGRAMS["node"], "registry"}


def test_every_folder_with_a_module_is_a_family() -> None:
    assert {path.parent.name for path in servers.FOLDER.glob("*/go.mod")} == set(servers.FAMILIES)


def test_binaries_carry_the_version_that_is_pinned() -> None:
    assert "-X k8s.io/component-base/version.gitVersion=v1.37.2" in servers.linker_flags("kubernetes")
    assert "-X k8s.io/component-base/version.gitMinor=37" in servers.linker_flags("kubernetes")


def test_a_changed_module_changes_its_own_folder_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {family: servers.directory(family) for family in servers.FAMILIES}
    copy = tmp_path / "servers"
    shutil.copytree(servers.FOLDER, copy)
    (copy / "plugins" / "go.mod").write_text((copy / "plugins" / "go.mod").read_text() + "// changed\n")
    monkeypatch.setattr(servers, "FOLDER", copy)
    forget()

    after = {family: servers.directory(family) for family in servers.FAMILIES}

    assert {family for family in servers.FAMILIES if before[family] != after[family]} == {"plugins"}


def test_they_are_built_once(tmp_path: Path) -> None:
    if not shutil.which("go"):
        pytest.skip(levels.find_obstacle("api") or "no Go: install Go 1.26.6 or later")
    cache = tmp_path / "servers"

    built = build(cache)
    (before,) = cache.glob("pause-*")
    modified = before.stat().st_mtime_ns
    shutil.rmtree(next(cache.glob("plugins-*")))
    again = build(cache)

    assert built == ["host-local", "loopback", "pause", "ptp"]
    assert again == built
    assert before.stat().st_mtime_ns == modified


def test_without_the_cache_they_are_found_in_kubebuilder_assets_then_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("assets", "path"):
        (tmp_path / folder).mkdir()
    for program in ("assets/etcd", "path/etcd", "path/kubectl"):
        (tmp_path / program).touch(mode=0o755)
    monkeypatch.setenv("PULLCHECK_SERVERS", str(tmp_path / "nothing"))
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    forget()

    assert servers.find("etcd") == tmp_path / "assets" / "etcd"
    assert servers.find("kubectl") == tmp_path / "path" / "kubectl"
    assert servers.find("kubelet") is None
