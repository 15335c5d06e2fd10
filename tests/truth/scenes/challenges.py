"""How registries ask for a login, and where they send people for a token."""

from collections.abc import Iterator

from tests.truth.scenes import reasons
from tests.truth.scenes.scene import Scene, scene
from tests.truth.scenes.secrets import BAD, RIGHT
from tests.truth.standins.brands import BASIC, LISTED, OTHER_DOMAIN, SAME_DOMAIN, TOKEN
from tests.truth.standins.sites import DEAD, own
from tests.truth.standins.twists import challenge, realm

_URL = f"https://{TOKEN}/token"
_USUAL = f'Bearer realm="{_URL}",service="registry"'
_SCOPED = _USUAL + ',scope="repository:{repository}:pull"'

_CHALLENGES: dict[str, tuple[str, ...]] = {
    "no-scope": (_USUAL,),
    "no-service": (f'Bearer realm="{_URL}"',),
    "two-lines": (_SCOPED, "Basic"),
    "basic-line-first": ('Basic realm="r"', _SCOPED),
    "one-line": (_SCOPED + ', Basic realm="r"',),
    "basic-then-bearer": ('Basic realm="r", ' + _USUAL,),
    "negotiate-line": ("Negotiate", _SCOPED),
    "negotiate-then": ("Negotiate, " + _SCOPED,),
    "negotiate-token": ("Negotiate YIIabc==, " + _SCOPED,),
    "letters": (_SCOPED.replace("Bearer realm", "bEaReR REALM").replace("service", "Service"),),
    "two-scopes": (_USUAL + ',scope="repository:{repository}:pull repository:other/b:pull"',),
    "actions": (_USUAL + ',scope="repository:{repository}:pull,push"',),
    "scope-twice": (_USUAL + ',scope="repository:{repository}:pull",scope="repository:other/b:pull"',),
    "scope-empty": (f'Bearer realm="{_URL}",scope="",service="registry"',),
    "scope-odd": (_USUAL + ',scope="aws"',),
    "escaped": (_SCOPED + ',error_description="say \\"hi\\""',),
    "spaces": (f'Bearer realm = "{_URL}"  ,  service = "registry"',),
    "spaces-after": (f'Bearer realm="{_URL}"  ,  service="registry"',),
    "bare-service": (f'Bearer realm="{_URL}",service=registry',),
    "bare-realm": (f"Bearer realm={_URL}",),
    "empty-realm": ('Bearer realm="",service="registry"',),
    "no-parameters": ("Bearer",),
    "unterminated": (f'Bearer realm="{_URL}",service="registry',),
    "unterminated-realm": (f'Bearer realm="{_URL}',),
    "trailing-comma": (_SCOPED + ",",),
    "leading-comma": (", " + _SCOPED,),
    "comma-first": (f'Bearer ,realm="{_URL}"',),
    "only-spaces": (f'Bearer realm="{_URL}" service="registry"',),
    "realm-twice": (f'Bearer realm="{_URL}",realm="https://{SAME_DOMAIN}/token",service="registry"',),
    "realm-query": (f'Bearer realm="{_URL}?x=1",service="registry"',),
    "realm-port": (f'Bearer realm="https://{TOKEN}:443/token",service="registry"',),
    "realm-relative": ('Bearer realm="/token",service="registry"',),
    "realm-script": ('Bearer realm="javascript:x",service="registry"',),
    "realm-unknown": ('Bearer realm="https://unnamed-realm.example.com/token",service="registry"',),
    "basic-alone": ("Basic",),
    "basic-bare": ('Basic realm=openshift,error="access denied"',),
    "digest-alone": ('Digest realm="r",nonce="x"',),
    "digest-and-basic": ('Digest realm="r",nonce="x"', 'Basic realm="r"'),
    "none": (),
    "empty": ("",),
    "long": (_SCOPED + ',x="' + "a" * 3000 + '"',),
}
_BY_PASSWORD = frozenset({"basic-then-bearer", "basic-alone", "basic-bare", "digest-and-basic"})
"""Those that end in Basic, and are met at a registry that takes it."""


def challenges() -> Iterator[Scene]:
    """Every form of challenge, met with the right password, and with none where something public is wanted."""
    for name, lines in _CHALLENGES.items():
        shown = " ⏎ ".join(lines).replace(_URL, "…").replace("{repository}", "…") or "no challenge at all"
        title = shown if len(shown) < 100 else f"{shown[:90]}…"
        host, twist = BASIC if name in _BY_PASSWORD else TOKEN, challenge(*lines)
        yield scene(f"challenge-{name}", title, host, RIGHT, twist=twist)
        if host == TOKEN:
            yield scene(f"challenge-public-{name}", f"public: {title}", host, at="public", twist=twist)


def realms() -> Iterator[Scene]:
    """Token servers elsewhere."""
    near, listed, far = (realm(f"https://{host}/token") for host in (SAME_DOMAIN, LISTED, OTHER_DOMAIN))
    yield scene("realm-same-domain", "another host of the same domain", TOKEN, RIGHT, twist=near)
    yield scene("realm-listed", "another domain, listed in network.realms", TOKEN, RIGHT, twist=listed)
    why = reasons.WITHHELD
    yield scene("realm-other", "another domain", TOKEN, RIGHT, twist=far, doubt=why, differs=why)
    yield scene("realm-other-wrong", "another domain, a wrong password", TOKEN, BAD, twist=far, differs=why)
    yield scene("realm-other-public", "another domain, public, no login", TOKEN, at="public", twist=far)
    name, title = "realm-dead", "a host that refuses connections"
    dead = realm(f"https://{name}.{DEAD}/token")
    yield scene(name, title, TOKEN, RIGHT, twist=dead, sites=own(name, DEAD))
