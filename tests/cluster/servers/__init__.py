"""The real servers: pinned Go modules, built by `python -m tests.cluster.servers` into a cache outside the project.

Each folder beside this file is a module of its own, a family; its `tool` lines say what is built from it. The cache
names a family's folder by a digest of its files, so that what is found there is always what this commit pins.
"""

import functools
import hashlib
import os
import re
import shutil
from pathlib import Path

FOLDER = Path(__file__).parent
FAMILIES = ("kubernetes", "containerd", "registry", "plugins", "pause")

# Commands whose package is not called what everybody calls them.
NAMES = {"go.etcd.io/etcd/server/v3": "etcd"}

# What a release build writes into a binary: what servers say of themselves (`kubectl version`, the node's runtime
# version, the User-Agent that registries see) is then what it is in the field.
STAMPED = {
    "kubernetes": (
        "k8s.io/kubernetes",
        {
            "k8s.io/component-base/version.gitVersion": "vV",
            "k8s.io/client-go/pkg/version.gitVersion": "vV",
            "k8s.io/component-base/version.gitMajor": "MAJOR",
            "k8s.io/client-go/pkg/version.gitMajor": "MAJOR",
            "k8s.io/component-base/version.gitMinor": "MINOR",
            "k8s.io/client-go/pkg/version.gitMinor": "MINOR",
        },
    ),
    "containerd": (
        "github.com/containerd/containerd/v2",
        {"github.com/containerd/containerd/v2/version.Version": "vV"},
    ),
}


def cache() -> Path:
    """Where built servers are kept."""
    return Path(os.environ.get("PULLCHECK_SERVERS") or Path.home() / ".cache" / "pullcheck" / "servers")


@functools.cache
def tools(family: str) -> dict[str, str]:
    """The commands of a family: name -> Go package."""
    text = (FOLDER / family / "go.mod").read_text()
    listed = re.findall(r"^tool ([^(\s]+)$", text, re.MULTILINE)
    for block in re.findall(r"^tool \(\n(.*?)^\)", text, re.MULTILINE | re.DOTALL):
        listed += block.split()
    return {NAMES.get(package, package.rpartition("/")[2]): package for package in listed}


@functools.cache
def linker_flags(family: str) -> str:
    """The flags for Go's linker: no symbols, and the version."""
    module, stamps = STAMPED.get(family, ("", {}))
    flags = ["-s", "-w"]
    if stamps:
        text = (FOLDER / family / "go.mod").read_text()
        found = re.search(rf"^\s*{re.escape(module)} v(\S+)", text, re.MULTILINE)
        if not found:
            raise LookupError(f"{family}/go.mod requires no {module}")
        major, minor = found[1].split(".")[:2]
        values = {"vV": f"v{found[1]}", "MAJOR": major, "MINOR": minor}
        flags += [f"-X {variable}={values[value]}" for variable, value in stamps.items()]
    return " ".join(flags)


@functools.cache
def directory(family: str) -> Path:
    """The folder in the cache that holds, or will hold, the family's binaries."""
    digest = hashlib.sha256(linker_flags(family).encode())
    for path in sorted((FOLDER / family).iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return cache() / f"{family}-{digest.hexdigest()[:16]}"


def find(name: str) -> Path | None:
    """The binary called `name`: the pinned one, else what KUBEBUILDER_ASSETS or the PATH has."""
    for family in FAMILIES:
        pinned = directory(family) / name
        if name in tools(family) and pinned.is_file():
            return pinned
    folders = [os.environ.get("KUBEBUILDER_ASSETS"), os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"]
    found = shutil.which(name, path=os.pathsep.join(filter(None, folders)))
    return Path(found) if found else None
