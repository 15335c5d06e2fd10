"""The cluster's own API server, as far as the webhook reads it: secrets and service accounts by name, and the nodes.

What goes wrong is a matter of the namespace: its first words are the name of an ailment.
"""

import asyncio
import json
import re
import ssl
from collections.abc import Mapping

from tests.fakes.apiserver import Manifest
from tests.fakes.exchange import Request, Response
from tests.fakes.listener import Listener, bytes_of
from tests.faults.acts import Act, Struck
from tests.faults.cases import ACCOUNT, DOMAIN, SECRET
from tests.faults.registry import PASSWORD, USERNAME
from tests.journeys.manifests import pull_secret

_OBJECT = re.compile(r"/api/v1/namespaces/(?P<namespace>[^/]+)/(?P<resource>[^/]+)/(?P<name>[^/]+)")


def status(code: int, reason: str) -> Response:
    """An API server's refusal."""
    document = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code}
    return Response.of_json(code, document)


def secret(namespace: str, port: str = "", **more: object) -> Manifest:
    """The pull secret of every namespace: a login for every registry of the tests, at `:port` if there is one."""
    return {**pull_secret(SECRET, {f"*.{DOMAIN}{port}": (USERNAME, PASSWORD)}, namespace=namespace), **more}


class ClusterServer(Listener):
    """Answers for every namespace alike, but for those with an ailment.

    Args:
        ailments: By the beginning of a namespace, what is done about each read in it.
        secrets: By the beginning of a namespace, the pull secret there; None: there is none.
    """

    def __init__(
        self,
        tls: ssl.SSLContext,
        ailments: Mapping[str, Act] | None = None,
        secrets: Mapping[str, Manifest | None] | None = None,
    ) -> None:
        super().__init__(self._find, tls=tls)
        self.secrets = dict(secrets or {})
        self.on_node: list[str] = []
        """The images that the only node reports."""
        self._ailments = ailments or {}

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request after the other."""
        while request := await self._read(reader):
            self.requests.append(request)
            honest = bytes_of(request, self._find(request))
            act = self._ailments.get(_name(request))
            if act is None:
                writer.write(honest)
                await writer.drain()
            else:
                await act(Struck(writer, request, honest, 0))

    def _find(self, request: Request) -> Response:
        if request.path == "/api/v1/nodes":
            node = {"status": {"images": [{"names": [name], "sizeBytes": 1} for name in self.on_node]}}
            return Response.of_json(200, {"kind": "NodeList", "apiVersion": "v1", "items": [node]})
        found = _OBJECT.fullmatch(request.path)
        document = self._document(request, found) if found else None
        return Response.of_json(200, document) if document else status(404, "NotFound")

    def _document(self, request: Request, found: re.Match[str]) -> Manifest | None:
        match found["resource"], found["name"]:
            case "secrets", name if name == SECRET:
                return self.secrets.get(_name(request), secret(found["namespace"]))
            case "serviceaccounts", name if name in ("default", ACCOUNT):
                listed = [{"name": SECRET}] if name == ACCOUNT else []
                return {"apiVersion": "v1", "kind": "ServiceAccount", "imagePullSecrets": listed}
        return None


def _name(request: Request) -> str:
    """What the namespace is called but for its number."""
    found = _OBJECT.fullmatch(request.path)
    return found["namespace"].rpartition("-")[0] if found else ""


def write_kubeconfig(server: str, authority_pem: str) -> str:
    """A kubeconfig for an API server; JSON is YAML."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "x",
        "clusters": [{"name": "x", "cluster": {"server": server, "certificate-authority": authority_pem}}],
        "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
        "users": [{"name": "x", "user": {"token": "of-the-tests"}}],
    }
    return json.dumps(document)
