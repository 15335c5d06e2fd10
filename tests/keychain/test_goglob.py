"""Go's globs as labels of a host can hold them, by what filepath.Match of Go 1.26 gave."""

import time

import pytest

from webhook.keychain import goglob


@pytest.mark.parametrize(
    ("pattern", "label", "expected"),
    [
        (b"reg", b"reg", True),
        (b"reg", b"Reg", False),
        (b"a*c", b"abc", True),
        (b"a*bc*c", b"abc", False),
        (b"*\xa9", b"\xc3\xa9", True),
        (b"[::1]", b"1", True),
        (b"[::1]", b"::1", False),
        (b"[fe80::a-f]", b"c", True),
        (b"[fe80::f-a]", b"c", False),
        (b"[::1%a]*[c]", b"axxc", True),
        (b"[::1%a]*[c]", b"axxd", False),
        (b"[::1%a]*[c]", b"a", False),
        (b"[::1%a]*b*[c]]", b"axbyc]", True),
        (b"[::1%a]**", b"a", True),
        (b"[::1%*]*x", b"*abx", True),
        (b"[::1%[]x", b"[x", True),
        (b"[::1%a]b]", b"ab]", True),
        (b"[::1%a", b"a", False),
        (b"[]", b"]", False),
        (b"[::1%a-]", b"a", False),
        (b"[-a]", b"a", False),
        (b"[::1%\xff]", b"1", False),
        (b"[::1%\xc3\xa9]", b"\xc3\xa9", True),
    ],
)
def test_a_pattern_matches_as_in_go(pattern, label, expected):
    assert goglob.matches(pattern, label) is expected


@pytest.mark.parametrize(("size", "expected"), [(63, True), (64, False)])
def test_a_class_opens_no_label_longer_than_dns_has(size, expected):
    assert goglob.matches(b"[::1%a]*", b"a" * size) is expected


def test_a_hostile_number_of_classes_takes_bounded_time():
    pattern, label = b"[::1%a]" + b"*[a]" * 30 + b"b", b"a" * 63
    began = time.process_time()

    assert not any(goglob.matches(pattern, label) for _ in range(500))
    assert time.process_time() - began < 2
