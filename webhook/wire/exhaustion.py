"""When this process or this machine has nothing left to open a socket with, whoever is at its other end."""

import errno

EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
"""The errors that say that no file or memory for a socket is left."""
