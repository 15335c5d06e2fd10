"""A username and password that the node would offer to a registry."""

import hashlib
import hmac
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Credential:
    """One login of the keychain; its repr and its text hide the password.

    A username or password that is not UTF-8 (a latin-1 password in an old secret) is kept with surrogate escapes.
    """

    username: str = field(repr=False)
    password: str = field(repr=False)
    secret: str | None = None
    """The pull secret it comes from; None for the node's own configuration."""
    key: str = ""
    """The key of the docker config that matched, as the keyring keeps it (`registry.example.com/team`)."""

    @property
    def is_transmittable(self) -> bool:
        """Whether the kubelet can hand it to the runtime: gRPC strings must be UTF-8 (kubelet: ErrImagePull if not)."""
        try:
            (self.username + self.password).encode()
        except UnicodeEncodeError:
            return False
        return True

    def is_same_login(self, other: "Credential") -> bool:
        """Whether both are the same username and password, wherever they come from."""
        return (self.username, self.password) == (other.username, other.password)

    def fingerprint(self, process_key: bytes) -> str:
        """A keyed hash that tells credentials apart without telling what they are.

        Args:
            process_key: A random key of this process, so that a fingerprint means nothing outside it.
        """
        parts = (self.username.encode(errors="surrogateescape"), self.password.encode(errors="surrogateescape"))
        sized = b"".join(len(part).to_bytes(8) + part for part in parts)
        return hmac.new(process_key, sized, hashlib.sha256).hexdigest()
