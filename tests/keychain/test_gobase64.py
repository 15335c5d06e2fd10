"""Base64, by what Go's encoding/base64 says of it."""

import pytest

from webhook.keychain import gobase64
from webhook.keychain.gobase64 import MalformedBase64


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b"dTpw", b"u:p"),
        (b"dTpwMQ==", b"u:p1"),
        (b"dTpwMQ==\n", b"u:p1"),
        (b"dTpwMQ=\r\n=\n", b"u:p1"),
        (b"dTp\nwMQ==", b"u:p1"),
        (b"dTpwMR==", b"u:p1"),
        (b"dTpwMTI=", b"u:p12"),
        (b"++//", b"\xfb\xef\xff"),
    ],
)
def test_padded_text_is_decoded_past_newlines_and_trailing_bits(text, decoded):
    assert gobase64.decode(text, is_padded=True) == decoded


@pytest.mark.parametrize(
    ("text", "decoded"), [(b"", b""), (b"dTpwMQ", b"u:p1"), (b"dTpwMQ\n", b"u:p1"), (b"dTpwMTI", b"u:p12")]
)
def test_unpadded_text_is_decoded(text, decoded):
    assert gobase64.decode(text, is_padded=False) == decoded


@pytest.mark.parametrize(
    ("text", "is_padded", "offset"),
    [
        (b"!!!", False, 0),
        (b"dTpwMQ", True, 4),
        (b"dTpwM", True, 4),
        (b"dTpwM", False, 4),
        (b"dTpwM\n", False, 5),
        (b"dTpw=", True, 4),
        (b"dTpwM=", True, 5),
        (b"dTpwMQ=", True, 7),
        (b"dTpwMQ=\n", True, 8),
        (b"dTpwMQ=x", True, 6),
        (b"dTpwMQ=\nx", True, 7),
        (b"dTpwMQ== ", True, 8),
        (b"dTpwMTI=x", True, 8),
        (b"dTpwMQ==", False, 6),
        (b"dTo_Pz8_", False, 3),
        (b"dTpw MQ==", True, 4),
    ],
)
def test_malformed_text_is_named_by_the_offset_that_go_names(text, is_padded, offset):
    malformed = gobase64.decode(text, is_padded=is_padded)

    assert malformed == MalformedBase64(offset)
    assert malformed.go_error == f"illegal base64 data at input byte {offset}"
