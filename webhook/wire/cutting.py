"""Ending a read of the cluster from outside its thread, by shutting its socket down; the only importer of `urllib3`.

urllib3's time limits begin anew with each piece that comes, so whoever sends a byte now and then holds a thread.
"""

import os
import socket
import threading
from contextvars import ContextVar
from typing import Any, Self

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

_MINE: ContextVar["Cutter"] = ContextVar("cutter")
"""Of the read that the thread is at; threads do not share contexts."""


class Cutter:
    """Cuts one read, whatever it waits for: connecting, the handshake, a header, a body.

    Entered by the thread that reads; `cut` is for every other. What a name server has to say is waited for regardless.
    """

    def __init__(self) -> None:
        """Nothing is connected yet."""
        self.is_cut = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def __enter__(self) -> Self:
        """From here on the connections of this thread are this read's."""
        _MINE.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        """What is connected is left alone from here on."""
        self.let_go()

    def hold(self, number: int) -> None:
        """Take a connection as the one to cut.

        Args:
            number: Its file; a copy is held, since wrapping a socket in TLS leaves no object to reach it by, and the
                number may be another's before long.

        Raises:
            TimeoutError: When the read has been cut already.
        """
        self.let_go()
        with self._lock:
            if self.is_cut:
                raise TimeoutError
            self._socket = socket.socket(fileno=os.dup(number))

    def let_go(self) -> None:
        """Leave the connection alone: it is closed, or somebody else's."""
        with self._lock:
            if self._socket:
                self._socket.close()
            self._socket = None

    def cut(self) -> None:
        """Wake the thread: its connection is at its end, and it gets no other."""
        with self._lock:
            self.is_cut = True
            try:
                if self._socket:
                    self._socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                return  # The peer has ended it.


def make_cuttable(manager: PoolManager) -> None:
    """Let a manager's connections, which are yet to be made, be held by the read that uses them."""
    manager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        """Connect as urllib3 does, over a socket that is held before it is connected."""
        failure = OSError("no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(
            self._dns_host.strip("[]"), self.port, type=socket.SOCK_STREAM
        ):
            connecting = socket.socket(family, kind, protocol)
            try:
                self._connect(connecting, address)
            except OSError as error:
                connecting.close()
                failure = error
            else:
                return connecting
        raise failure

    def _connect(self, connecting: socket.socket, address: Any) -> None:  # noqa: ANN401 (by its family)
        _MINE.get().hold(connecting.fileno())
        for option in self.socket_options or ():
            connecting.setsockopt(*option)
        connecting.settimeout(self.timeout)
        connecting.connect(address)

    def request(self, *arguments: Any, **options: Any) -> None:  # noqa: ANN401 (handed on as they are)
        """Ask as urllib3 does, over a connection that is held: a kept one was another read's."""
        if self.sock:
            _MINE.get().hold(self.sock.fileno())
        super().request(*arguments, **options)


class _TLSConnection(_Connection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection

    def _put_conn(self, conn: Any) -> None:  # noqa: ANN401 (the same)
        """Keep a connection as urllib3 does, when nobody can cut it any more."""
        _MINE.get().let_go()
        super()._put_conn(conn)


class _TLSPool(_Pool, HTTPSConnectionPool):
    ConnectionCls = _TLSConnection
