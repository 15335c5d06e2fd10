import msgspec
import pytest

from webhook.admission.fault import READ_FAULTS, describe


class Inner(msgspec.Struct):
    name: str


class Document(msgspec.Struct):
    items: tuple[Inner | None, ...] | None = None
    notes: dict[str, str] | None = None


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"items":[null,{"name":5}]}', "items[1].name: expected str, got int"),
        (b'{"items":[{}]}', "items[0]: object missing required field name"),
        (b'{"notes":{"s3cret":1}}', "notes[...]: expected str, got int"),
        (b'["s3cret"]', "document: expected object, got array"),
        (b"", "document: expected JSON: input data was truncated"),
        (b'{"items":', "document: expected JSON: input data was truncated"),
        (b'{"items":s3cret}', "document: expected JSON: invalid character (byte 9)"),
        (b'{"items":null} s3cret', "document: expected JSON: trailing characters (byte 16)"),
        (b'\xef\xbb\xbf{"items":null}', "document: expected JSON: invalid character (byte 0)"),
        (b'{"items":[{"name":"s3cret\xff"}]}', "document: expected UTF-8"),
        (b'{"items":[{"name":"\\ud800"}]}', "document: expected JSON: input data was truncated"),
        (b'{"other":' + b"[" * 100_000, "document: nested too deeply"),
    ],
)
def test_a_fault_is_one_line_with_a_path_and_no_value(body: bytes, words: str) -> None:
    with pytest.raises(READ_FAULTS) as caught:
        msgspec.json.decode(body, type=Document)
    assert describe(caught.value) == words
