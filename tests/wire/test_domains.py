import pytest

from webhook.wire.domains import Domains


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("auth.docker.io", "docker.io"),
        ("registry-1.docker.io", "docker.io"),
        ("auth.docker.io.", "docker.io"),
        ("gitlab.com", "gitlab.com"),
        ("registry.gitlab.com", "gitlab.com"),
        ("registry.example.co.uk", "example.co.uk"),
        ("team-a.github.io", "team-a.github.io"),
        ("registry.corp.internal", "corp.internal"),
        ("com", None),
        ("co.uk", None),
        ("localhost", None),
    ],
)
def test_a_name_belongs_to_whoever_registered_it(host, domain):
    assert Domains().registrable_domain(host) == domain
