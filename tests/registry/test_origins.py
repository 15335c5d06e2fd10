import pytest

from webhook.registry.origins import Origin, is_loopback_name, read_origin, without_port


@pytest.mark.parametrize(
    ("url", "origin", "netloc"),
    [
        ("https://reg.example.com/v2/", Origin("https", "reg.example.com", 443), "reg.example.com"),
        ("https://reg.example.com:443", Origin("https", "reg.example.com", 443), "reg.example.com:443"),
        ("HTTP://REG.example.com?a=b", Origin("http", "reg.example.com", 80), "reg.example.com"),
        ("http://a_b.example:5000#x", Origin("http", "a_b.example", 5000), "a_b.example:5000"),
        ("https://[::1]:5000/", Origin("https", "::1", 5000), "[::1]:5000"),
        ("https://[0:0::0:1]/", Origin("https", "::1", 443), "[::1]"),
        ("https://127.0.0.1:65535/", Origin("https", "127.0.0.1", 65535), "127.0.0.1:65535"),
    ],
)
def test_scheme_host_and_port_make_an_origin(url, origin, netloc):
    read = read_origin(url)
    assert read == origin
    assert read is not None
    assert read.netloc == netloc


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/token",
        "//evil.example/t",
        "ftp://a.example/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https:///path",
        "https:a.example",
        "https://user:pw@a.example/t",
        "https://a.example@evil.example/",
        "https://a.example\\@evil.example/",
        "https://a.example%2eevil.example/",
        "https://[fe80::1%25eth0]/",
        "https://[::1",
        "https://[1::2::3]/",
        "https://[1.2.3.4]/",
        "https://a.example:0/",
        "https://a.example:65536/",
        "https://a.example:/",
        "https://a.example:443x/",
        "https://a.example:+443/",
        "https://ä.example/",
        "https://a.example/ü",
        "https://a.example/a b",
        "https://a.example/\r\nX: y",
        "ht\ntps://a.example/",
        " https://a.example/",
        "https://a.example/\x00",
        "https://a.example/\u2028",
    ],
)
def test_whatever_two_parsers_might_read_differently_has_no_origin(url):
    assert read_origin(url) is None


@pytest.mark.parametrize(
    ("first", "second", "beside"),
    [
        ("https://a.example/", "http://a.example/", True),
        ("https://a.example:5000/", "http://a.example:5000/", True),
        ("https://a.example/", "https://a.example:443/", True),
        ("https://a.example:443/", "http://a.example/", False),
        ("https://a.example/", "https://a.example:8443/", False),
        ("https://a.example/", "https://b.example/", False),
    ],
)
def test_origins_stand_beside_each_other_when_only_the_scheme_differs(first, second, beside):
    one, other = read_origin(first), read_origin(second)
    assert one is not None
    assert other is not None
    assert one.is_beside(other) is beside


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.0.0.1:5000", True),
        ("127.9.8.7", True),
        ("[::1]:5000", True),
        ("[::ffff:127.0.0.1]:80", True),
        ("localhost.example.com", False),
        ("127.1:5000", False),
        ("127.0.0.1.example.com", False),
        ("10.0.0.1:5000", False),
        ("[::2]:5000", False),
    ],
)
def test_loopback_is_what_containerd_takes_for_it(host, expected):
    assert is_loopback_name(host) is expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [("a.example:5000", "a.example"), ("a.example", "a.example"), ("[::1]:5000", "[::1]"), ("[::1]", "[::1]")],
)
def test_a_port_is_cut_off(host, expected):
    assert without_port(host) == expected
