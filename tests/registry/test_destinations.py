from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from webhook.registry.destinations import Destinations
from webhook.registry.endpoints import Endpoint
from webhook.registry.exchange import AddressRefused
from webhook.registry.resolution import Blocked, BlockedCause


def last_two_labels(host):
    """A public suffix list in which every suffix is one label; single labels are suffixes themselves."""
    labels = host.split(".")
    return ".".join(labels[-2:]) if len(labels) > 1 else None


RULES = Destinations(registrable_domain=last_two_labels)
REGISTRY = "registry.example.com"
ENDPOINT = Endpoint(url=f"https://{REGISTRY}/v2")


def why(blocked):
    """What keeps us, and which setting would allow it; None when nothing does."""
    return blocked and (blocked.cause, blocked.setting)


def networks(*texts):
    return tuple(ip_network(text) for text in texts)


class TestHosts:
    @pytest.mark.parametrize(
        "repository", ["docker.io/library/nginx", "10.0.0.1:5000/a", "localhost:5000/a", "[::1]/a"]
    )
    def test_every_host_is_allowed_by_default(self, repository):
        assert RULES.allows_host(repository)

    @pytest.mark.parametrize(
        ("allowed", "repository", "expected"),
        [
            (["registry.example.com"], "registry.example.com/team/app", True),
            (["registry.example.com"], "REGISTRY.example.com/team/app", True),
            (["registry.example.com"], "registry.example.com:443/team/app", True),
            (["registry.example.com"], "registry.example.com:5000/team/app", False),
            (["registry.example.com:443"], "registry.example.com:443/team/app", True),
            (["registry.example.com"], "registry.example.com.evil.com/team/app", False),
            (["registry.example.com"], "evil-registry.example.com/team/app", False),
            (["registry.example.com/team"], "registry.example.com/team/app", True),
            (["registry.example.com/team"], "registry.example.com/other/app", False),
            (["*.example.com"], "registry.example.com/app", True),
            (["*.example.com"], "a.b.example.com/app", False),
            (["docker.io", "quay.io"], "quay.io/app", True),
            ([], "quay.io/app", False),
        ],
    )
    def test_allowed_hosts_are_the_only_ones(self, allowed, repository, expected):
        assert replace(RULES, allowed_hosts=tuple(allowed)).allows_host(repository) is expected

    @pytest.mark.parametrize(
        ("denied", "repository"),
        [
            ("evil.example", "evil.example/app"),
            ("evil.example", "EVIL.example/app"),
            ("evil.example", "evil.example:443/app"),
            ("evil.example", "evil.example:8443/app"),
            ("evil.example:8443", "evil.example:8443/app"),
            ("*.example", "evil.example:5000/app"),
            ("evil.example/team", "evil.example:5000/team/app"),
            ("*", "anything.example/app"),
        ],
    )
    def test_denied_hosts_win_and_no_port_walks_around_them(self, denied, repository):
        rules = replace(RULES, allowed_hosts=("*", "evil.example:8443"), denied_hosts=(denied,))
        blocked = rules.judge_host(repository)
        assert why(blocked) == (BlockedCause.HOST, "network.denied_hosts")

    @pytest.mark.parametrize("denied", ["evil.example:8443", "good.example.evil", "evil.example/other", "e.example"])
    def test_a_denied_host_denies_no_other(self, denied):
        assert replace(RULES, denied_hosts=(denied,)).allows_host("evil.example/team/app")

    def test_a_host_that_is_not_allowed_says_which_setting_would(self):
        blocked = replace(RULES, allowed_hosts=("quay.io",)).judge_host("Evil.example:5000/app")
        assert blocked == Blocked("evil.example:5000", BlockedCause.HOST, "network.allowed_hosts")


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "setting"),
        [
            ("1.1.1.1", None),
            ("2606:4700::1111", None),
            ("10.0.0.1", None),
            ("100.64.0.1", None),
            ("fd00::1", None),
            ("64:ff9b::808:808", None),
            ("::ffff:10.0.0.1", None),
            ("127.0.0.1", "network.loopback"),
            ("::1", "network.loopback"),
            ("::ffff:127.0.0.1", "network.loopback"),
            ("64:ff9b::7f00:1", "network.loopback"),
            ("2002:7f00:1::", "network.loopback"),
            ("169.254.169.254", "network.allowed_networks"),
            ("::ffff:169.254.169.254", "network.allowed_networks"),
            ("64:ff9b::a9fe:a9fe", "network.allowed_networks"),
            ("2002:a9fe:a9fe::", "network.allowed_networks"),
            ("2001:0:102:304:0:0:5601:5601", "network.allowed_networks"),  # Teredo, the client 169.254.169.254
            ("168.63.129.16", "network.allowed_networks"),
            ("0.0.0.0", "network.allowed_networks"),
            ("224.0.0.1", "network.allowed_networks"),
        ],
    )
    def test_by_default_public_and_private_addresses_are_open_and_no_others(self, text, setting):
        refusal = AddressRefused(setting) if setting else None
        assert RULES.judge_address(ip_address(text)) == refusal

    @pytest.mark.parametrize("text", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
    def test_loopback_opens_loopback(self, text):
        assert replace(RULES, loopback=True).judge_address(ip_address(text)) is None

    @pytest.mark.parametrize("text", ["10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "fd00::1"])
    def test_private_false_closes_private_addresses(self, text):
        assert replace(RULES, private=False).judge_address(ip_address(text)) == AddressRefused("network.private")

    @pytest.mark.parametrize("text", ["169.254.169.254", "127.0.0.5", "10.0.0.1", "::ffff:10.0.0.1", "240.0.0.1"])
    def test_allowed_networks_open_whatever_they_name(self, text):
        allowed = networks("169.254.169.254/32", "127.0.0.0/8", "10.0.0.0/8", "240.0.0.0/4")
        assert replace(RULES, private=False, allowed_networks=allowed).judge_address(ip_address(text)) is None

    def test_a_carrier_is_not_opened_without_what_it_carries(self):
        rules = replace(RULES, allowed_networks=networks("64:ff9b::/96"))
        assert rules.judge_address(ip_address("64:ff9b::a9fe:a9fe")) == AddressRefused("network.allowed_networks")

    @pytest.mark.parametrize("text", ["10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "2002:a01:203::", "1.2.3.4"])
    def test_denied_networks_win_in_every_form(self, text):
        rules = replace(
            RULES, denied_networks=networks("10.1.0.0/16", "1.2.3.4/32"), allowed_networks=networks("0.0.0.0/0")
        )
        assert rules.judge_address(ip_address(text)) == AddressRefused("network.denied_networks")

    def test_further_addresses_are_refused_unless_a_network_allows_them(self):
        rules = replace(RULES, denied_addresses=frozenset({ip_address("10.96.0.1")}))
        assert rules.judge_address(ip_address("10.96.0.1")) == AddressRefused("network.allowed_networks")
        assert rules.judge_address(ip_address("::ffff:10.96.0.1")) == AddressRefused("network.allowed_networks")
        assert rules.judge_address(ip_address("10.96.0.2")) is None
        assert replace(rules, allowed_networks=networks("10.96.0.0/12")).judge_address(ip_address("10.96.0.1")) is None


class TestUrls:
    @pytest.mark.parametrize(
        "url", ["https://registry.example.com/v2/", "http://10.0.0.1:5000/v2/", "https://[2606:4700::1111]/v2/"]
    )
    def test_http_urls_of_open_places_may_be_contacted(self, url):
        assert RULES.judge_url(url) is None

    @pytest.mark.parametrize(
        "url",
        [
            "file:///etc/passwd",
            "https://user:pw@a.example/",
            "https://[fe80::1%25eth0]/",
            "/token",
            "https://a.example/\n",
        ],
    )
    def test_other_urls_may_not_and_no_setting_changes_that(self, url):
        assert RULES.judge_url(url) == Blocked("", BlockedCause.HOST)

    @pytest.mark.parametrize(
        ("url", "setting"),
        [
            ("http://169.254.169.254/latest/meta-data", "network.allowed_networks"),
            ("http://[::ffff:a9fe:a9fe]/", "network.allowed_networks"),
            ("http://[64:ff9b::a9fe:a9fe]/", "network.allowed_networks"),
            ("http://2852039166/", "network.allowed_networks"),
            ("http://0xa9.0xfe.0xa9.0xfe/", "network.allowed_networks"),
            ("http://0251.0376.0251.0376/", "network.allowed_networks"),
            ("http://0/", "network.allowed_networks"),
            ("https://127.0.0.1:6443/", "network.loopback"),
            ("https://127.1/", "network.loopback"),
            ("https://[::1]:6443/", "network.loopback"),
            ("https://localhost/", "network.loopback"),
            ("https://LOCALHOST.:8080/", "network.loopback"),
            ("https://a.localhost/", "network.loopback"),
        ],
    )
    def test_literal_addresses_are_judged_in_every_spelling(self, url, setting):
        blocked = RULES.judge_url(url)
        assert why(blocked) == (BlockedCause.ADDRESS, setting)

    def test_localhost_is_open_where_loopback_is(self):
        assert replace(RULES, loopback=True).judge_url("http://localhost:5000/v2/") is None

    @pytest.mark.parametrize("host", ["metadata.google.internal", "metadata.google.internal.", "METADATA.goog"])
    def test_names_of_metadata_servers_are_refused_for_proxies_sake(self, host):
        assert why(RULES.judge_url(f"http://{host}/")) == (BlockedCause.HOST, "")

    @pytest.mark.parametrize("url", ["https://evil.example/", "https://EVIL.example:8443/", "https://evil.example./"])
    def test_denied_hosts_are_refused_as_realm_and_redirect_too(self, url):
        blocked = replace(RULES, denied_hosts=("evil.example",)).judge_url(url)
        assert why(blocked) == (BlockedCause.HOST, "network.denied_hosts")

    def test_allowed_hosts_are_about_references_only(self):
        rules = replace(RULES, allowed_hosts=("docker.io",))
        assert rules.judge_url("https://auth.docker.io/token") is None


class TestInsecureHosts:
    @pytest.mark.parametrize(
        ("host", "expected"),
        [
            ("localhost:5000", True),
            ("127.0.0.1:80", True),
            ("[::1]:5000", True),
            ("localhost", False),
            ("localhost:443", False),
            ("127.0.0.1", False),
            ("[::1]", False),
            ("registry.example.com:5000", False),
            ("10.0.0.1:5000", False),
        ],
    )
    def test_loopback_on_a_port_of_its_own_is_insecure_as_for_containerd(self, host, expected):
        assert RULES.is_insecure(host) is expected

    @pytest.mark.parametrize(
        ("host", "expected"),
        [("registry.lan:5000", True), ("Registry.lan:5000", True), ("registry.lan", False), ("a.lab", True)],
    )
    def test_declared_hosts_are_insecure(self, host, expected):
        assert replace(RULES, insecure_hosts=("registry.lan:5000", "*.lab")).is_insecure(host) is expected


def may_log_in(url, *, rules=RULES, endpoint=ENDPOINT, registry=f"{REGISTRY}/team/app"):
    return why(rules.may_log_in(registry, endpoint, url))


REALM = (BlockedCause.CREDENTIAL_REALM, "network.realms")
UNREADABLE = (BlockedCause.CREDENTIAL_REALM, "")
PLAIN = (BlockedCause.CREDENTIAL_PLAIN, "network.insecure_hosts")
MIRROR = (BlockedCause.CREDENTIAL_MIRROR, "network.realms")


class TestLogins:
    @pytest.mark.parametrize(
        "url",
        [
            f"https://{REGISTRY}/v2/team/app/manifests/1",
            f"https://{REGISTRY}:443/token",
            f"https://{REGISTRY.upper()}/token",
            "https://auth.example.com/token?account=x",
            "https://example.com/jwt/auth",
            "https://a.b.example.com:8443/token",
        ],
    )
    def test_a_login_may_go_to_its_own_origin_and_registrable_domain(self, url):
        assert may_log_in(url) is None

    @pytest.mark.parametrize(
        ("registry", "host", "realm"),
        [
            ("docker.io/library/nginx", "registry-1.docker.io", "https://auth.docker.io/token"),
            ("ghcr.io/team/app", "ghcr.io", "https://ghcr.io/token"),
            ("quay.io/team/app", "quay.io", "https://quay.io/v2/auth"),
            ("registry.gitlab.com/team/app", "registry.gitlab.com", "https://gitlab.com/jwt/auth"),
            ("harbor.example.org/team/app", "harbor.example.org", "https://harbor.example.org/service/token"),
            ("10.0.0.5/team/app", "10.0.0.5", "https://10.0.0.5/service/token"),
            ("reg.example.org:5000/app", "reg.example.org:5000", "https://reg.example.org/token"),
            ("team.azurecr.io/app", "team.azurecr.io", "https://team.azurecr.io/oauth2/token"),
        ],
    )
    def test_layouts_of_real_registries_pass(self, registry, host, realm):
        assert may_log_in(realm, registry=registry, endpoint=Endpoint(url=f"https://{host}/v2")) is None

    @pytest.mark.parametrize(
        "url",
        [
            "https://evil.example/token",
            "https://registry.example.com.evil.example/token",
            "https://registryxexample.com/token",
            "https://127.0.0.1/token",
            "https://localhost/token",
            "https://[::1]/token",
            "https://2130706433/token",
            "http://evil.example/token",
            "https://single/token",
        ],
    )
    def test_a_foreign_realm_gets_no_login(self, url):
        assert may_log_in(url) == REALM

    @pytest.mark.parametrize(
        "url",
        [
            "/token",
            "token",
            "",
            f"https://user:pw@{REGISTRY}/token",
            f"https://{REGISTRY}\\@evil.example/token",
            f"https://{REGISTRY}/token#fragment",
            f"https://{REGISTRY}/token#",
            f"https://{REGISTRY}/token\r\nHost: evil.example",
            f"javascript://{REGISTRY}/",
            f"https://{REGISTRY}/" + "a" * 2048,
        ],
    )
    def test_an_unreadable_realm_gets_no_login_and_no_setting_changes_that(self, url):
        assert may_log_in(url) == UNREADABLE

    def test_a_realm_may_have_two_kibibytes(self):
        url = f"https://{REGISTRY}/token?"
        assert may_log_in(url + "a" * (2048 - len(url))) is None

    def test_an_unreadable_endpoint_gets_no_login(self):
        assert may_log_in(f"https://{REGISTRY}/token", endpoint=Endpoint(url="registry")) == UNREADABLE

    @pytest.mark.parametrize(
        ("host", "realm"),
        [
            ("10.0.0.5:5000", "https://10.0.0.5:5001/token"),
            ("10.0.0.5", "https://10.0.0.6/token"),
            ("127.0.0.1:5000", "https://127.0.0.1:5001/token"),
            ("localhost:5000", "https://localhost:5001/token"),
            ("a.localhost:5000", "https://b.localhost:5000/token"),
            ("[::1]:5000", "https://[::1]:5001/token"),
            ("single:5000", "https://single:5001/token"),
            ("registry.a.svc.cluster.local", "https://evil.b.svc.cluster.local/token"),
            ("registry.a.svc", "https://evil.a.svc/token"),
        ],
    )
    def test_addresses_localhost_services_and_suffixes_match_no_other_origin(self, host, realm):
        assert may_log_in(realm, registry=f"{host}/app", endpoint=Endpoint(url=f"https://{host}/v2")) == REALM

    @pytest.mark.parametrize(
        ("pattern", "listed", "url", "expected"),
        [
            (REGISTRY, "auth.other.example", "https://auth.other.example/token", None),
            (REGISTRY, "AUTH.other.example", "https://auth.other.example:443/token", None),
            (REGISTRY, "auth.other.example:443", "https://auth.other.example/token", None),
            (REGISTRY, "auth.other.example:8443", "https://auth.other.example:8443/token", None),
            ("*.example.com", "auth.other.example", "https://auth.other.example/token", None),
            (f"{REGISTRY}/team", "auth.other.example", "https://auth.other.example/token", None),
            ("*", "[2001:db8::1]:5001", "https://[2001:db8::1]:5001/token", None),
            ("*", "[2001:db8::1]:443", "https://[2001:db8::1]/token", None),
            (REGISTRY, "auth.other.example", "https://auth.other.example:8443/token", REALM),
            (REGISTRY, "auth.other.example", "https://evil.auth.other.example/token", REALM),
            ("quay.io", "auth.other.example", "https://auth.other.example/token", REALM),
            (f"{REGISTRY}/other", "auth.other.example", "https://auth.other.example/token", REALM),
            (REGISTRY, "auth.other.example", "http://auth.other.example/token", PLAIN),
        ],
    )
    def test_realms_admit_further_hosts_for_the_registries_they_name(self, pattern, listed, url, expected):
        assert may_log_in(url, rules=replace(RULES, realms={pattern: (listed,)})) == expected

    @pytest.mark.parametrize("url", [f"http://{REGISTRY}/token", "http://auth.example.com/token"])
    def test_a_login_for_https_does_not_travel_over_plain_http(self, url):
        assert may_log_in(url) == PLAIN

    @pytest.mark.parametrize(
        ("endpoint", "url", "expected"),
        [
            (Endpoint(url=f"http://{REGISTRY}/v2"), f"http://{REGISTRY}/token", None),
            (Endpoint(url=f"http://{REGISTRY}/v2"), f"http://{REGISTRY}:8080/token", None),
            (Endpoint(url=f"http://{REGISTRY}/v2"), f"https://{REGISTRY}/token", None),
            (Endpoint(url=f"http://{REGISTRY}/v2"), "http://auth.example.com/token", PLAIN),
            (Endpoint(url=f"https://{REGISTRY}/v2", may_speak_plain=True), f"http://{REGISTRY}/token", None),
            (Endpoint(url="https://10.0.0.5:5000/v2", may_speak_plain=True), "http://10.0.0.5:5000/token", None),
            (Endpoint(url="http://10.0.0.5:5000/v2"), "http://10.0.0.5:5000/token", None),
            (Endpoint(url="http://10.0.0.5:5000/v2"), "https://10.0.0.5:5000/token", None),
            (Endpoint(url="http://10.0.0.5:5000/v2"), "http://10.0.0.5:5001/token", REALM),
            (Endpoint(url=f"https://{REGISTRY}/v2", skip_verify=True), f"http://{REGISTRY}/token", PLAIN),
        ],
    )
    def test_plain_http_is_for_the_very_host_that_is_declared_plain(self, endpoint, url, expected):
        assert may_log_in(url, endpoint=endpoint) == expected

    def test_an_insecure_host_may_be_a_plain_realm(self):
        rules = replace(RULES, insecure_hosts=("auth.example.com",))
        assert may_log_in("http://auth.example.com/token", rules=rules) is None

    def test_a_mirror_gets_no_login(self):
        mirror = Endpoint(url="https://mirror.example.com/v2", is_registry=False)
        assert may_log_in("https://mirror.example.com/v2/a", endpoint=mirror) == MIRROR
        assert may_log_in(f"https://{REGISTRY}/token", endpoint=mirror) == MIRROR

    def test_a_mirror_that_realms_list_gets_the_login(self):
        mirror = Endpoint(url="https://mirror.other.example/v2", is_registry=False)
        rules = replace(RULES, realms={REGISTRY: ("mirror.other.example",)})
        assert may_log_in("https://mirror.other.example/token", endpoint=mirror, rules=rules) is None
        assert may_log_in("https://evil.example/token", endpoint=mirror, rules=rules) == REALM


class TestRedirects:
    @pytest.mark.parametrize(
        ("source", "target", "cause"),
        [
            ("https://a.example/x", "https://a.example:443/y", None),
            ("http://a.example/x", "http://A.example/y", None),
            ("https://a.example/x", "https://a.example:8443/y", BlockedCause.CREDENTIAL_REDIRECT),
            ("https://a.example/x", "https://b.a.example/y", BlockedCause.CREDENTIAL_REDIRECT),
            ("http://a.example/x", "https://a.example/y", BlockedCause.CREDENTIAL_REDIRECT),
            ("https://a.example/x", "http://a.example/y", BlockedCause.DOWNGRADE),
            ("https://a.example/x", "http://b.example/y", BlockedCause.DOWNGRADE),
            ("https://a.example/x", "https://u:p@a.example/y", BlockedCause.HOST),
            ("https://a.example/x", "/y", BlockedCause.HOST),
            ("/x", "https://a.example/y", BlockedCause.HOST),
        ],
    )
    def test_a_login_follows_a_redirect_only_within_its_origin(self, source, target, cause):
        blocked = RULES.may_follow(source, target)
        assert (blocked and blocked.cause) == cause


@pytest.mark.parametrize(
    "url", ["https://" + "a" * 100_000 + "/", "https://a/" + "b" * 1_000_000, "https://" + "1." * 50_000]
)
def test_a_megabyte_of_url_is_judged_at_once(url):
    RULES.judge_url(url)
    RULES.may_log_in(REGISTRY, ENDPOINT, url)
