"""Whom TLS connections trust: the system's authorities, those of the settings, and those that hosts.toml names."""

import ssl

MAX_CONTEXTS = 64
"""Contexts kept; each endpoint of hosts.toml with files of its own has one, and a context holds some 300 KiB."""


class Trust:
    """Makes TLS contexts that verify as Go does on the nodes, and keeps them, since each one takes 20 ms to make."""

    def __init__(self, ca_files: tuple[str, ...]) -> None:
        self._ca_files = ca_files
        self._contexts: dict[tuple[tuple[str, ...], bool], ssl.SSLContext] = {}

    def context(self, ca_files: tuple[str, ...] = (), *, skip_verify: bool = False) -> ssl.SSLContext:
        """Return the context for an endpoint.

        Args:
            ca_files: PEM files trusted beside the system's and the settings'.
            skip_verify: Whether any certificate will do, as hosts.toml or the settings say.

        Raises:
            OSError: A file cannot be read, or holds no certificate (`ssl.SSLError`).
        """
        key = (ca_files, skip_verify)
        if key not in self._contexts:
            if len(self._contexts) >= MAX_CONTEXTS:
                self._contexts.clear()
            self._contexts[key] = _make((*self._ca_files, *ca_files), skip_verify=skip_verify)
        return self._contexts[key]


def _make(ca_files: tuple[str, ...], *, skip_verify: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # As crypto/x509: every trusted certificate is an anchor, and the subject's common name is no host name.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.hostname_checks_common_name = False
    if skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.load_default_certs()
    for file in ca_files:
        context.load_verify_locations(file)
    return context
