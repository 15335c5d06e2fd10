"""Key updates of TLS 1.3, which no data comes with."""

import _ssl
import ctypes
import socket
import time
from contextlib import closing

import pytest

from tests.wire.serving import FakePipeline, served, wait_until
from webhook.wire.certificates import load_serving_pair
from webhook.wire.keyupdates import MAX_HANDSHAKE_MESSAGES

POINTER = ctypes.c_void_p


class Client:
    """A connection of OpenSSL's own, since Python's has no key updates."""

    def __init__(self, address):
        self._library = ctypes.CDLL(_ssl.__file__)
        self._socket = socket.create_connection(address)
        self._socket.settimeout(None)
        method = self._function("TLS_client_method", POINTER)()
        context = self._function("SSL_CTX_new", POINTER, POINTER)(method)
        self._connection = self._function("SSL_new", POINTER, POINTER)(context)
        self._function("SSL_set_fd", ctypes.c_int, POINTER, ctypes.c_int)(self._connection, self._socket.fileno())
        assert self._function("SSL_connect", ctypes.c_int, POINTER)(self._connection) == 1

    def _function(self, name, result, *arguments):
        function = self._library[name]
        function.restype, function.argtypes = result, arguments
        return function

    def update_keys(self, *, wants_answer):
        """Send a key update, if that is possible still."""
        self._function("SSL_key_update", ctypes.c_int, POINTER, ctypes.c_int)(self._connection, int(wants_answer))
        self._function("SSL_do_handshake", ctypes.c_int, POINTER)(self._connection)

    def is_cut(self):
        self._socket.settimeout(0.01)
        try:
            return self._socket.recv(1 << 20) == b""
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            self._socket.settimeout(None)

    def close(self):
        self._function("SSL_free", None, POINTER)(self._connection)
        self._socket.close()


@pytest.fixture
def client(files, trust):
    pair = load_serving_pair(files.certificate, files.key)
    with served(FakePipeline(), tls=pair.context, trust=trust) as server, closing(Client(server.reviews)) as connected:
        yield connected


@pytest.mark.parametrize("wants_answer", [False, True])
def test_who_changes_keys_on_and_on_is_cut(client, wants_answer):
    for _ in range(MAX_HANDSHAKE_MESSAGES + 1):
        client.update_keys(wants_answer=wants_answer)
    wait_until(client.is_cut)


def test_some_changes_of_keys_are_fine(client):
    for _ in range(MAX_HANDSHAKE_MESSAGES):
        client.update_keys(wants_answer=False)
    for _ in range(20):
        assert not client.is_cut()
        time.sleep(0.02)
