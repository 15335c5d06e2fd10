"""Builds images in a real registry by plain PUTs, as the distribution specification has it; no engine needed."""

import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from tests.fakes.images import Blob, Image

TIMEOUT_SECONDS = 10.0


class PushError(Exception):
    """The registry did not take what was pushed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pusher:
    """Pushes to one registry, with one Authorization header for every request."""

    url: str
    tls: ssl.SSLContext | None = None
    authorization: str = field(default="", repr=False)

    def push(self, name: str, image: Image) -> str:
        """Push an image, and all below it, as `path/to/repository:tag`; returns its digest."""
        repository, _, tag = name.partition(":")
        for child in image.children:
            self.push(f"{repository}:{child.digest}", child)
        for blob in image.blobs:
            self._push_blob(repository, blob)
        path = f"/v2/{repository}/manifests/{tag}"
        self._request("PUT", path, 201, image.manifest.body, {"Content-Type": image.manifest.media_type})
        return image.digest

    def _push_blob(self, repository: str, blob: Blob) -> None:
        location = urlsplit(self._request("POST", f"/v2/{repository}/blobs/uploads/", 202)["Location"])
        # The upload's own query (its state) has to stay: the digest is added to it.
        query = f"{location.query}&digest={blob.digest}" if location.query else f"digest={blob.digest}"
        headers = {"Content-Type": "application/octet-stream"}
        self._request("PUT", f"{location.path}?{query}", 201, blob.body, headers)

    def _request(
        self, method: str, target: str, wanted_status: int, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPMessage:
        connection = self._connect()
        try:
            login = {"Authorization": self.authorization} if self.authorization else {}
            connection.request(method, target, body, {**login, **(headers or {}), "Content-Length": str(len(body))})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status != wanted_status:
            raise PushError(f"{method} {urlsplit(target).path}: {response.status} {content[:300]!r}")
        return response.headers

    def _connect(self) -> http.client.HTTPConnection:
        netloc = urlsplit(self.url).netloc
        if self.tls is not None:
            return http.client.HTTPSConnection(netloc, timeout=TIMEOUT_SECONDS, context=self.tls)
        return http.client.HTTPConnection(netloc, timeout=TIMEOUT_SECONDS)
