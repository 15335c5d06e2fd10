"""Mirrors, by the hosts.toml that the node and the webhook both have."""

from collections.abc import Iterator

from tests.truth.scenes import reasons
from tests.truth.scenes.answers import BY_DIGEST
from tests.truth.scenes.scene import Scene, alone, scene
from tests.truth.scenes.secrets import BAD, RIGHT
from tests.truth.standins import sites
from tests.truth.standins.content import Make, single
from tests.truth.standins.registry import Twist
from tests.truth.standins.sites import LOGIN_MIRROR, MIRROR
from tests.truth.standins.twists import HTML, on, status

_AT_MIRROR: dict[str, Make] = {MIRROR: single}


def scenes() -> Iterator[Scene]:
    yield from _with_open_mirror()
    yield from _with_login()
    dead = "the mirror refuses connections"
    here, gone = sites.DEAD_MIRRORED, (sites.DEAD,)
    yield alone("mirror-dead", dead, here, beside=gone, at="public")
    yield alone("mirror-dead-absent", f"{dead}, the registry has it not", here, beside=gone, at="public", holds=None)
    blind, where = "the mirror has it and may not resolve tags", sites.BLIND_MIRRORED
    yield scene("mirror-blind", blind, where, at="public", stored=_AT_MIRROR)
    yield scene("mirror-blind-digest", f"{blind}: by digest", where, at="public", stored=_AT_MIRROR, image=BY_DIGEST)
    yield scene("mirror-path", "the mirror has a path of its own", sites.PATH_MIRRORED, at="public", stored=_AT_MIRROR)
    moved = "hosts.toml names another server"
    yield scene("mirror-moved", f"{moved}, which has it", sites.MOVED, at="public", stored=_AT_MIRROR)
    yield scene("mirror-moved-absent", f"{moved}, which has it not", sites.MOVED, at="public")
    yield scene("mirror-broken", "a hosts.toml that containerd cannot read", sites.BROKEN_TOML, at="public")


def _with_open_mirror() -> Iterator[Scene]:
    here = sites.MIRRORED
    both: dict[str, Make] = {MIRROR: single, here: single}
    yield scene("mirror-has", "the mirror has it, the registry not", here, at="public", stored=_AT_MIRROR)
    yield scene("mirror-has-not", "the registry has it, the mirror not", here, at="public")
    yield scene("mirror-neither", "neither has it", here, at="public", holds=None)
    yield scene("mirror-both-digest", "both have it, by digest", here, at="public", stored=both, image=BY_DIGEST)
    for code in (401, 403, 404, 429, 500, 503):
        for end, words, holds in (("has", "has it", single), ("has-not", "has it not", None)):
            name, title = f"mirror-{code}-{end}", f"the mirror gives {code}, the registry {words}"
            twist = {f"{name}.{MIRROR}": status(code)}
            yield alone(name, title, here, beside=(MIRROR,), at="public", holds=holds, twist=twist)
    page: Twist = on("manifest", HTML)
    title = "the mirror shows a web page with 200, the registry has it"
    yield scene("mirror-page", title, here, at="public", twist={MIRROR: page}, differs=reasons.PAGE_AS_BLOB)


def _with_login() -> Iterator[Scene]:
    """Mirrors and registries of which one wants a login."""
    private: dict[str, Make] = {LOGIN_MIRROR: single}
    title, here, why = "only the mirror has it, and wants a login", sites.LOGIN_MIRRORED, reasons.NO_MIRROR_LOGIN
    yield scene("mirror-login", title, here, RIGHT, stored=private, doubt=why, differs=why)
    yield scene("mirror-login-none", f"{title}, and there is none", here, stored=private)
    yield scene("mirror-login-wrong", f"{title}, and the password is wrong", here, BAD, stored=private, differs=why)
    yield scene("mirror-login-here", "the mirror wants a login, the registry has it and wants none", here, at="public")
    title = "both want a login, and only the registry has it"
    yield scene("mirror-login-both", title, sites.CLOSED_MIRRORED, RIGHT, differs=why)
    here, both = sites.BASIC_MIRRORED, {MIRROR: single, sites.BASIC_MIRRORED: single}
    yield scene("mirror-open-private", "the mirror has it, the registry wants a login", here, stored=both)
    title = "the mirror has it not, and the registry wants a login"
    yield scene("mirror-absent-none", f"{title}, and there is none", here)
    yield scene("mirror-absent-right", f"{title}, and takes it", here, RIGHT)
