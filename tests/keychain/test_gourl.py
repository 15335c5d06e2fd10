"""URLs, by what Go 1.26's net/url says of them."""

import pytest

from webhook.keychain import gourl
from webhook.keychain.gourl import URL


@pytest.mark.parametrize(
    ("text", "host", "path"),
    [
        (b"https://reg.io", b"reg.io", b""),
        (b"http://reg.io/", b"reg.io", b"/"),
        (b"https://REG.io:05000/a//b/../c", b"REG.io:05000", b"/a//b/../c"),
        (b"https://", b"", b""),
        (b"https:///foo", b"", b"/foo"),
        (b"https://reg.io:/x", b"reg.io:", b"/x"),
        (b"https://reg.io/a%2fb%25c%FF", b"reg.io", b"/a/b%c\xff"),
        (b"https://reg.io/a b\xc3\xa9", b"reg.io", b"/a b\xc3\xa9"),
        (b"https://reg.io/x?y=%zz", b"reg.io", b"/x"),
        (b"https://reg.io?y", b"reg.io", b""),
        (b"https://reg.io#f%20\x01", b"reg.io", b""),
        (b"https://user:p%20w@reg.io/x", b"reg.io", b"/x"),
        (b"https://u@v@reg.io", b"reg.io", b""),
        (b"https://r%C3%A9g%25.io", b"r\xc3\xa9g%.io", b""),
        (b"https://reg]io", b"reg]io", b""),
        (b"https://[::1]", b"[::1]", b""),
        (b"https://[2001:db8::1]:5000/x", b"[2001:db8::1]:5000", b"/x"),
        (b"https://[::ffff:1.2.3.4]", b"[::ffff:1.2.3.4]", b""),
        (b"https://[fe80::1%25eth%200%25%41]", b"[fe80::1%eth 0%A]", b""),
        (b"https://[fe80::1%25\xc3\xa9]", b"[fe80::1%\xc3\xa9]", b""),
    ],
)
def test_what_go_reads_is_read_alike(text, host, path):
    assert gourl.parse(text) == URL(host, path)


@pytest.mark.parametrize(
    "text",
    [
        b"https://reg.io\x7f",
        b"https://reg.io/a\x01",
        b"https://reg.io/%zz",
        b"https://reg.io/%4",
        b"https://reg.io#%zz",
        b"https://u%zz@reg.io",
        b"https://u[@reg.io",
        b"https://\xc3\xa9@reg.io",
        b"https://reg.i%6f",
        b"https://reg io",
        b"https://reg\\io",
        b"https://reg{io",
        b"https://reg.io:abc",
        b"https://reg.io:5000:1",
        b"https://::1",
        b"https://reg.io:*",
        b"https://a[::1]",
        b"https://[::1",
        b"https://[::1]x",
        b"https://[::1]:x",
        b"https://[1.2.3.4]",
        b"https://[a-c]bc.io",
        b"https://[reg.io]",
        b"https://[::1%eth0]",
        b"https://[::1%25]",
        b"https://[::1%25%2f]",
        b"https://[::1%25%c3]",
        b"https://[%3a:1]",
        b"https://[::1 ]",
    ],
)
def test_what_go_refuses_is_no_url(text):
    assert gourl.parse(text) is None


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (b"reg.io", b"reg.io", b""),
        (b"reg.io:5000", b"reg.io", b"5000"),
        (b"reg.io:", b"reg.io", b""),
        (b"", b"", b""),
        (b"[::1]:5000", b"::1", b"5000"),
        (b"[::1]", b"[::1]", b""),
        (b"::1", b"::1", b""),
        (b"reg]io:5000", b"reg]io:5000", b""),
        (b"[::1%]a]:5000", b"[::1%]a]:5000", b""),
        (b"[::1", b"[::1", b""),
        (b"[a[b]:5", b"[a[b]:5", b""),
    ],
)
def test_host_and_port_are_split_as_go_splits_them_or_not_at_all(text, host, port):
    assert gourl.split_host_port(text) == (host, port)
