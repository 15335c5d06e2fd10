"""What there is under a reference, where redirects lead, and connections that go wrong."""

from collections.abc import Iterator
from typing import Any

from tests.fakes.exchange import Fault, Response
from tests.truth.scenes import reasons
from tests.truth.scenes.scene import TOO_SLOW_SECONDS, Scene, alone, at_open, scene
from tests.truth.scenes.secrets import RIGHT
from tests.truth.standins import content
from tests.truth.standins.asking import Role
from tests.truth.standins.brands import BASIC, GCP_MIRRORED, K8S, OPEN
from tests.truth.standins.content import Make
from tests.truth.standins.sites import DEAD, LOGIN_MIRROR, MIRROR, PLAIN, own
from tests.truth.standins.twists import on, redirect, times

_KINDS: dict[str, tuple[str, Make]] = {
    "docker": ("Docker's schema 2", content.docker_image),
    "index": ("an index with this machine's image", content.index),
    "list": ("Docker's manifest list", content.docker_list),
    "foreign": ("a lone image of another architecture", content.foreign),
    "nested": ("an index within an index", content.nested_index),
    "unlabelled": ("an index that does not name platforms", content.unlabelled_index),
    "artifact": ("a chart", content.artifact),
}
_TROUBLES: dict[str, tuple[str, dict[str, Any], str]] = {
    "slow": (f"takes {TOO_SLOW_SECONDS:g} s to answer", {"delay_seconds": TOO_SLOW_SECONDS}, reasons.SLOW),
    "slower": ("takes 1 s to answer", {"delay_seconds": 1.0}, ""),
    "silent": ("never answers", {"delay_seconds": 600.0}, ""),
    "dropped": ("closes the connection", {"is_dropped": True}, ""),
    "dripping": ("a byte of HEAD's answer every 30 ms", {"drip_seconds": 0.03, "method": "HEAD"}, reasons.SLOW),
}
_EVERYTHING: tuple[Role, ...] = ("manifest", "blob")


def contents() -> Iterator[Scene]:
    """What there is."""
    for name, (title, make) in _KINDS.items():
        yield at_open(f"content-{name}", title, holds=make)
    title = "an index without this machine's image"
    yield at_open("content-foreign-index", title, holds=content.foreign_index, silence=reasons.PLATFORMS)
    yield at_open("content-empty-index", "an empty index", holds=content.empty_index, silence=reasons.PLATFORMS)


def redirects() -> Iterator[Scene]:
    """Redirects of the manifest."""
    stored = {MIRROR: content.single, OPEN: content.single}
    for code in (300, 301, 302, 303, 304, 307, 308):
        there = {OPEN: redirect(f"https://{MIRROR}{{path}}", code=code)}
        yield at_open(f"redirect-{code}", f"to an open host, with {code}", stored=stored, twist=there)
    yield at_open("redirect-loop", "round in circles", twist=redirect(f"https://{OPEN}{{path}}"))
    yield at_open("redirect-nowhere", "without a location", twist=on("manifest", Response(307)))
    name, title = "redirect-dead", "to a host that refuses connections"
    yield at_open(name, title, twist=redirect(f"https://{name}.{DEAD}{{path}}"), sites=own(name, DEAD))
    yield at_open("redirect-missing", "to a host that does not have it", twist=redirect(f"https://{MIRROR}{{path}}"))
    yield at_open("redirect-relative", "relative, within the host", twist=times(1, redirect("{path}")))
    plain = redirect(f"http://{PLAIN}:443{{path}}")
    stored = {PLAIN: content.single, OPEN: content.single}
    why = reasons.PLAIN
    yield at_open("redirect-plain", "from https to http", twist={OPEN: plain}, stored=stored, doubt=why, differs=why)
    yield from _redirects_to_login()
    yield from _kubernetes()


def _redirects_to_login() -> Iterator[Scene]:
    stored = {LOGIN_MIRROR: content.single}
    there = {BASIC: redirect(f"https://{LOGIN_MIRROR}{{path}}", roles=_EVERYTHING)}
    title, why = "to a host that wants a login", reasons.WITHHELD
    yield scene("redirect-login", title, BASIC, RIGHT, stored=stored, twist=there, doubt=why, differs=why)
    yield scene("redirect-login-none", f"{title}, and there is none", BASIC, stored=stored, twist=there)


def _kubernetes() -> Iterator[Scene]:
    served = {K8S: redirect(f"https://{GCP_MIRRORED}{{path}}", roles=_EVERYTHING)}
    title = "registry.k8s.io, which redirects to another host"
    yield scene("k8s", title, K8S, at="public", stored={GCP_MIRRORED: content.single}, twist=served)
    yield scene("k8s-missing", f"{title}: a missing image", K8S, at="public", holds=None, twist=served)


def troubles() -> Iterator[Scene]:
    """Connections that go wrong, for some requests."""
    for name, (title, what, doubt) in _TROUBLES.items():
        fault = Fault(path=f"/v2/public/trouble-{name}/manifests/", **what)
        yield alone(f"trouble-{name}", title, OPEN, at="public", faults=(fault,), doubt=doubt)
