import base64

import pytest

from webhook import __version__
from webhook.keychain.credential import Credential
from webhook.registry.endpoints import Endpoint
from webhook.registry.exchange import BasicLogin, BearerToken, FetchManifest, FetchToken
from webhook.registry.request import build

ENDPOINT = Endpoint(url="https://reg.example.com/v2", ca_files=("ca.pem",), skip_verify=True)
URL = "https://reg.example.com/v2/team/app/manifests/1?ns=docker.io"
LOGIN = Credential("al ice", "p&ss wörd")
COMMON = (("User-Agent", f"pullcheck/{__version__}"), ("Accept-Encoding", "identity"))
ACCEPT = (
    "application/vnd.docker.distribution.manifest.v2+json, "
    "application/vnd.docker.distribution.manifest.list.v2+json, "
    "application/vnd.oci.image.manifest.v1+json, "
    "application/vnd.oci.image.index.v1+json, */*"
)


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_a_manifest_is_asked_for_with_one_accept_header_and_no_encoding(method):
    request = build(FetchManifest(endpoint=ENDPOINT, url=URL, method=method, max_body_bytes=7))
    assert request.method == method
    assert request.url == URL
    assert request.headers == (*COMMON, ("Accept", ACCEPT))
    assert request.body is None
    assert request.max_body_bytes == 7


def test_the_endpoints_trust_and_the_proxy_go_with_the_request():
    request = build(FetchManifest(endpoint=ENDPOINT, url=URL, method="HEAD"), proxy="http://proxy:3128")
    assert (request.ca_files, request.skip_verify, request.proxy) == (("ca.pem",), True, "http://proxy:3128")


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (BearerToken("abc"), "Bearer abc"),
        (BasicLogin(LOGIN), "Basic " + base64.b64encode("al ice:p&ss wörd".encode()).decode()),
        (BasicLogin(Credential("a", "\udcff")), "Basic " + base64.b64encode(b"a:\xff").decode()),
    ],
)
def test_an_authorization_is_sent_as_it_is_given(authorization, expected):
    intent = FetchManifest(endpoint=ENDPOINT, url=URL, method="HEAD", authorization=authorization)
    assert build(intent).headers[-1] == ("Authorization", expected)


def token_request(**fields):
    given = {"url": "https://auth.example.com/token", "grant": "anonymous", "service": "reg.example.com"} | fields
    return build(FetchToken(endpoint=ENDPOINT, **given))


@pytest.mark.parametrize(
    ("url", "scopes", "service", "expected"),
    [
        ("https://a.example/t", ("repository:x/y:pull",), "svc", "?scope=repository%3Ax%2Fy%3Apull&service=svc"),
        ("https://a.example/t", ("a", "b c"), "s v", "?scope=a&scope=b+c&service=s+v"),
        ("https://a.example/t", ("a",), "", "?scope=a"),
        ("https://a.example/t", (), "", ""),
        ("https://a.example/t?x=1", ("a",), "s", "?scope=a&service=s&x=1"),
        ("https://a.example/t?z=1&account=%61&e=&z=0", (), "s", "?account=a&e=&service=s&z=1&z=0"),
        ("https://a.example/t?scope=own&service=own", ("a",), "s", "?scope=own&scope=a&service=own&service=s"),
        ("https://a.example/t?a;b=1&c=%zz&d=~", (), "", "?d=~"),
        ("https://a.example/t?", (), "", ""),
    ],
)
def test_a_token_url_is_encoded_as_go_encodes_it(url, scopes, service, expected):
    request = token_request(url=url, scopes=scopes, service=service)
    assert request.url == "https://a.example/t" + expected


def test_an_anonymous_token_is_got_without_a_login():
    request = token_request(credential=LOGIN)
    assert (request.method, request.headers, request.body) == ("GET", COMMON, None)


def test_the_basic_grant_is_a_get_with_a_login():
    request = token_request(grant="basic", credential=LOGIN)
    login = base64.b64encode("al ice:p&ss wörd".encode()).decode()
    assert (request.method, request.headers) == ("GET", (*COMMON, ("Authorization", f"Basic {login}")))


def test_the_password_grant_is_a_form():
    request = token_request(
        grant="password", credential=LOGIN, scopes=("a", "b:c"), url="https://auth.example.com/t?x=1"
    )
    assert (request.method, request.url) == ("POST", "https://auth.example.com/t?x=1")
    assert request.headers == (*COMMON, ("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"))
    assert request.body == (
        b"client_id=pullcheck&grant_type=password&password=p%26ss+w%C3%B6rd"
        b"&scope=a+b%3Ac&service=reg.example.com&username=al+ice"
    )


def test_a_form_without_scopes_has_no_scope():
    request = token_request(grant="password", credential=Credential("a", "\udcff"))
    assert request.body == b"client_id=pullcheck&grant_type=password&password=%FF&service=reg.example.com&username=a"


def test_what_is_read_of_a_token_answer_is_bounded():
    assert token_request().max_body_bytes == token_request(grant="password").max_body_bytes == 64 * 1024


def test_the_repr_of_a_request_hides_the_login_and_the_proxys():
    manifest = FetchManifest(endpoint=ENDPOINT, url=URL, method="HEAD", authorization=BearerToken("s3cret"))
    form = FetchToken(endpoint=ENDPOINT, url=URL, grant="password", credential=Credential("u", "s3cret"))
    for intent in (manifest, form):
        assert "s3cret" not in repr(build(intent, proxy="http://user:s3cret@proxy:3128"))
