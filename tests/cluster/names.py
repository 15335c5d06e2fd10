"""The DNS server of a world: it answers what the world's hosts file holds, and NXDOMAIN for every other name.

Without a server every unknown name would hang until a time-out.
"""

import ipaddress
import socket
import struct
import threading
from pathlib import Path

HOSTS = Path("/etc/hosts")
TIME_TO_LIVE_SECONDS = 1
ADDRESS, ADDRESS_IPV6 = 1, 28  # RFC 1035 section 3.2.2, RFC 3596 section 2.1
NO_SUCH_NAME, NOT_IMPLEMENTED = 3, 4  # RFC 1035 section 4.1.1


def parse_hosts(text: str) -> dict[str, list[ipaddress.IPv4Address | ipaddress.IPv6Address]]:
    """Parse a hosts file: lower-case name -> addresses."""
    names: dict[str, list[ipaddress.IPv4Address | ipaddress.IPv6Address]] = {}
    for line in text.splitlines():
        address, *aliases = line.partition("#")[0].split() or [""]
        for alias in aliases:
            names.setdefault(alias.lower(), []).append(ipaddress.ip_address(address))
    return names


def answer(query: bytes, hosts: str) -> bytes:
    """Answer one query, as bytes on the wire, from the text of a hosts file.

    Raises:
        ValueError, IndexError, struct.error: the query is no DNS message.
    """
    identifier, flags, questions = struct.unpack("!HHH", query[:6])
    labels, position = [], 12
    while length := query[position]:
        labels.append(query[position + 1 : position + 1 + length].decode("ascii").lower())
        position += 1 + length
    kind, _ = struct.unpack("!HH", query[position + 1 : position + 5])
    question = query[12 : position + 5]
    known = parse_hosts(hosts).get(".".join(labels))
    if questions != 1 or flags & 0xF800:
        code, found = NOT_IMPLEMENTED, []
    else:
        code = 0 if known else NO_SUCH_NAME
        wanted = {ADDRESS: 4, ADDRESS_IPV6: 6}.get(kind)
        found = [address.packed for address in known or [] if address.version == wanted]
    # A response, authoritative, recursion available (else resolvers look for another server), recursion desired copied.
    header = struct.pack("!HHHHHH", identifier, 0x8480 | flags & 0x0100 | code, 1, len(found), 0, 0)
    record = struct.pack("!HHHI", 0xC00C, kind, 1, TIME_TO_LIVE_SECONDS)
    return header + question + b"".join(record + struct.pack("!H", len(packed)) + packed for packed in found)


def serve(address: str) -> None:
    """Answer on UDP port 53 of the address, in a thread that ends with the process."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listener.bind((address, 53))
    threading.Thread(target=_answer_all, args=(listener,), name="names", daemon=True).start()


def _answer_all(listener: socket.socket) -> None:
    while True:
        query, asker = listener.recvfrom(4096)
        try:
            listener.sendto(answer(query, HOSTS.read_text()), asker)
        except (ValueError, IndexError, struct.error, OSError):
            continue  # what cannot be read or reached gets no answer, as from any name server
