"""The event loop: uvloop, with one hole closed through which a registry could reach other people's connections."""

import socket
from typing import Any

import uvloop


class Loop(uvloop.Loop):
    """uvloop's loop, which lets go of a socket that it was given also when connecting over it fails.

    libuv closes the file of a socket that it took over. Where the peer resets the connection before uvloop has noted
    the socket object (`create_connection`, uvloop 0.23), nobody tells that object, and it closes the same number again
    when it is collected: by then most likely somebody else's connection, or one of libuv's own, which ends the process.
    """

    async def create_connection(
        self,
        *arguments: Any,  # noqa: ANN401 (handed on as they are)
        sock: socket.socket | None = None,
        **options: Any,  # noqa: ANN401 (the same)
    ) -> Any:  # noqa: ANN401 (what uvloop gives)
        """Connect as uvloop does; on failure a socket that was given is closed, by libuv alone."""
        try:
            return await super().create_connection(*arguments, sock=sock, **options)
        except BaseException:
            if sock is not None:
                sock.detach()
            raise
