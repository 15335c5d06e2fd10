"""JSON, by what Go's encoding/json (version 1) says of it."""

import time

import pytest

from webhook.keychain import gojson
from webhook.keychain.gojson import Array, MalformedJson, Number, Object, WrongType


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (b"null", None),
        (b" true\n", True),
        (b"\t\rfalse", False),
        (b'""', ""),
        (b"[]", Array(())),
        (b"{ }", Object(())),
        (b"[ 1 , [ ] , {} ]", Array((Number("1"), Array(()), Object(())))),
        (b'{"a":1,"b":{"a":[null]}}', Object((("a", Number("1")), ("b", Object((("a", Array((None,))),)))))),
        (b'{"a":1,"a":2}', Object((("a", Number("1")), ("a", Number("2"))))),
        (b"1e999", Number("1e999")),
        (b"-0.10E-2", Number("-0.10E-2")),
        (b"9" * 5000, Number("9" * 5000)),
    ],
)
def test_values_keep_their_order_their_repeats_and_their_digits(text, value):
    assert gojson.parse(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (rb'"\"\\\/\b\f\n\r\t"', '"\\/\b\f\n\r\t'),
        (rb'"\u0041\u00e9\u2028"', "Aé\u2028"),
        ('"é\u2028\x7f😀"'.encode(), "é\u2028\x7f😀"),
        (rb'"\ud83d\ude00"', "😀"),
        (rb'"\uD83D\uDE00"', "😀"),
        (rb'"\ud800"', "\ufffd"),
        (rb'"\ude00\ud83d"', "\ufffd\ufffd"),
        (rb'"\ud800\ud83d\ude00"', "\ufffd😀"),
        (rb'"\ud800\u0041"', "\ufffdA"),
        (b'"\xff"', "\ufffd"),
        (b'"a\xe2\x82b"', "a\ufffd\ufffdb"),
        (b'"\xed\xa0\x80\\n"', "\ufffd\ufffd\ufffd\n"),
    ],
)
def test_strings_replace_what_is_no_unicode_byte_by_byte(text, value):
    assert gojson.parse(text) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "unexpected end of JSON input"),
        (b"{", "unexpected end of JSON input"),
        (b'{"a"', "unexpected end of JSON input"),
        (b"[1,", "unexpected end of JSON input"),
        (b'"ab', "unexpected end of JSON input"),
        (b"tru", "invalid character ' ' in literal true (expecting 'e')"),
        (b"nul]", "invalid character ']' in literal null (expecting 'l')"),
        (b"fx", "invalid character 'x' in literal false (expecting 'a')"),
        (b"1.", "invalid character ' ' after decimal point in numeric literal"),
        (b"1.e5", "invalid character 'e' after decimal point in numeric literal"),
        (b"1e+", "invalid character ' ' in exponent of numeric literal"),
        (b"1.5ex", "invalid character 'x' in exponent of numeric literal"),
        (b"-x", "invalid character 'x' in numeric literal"),
        (b"[01]", "invalid character '1' after array element"),
        (b'"\\x"', "invalid character 'x' in string escape code"),
        (b'"\\\'"', "invalid character '\\'' in string escape code"),
        (b'"\\u12g4"', "invalid character 'g' in \\u hexadecimal character escape"),
        (b'"\x01"', "invalid character '\\x01' in string literal"),
        (b'"\n"', "invalid character '\\n' in string literal"),
        (b'{"a" 1}', "invalid character '1' after object key"),
        (b'{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        (b"[1}", "invalid character '}' after array element"),
        (b'{"a":1,}', "invalid character '}' looking for beginning of object key string"),
        (b"{1:2}", "invalid character '1' looking for beginning of object key string"),
        (b"[1,]", "invalid character ']' looking for beginning of value"),
        (b"NaN", "invalid character 'N' looking for beginning of value"),
        (b"Infinity", "invalid character 'I' looking for beginning of value"),
        (b"-Infinity", "invalid character 'I' in numeric literal"),
        (b"+1", "invalid character '+' looking for beginning of value"),
        (b"\\", "invalid character '\\\\' looking for beginning of value"),
        (b"\xef\xbb\xbf{}", "invalid character 'ï' looking for beginning of value"),
        (b"\xa0", "invalid character '\\u00a0' looking for beginning of value"),
        (b"{} x", "invalid character 'x' after top-level value"),
        (b"[]\x00", "invalid character '\\x00' after top-level value"),
    ],
)
def test_what_is_no_json_gets_go_s_words(text, reason):
    assert gojson.parse(text) == MalformedJson(reason)


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_nesting_is_limited_as_in_go(opening, closing):
    deepest = gojson.parse(opening * gojson.MAX_DEPTH + b"1" + closing * gojson.MAX_DEPTH)
    deeper = gojson.parse(opening * (gojson.MAX_DEPTH + 1))

    assert not isinstance(deepest, MalformedJson)
    assert deeper == MalformedJson(f"invalid character '{opening[:1].decode()}' exceeded max depth")


@pytest.mark.parametrize(
    "text",
    [
        b"[" * 1_000_000,
        b'"' + b"a" * 1_000_000,
        b'"' + b"\\u" * 500_000,
        b'"' + b"\xff" * 1_000_000 + b'"',
        b"1" * 1_000_000 + b"e",
        b" " * 1_000_000 + b"x",
        b'["' + b"\\n" * 500_000 + b'"]',
    ],
    ids=lambda text: repr(text[:4]),
)
def test_a_megabyte_of_hostile_json_takes_linear_time(text):
    began = time.process_time()
    gojson.parse(text)

    assert time.process_time() - began < 2, "backtracking would take minutes"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("auth", "auth"),
        ("AUTH", "auth"),
        ("httpheaders", "HttpHeaders"),
        ("pa\u017fsword", "password"),
        ("PA\u017fSWORD", "password"),
        ("to\u212aen", "token"),
    ],
)
def test_names_are_the_same_under_simple_folding(written, name):
    assert gojson.is_same_name(written, name)


@pytest.mark.parametrize(("written", "name"), [("auth ", "auth"), ("\u0131d", "id"), ("\u0130d", "id"), ("ﬀ", "ff")])
def test_names_that_only_look_alike_are_not_the_same(written, name):
    assert not gojson.is_same_name(written, name)


def parsed(text: bytes) -> Object:
    value = gojson.parse(text)
    assert isinstance(value, Object)
    return value


def test_all_values_of_a_name_are_given_in_order():
    assert list(parsed(b'{"Token":1,"x":2,"token":null}').all_values("token")) == [Number("1"), None]


@pytest.mark.parametrize(
    ("text", "texts"),
    [
        (b"{}", {"token": "", "scope": ""}),
        (b'{"token":"a","TOKEN":"b","other":1}', {"token": "b", "scope": ""}),
        (b'{"token":"a","token":null}', {"token": "a", "scope": ""}),
        (b'{"scope":null,"token":"a"}', {"token": "a", "scope": ""}),
    ],
)
def test_string_fields_are_read_as_into_a_struct(text, texts):
    assert gojson.read_texts(parsed(text), ("token", "scope")) == texts


@pytest.mark.parametrize(
    ("value", "found"),
    [(b"1", "number"), (b"true", "bool"), (b"[]", "array"), (b"{}", "object")],
)
def test_the_first_field_of_a_wrong_type_is_named(value, found):
    document = parsed(b'{"scope":"a","Token":' + value + b',"scope":1}')

    assert gojson.read_texts(document, ("token", "scope")) == WrongType("token", found)


@pytest.mark.parametrize(("value", "kind"), [(None, "null"), ("", "string")])
def test_kinds_that_fit_have_names_too(value, kind):
    assert gojson.kind_of(value) == kind
