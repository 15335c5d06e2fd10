import pytest

from webhook.registry.proxies import MalformedProxyError, read_proxies

PROXY = "http://proxy.example:3128"


def test_without_variables_there_is_no_proxy():
    assert read_proxies({}).find("https://reg.example.com/v2/") is None


@pytest.mark.parametrize(
    ("environment", "url", "expected"),
    [
        ({"HTTPS_PROXY": PROXY}, "https://reg.example.com/", PROXY),
        ({"HTTPS_PROXY": PROXY}, "http://reg.example.com/", None),
        ({"HTTP_PROXY": PROXY}, "http://reg.example.com/", PROXY),
        ({"HTTP_PROXY": PROXY}, "https://reg.example.com/", None),
        ({"https_proxy": PROXY}, "https://reg.example.com/", PROXY),
        ({"HTTPS_PROXY": PROXY, "https_proxy": "http://other:1"}, "https://reg.example.com/", PROXY),
        ({"HTTPS_PROXY": "proxy.example:3128"}, "https://reg.example.com/", PROXY),
        ({"HTTPS_PROXY": " "}, "https://reg.example.com/", None),
        ({"HTTPS_PROXY": "http://u:p@proxy.example:3128/"}, "https://a.example/", "http://u:p@proxy.example:3128/"),
        ({"HTTPS_PROXY": PROXY}, "https://localhost:5000/", None),
        ({"HTTPS_PROXY": PROXY}, "https://127.0.0.1:5000/", None),
        ({"HTTPS_PROXY": PROXY}, "https://[::1]:5000/", None),
        ({"HTTPS_PROXY": PROXY}, "https://[::ffff:127.0.0.1]:5000/", None),
        ({"HTTPS_PROXY": PROXY}, "no url", None),
    ],
)
def test_the_proxy_is_chosen_by_scheme_and_never_for_this_machine(environment, url, expected):
    assert read_proxies(environment).find(url) == expected


@pytest.mark.parametrize(
    ("no_proxy", "url", "is_direct"),
    [
        ("*", "https://reg.example.com/", True),
        ("a.example, *", "https://reg.example.com/", True),
        ("example.com", "https://example.com/", True),
        ("example.com", "https://reg.example.com/", True),
        ("EXAMPLE.com", "https://REG.example.COM/", True),
        ("example.com", "https://notexample.com/", False),
        ("example.com", "https://example.com.evil.example/", False),
        (".example.com", "https://reg.example.com/", True),
        (".example.com", "https://example.com/", False),
        ("*.example.com", "https://a.b.example.com/", True),
        ("*.example.com", "https://example.com/", False),
        ("example.com:5000", "https://reg.example.com:5000/", True),
        ("example.com:5000", "https://reg.example.com/", False),
        ("example.com:443", "https://reg.example.com/", True),
        ("10.0.0.5", "https://10.0.0.5/", True),
        ("10.0.0.5", "https://10.0.0.50/", False),
        ("10.0.0.5:5000", "https://10.0.0.5:5000/", True),
        ("10.0.0.5:5000", "https://10.0.0.5/", False),
        ("10.0.0.0/8", "https://10.1.2.3:5000/", True),
        ("10.0.0.1/8", "https://10.1.2.3/", True),
        ("10.0.0.0/8", "https://11.1.2.3/", False),
        ("10.0.0.0/8", "https://registry.internal/", False),
        ("10.0.0.0/8", "https://[::ffff:10.1.2.3]/", True),
        ("fd00::/8", "https://[fd00::1]/", True),
        ("fd00::/8", "https://[2001:db8::1]/", False),
        ("fd00::1", "https://[fd00::1]:5000/", True),
        ("[fd00::1]", "https://[fd00::1]/", True),
        ("[fd00::1]:5000", "https://[fd00::1]:5000/", True),
        ("[fd00::1]:5000", "https://[fd00::1]/", False),
        ("svc,.cluster.local,10.96.0.0/12", "https://registry.team.svc.cluster.local/", True),
        ("svc,.cluster.local,10.96.0.0/12", "https://10.97.3.4:5000/", True),
        (" , ,example.com,", "https://reg.example.com/", True),
        ("not/a/network", "https://reg.example.com/", False),
        ("*.", "https://reg.example.com/", False),
        (":5000", "https://reg.example.com:5000/", False),
    ],
)
def test_no_proxy_is_read_as_go_reads_it(no_proxy, url, is_direct):
    proxies = read_proxies({"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy})
    assert proxies.find(url) == (None if is_direct else PROXY)


def test_no_proxy_in_small_letters_counts_too():
    assert read_proxies({"HTTPS_PROXY": PROXY, "no_proxy": "example.com"}).find("https://example.com/") is None


@pytest.mark.parametrize("value", ["socks5://proxy:1080", "ftp://proxy", "http://", "http://a b", "http://u:s3cret@"])
def test_a_proxy_that_is_no_http_url_is_refused_without_showing_it(value):
    with pytest.raises(MalformedProxyError) as caught:
        read_proxies({"HTTPS_PROXY": value})
    assert str(caught.value) == "HTTPS_PROXY: expected the URL of an http or https proxy"


def test_the_repr_hides_the_proxys_password():
    assert "s3cret" not in repr(read_proxies({"HTTPS_PROXY": "http://u:s3cret@proxy:3128"}))
