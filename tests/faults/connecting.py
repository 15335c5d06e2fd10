"""Faults before any request is heard: the name, the connection, TLS, the proxy."""

from tests.faults import acts
from tests.faults.fault import Fault

SILENT = "did not answer"
HANDSHAKE = "does not complete a TLS handshake"
PROXY = "cannot be reached through the proxy"
_ALERT = bytes.fromhex("15030300020228")
"""A fatal TLS alert: handshake failure."""
_SERVER_HELLO = bytes.fromhex("160303007a0200007603035b")
"""How a server's hello begins."""
_PLAIN = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_LABEL = "x" * 64
"""A label that is one byte too long for DNS: no resolver can be asked for it."""

FAULTS = (
    Fault(name="name-of-no-host", row="DNS", cause="DNS", server=f"https://{{number}}.{_LABEL}.faults.test"),
    Fault(name="connection-refused", row="registry down", cause=SILENT, is_refused=True),
    Fault(name="connection-reset", row="registry down", cause=SILENT, speech=acts.reset_at_once),
    Fault(name="tls-silence", row="registry hangs or drips", cause=SILENT, speech=acts.say_nothing),
    Fault(name="tls-drip", row="registry hangs or drips", cause=SILENT, speech=acts.drip_after_hello(_SERVER_HELLO)),
    Fault(name="tls-reset", row="registry down", cause=SILENT, speech=acts.reset_after_hello),
    Fault(name="tls-closed", row="registry down", cause=SILENT, speech=acts.close_after_hello),
    Fault(name="tls-alert", row="TLS", cause=HANDSHAKE, speech=acts.say_after_hello(_ALERT)),
    Fault(name="tls-garbage", row="TLS", cause="speaks plain http", speech=acts.say_after_hello(b"SSH-2.0-x\r\n" * 9)),
    Fault(name="tls-plain-http", row="TLS", cause="speaks plain http", speech=acts.say_after_hello(_PLAIN)),
    Fault(name="tls-wrong-name", row="TLS", cause="a certificate for another name", certificate="wrong name"),
    Fault(name="tls-expired", row="TLS", cause="expired", certificate="expired"),
    Fault(name="tls-not-yet-valid", row="TLS", cause="not valid yet", certificate="not yet valid"),
    Fault(name="tls-unknown-authority", row="TLS", cause="network.ca_files", certificate="unknown authority"),
    *(
        Fault(name=f"proxy-{way}", row="proxy", cause=cause, server=f"https://{way}-{{number}}.proxied.test")
        for way, cause in {
            "refuses": PROXY,
            "wants-login": PROXY,
            "closes": SILENT,
            "garbage": "gives an answer that no registry gives",
            "silence": SILENT,
            "leads-nowhere": SILENT,
        }.items()
    ),
)
