"""The registries that stand in: their names, and the manners of those that they are like."""

from tests.truth.standins.manner import Manner

OPEN, BASIC, TOKEN = "open.example.com", "basic.example.com", "token.example.com"
HUB, GHCR, QUAY, GITLAB, GITEA = "docker.io", "ghcr.io", "quay.io", "registry.gitlab.com", "gitea.example.com"
ECR, ECR_PUBLIC = "123456789012.dkr.ecr.eu-central-1.amazonaws.com", "public.ecr.aws"
GAR, ACR = "europe-docker.pkg.dev", "acme.azurecr.io"
HARBOR, ZOT, NEXUS = "harbor.example.com", "zot.example.com", "nexus.example.com"
ARTIFACTORY, OPENSHIFT = "docker-local.artifactory.example.com", "openshift.example.com"
GCP_MIRRORED, K8S = "us-central1-docker.pkg.dev", "registry.k8s.io"

SAME_DOMAIN, OTHER_DOMAIN, LISTED = "auth.example.com", "auth.elsewhere.org", "auth.listed.net"
"""Hosts at which TOKEN's token server can be asked as well; the last is in the webhook's `network.realms`."""

MANNERS: dict[str, Manner] = {
    OPEN: Manner(),
    BASIC: Manner(login="basic"),
    TOKEN: Manner(login="token", realm=f"https://{TOKEN}/token"),
    HUB: Manner(login="token", realm="https://auth.docker.io/token", service="registry.docker.io", hides_absent=True),
    GHCR: Manner(login="token", realm=f"https://{GHCR}/token", service=GHCR, anonymous=401, rejected=403, denied=403),
    QUAY: Manner(
        login="token",
        realm=f"https://{QUAY}/v2/auth",
        service=QUAY,
        is_public_open=True,
        hides_absent=True,
        fields=("token",),
        post=405,
    ),
    GITLAB: Manner(
        login="token",
        realm="https://gitlab.com/jwt/auth",
        service="container_registry",
        denied=403,
        hides_absent=True,
        post=404,
        fields=("token",),
    ),
    GITEA: Manner(
        login="token", realm=f"https://{GITEA}/v2/token", challenges=('Bearer realm="{realm}"', "Basic"), post=405
    ),
    ECR: Manner(login="basic", forbidden=403),
    ECR_PUBLIC: Manner(
        login="token",
        realm=f"https://{ECR_PUBLIC}/token/",
        service=ECR_PUBLIC,
        challenges=('Bearer realm="{realm}",service="{service}",scope="aws"',),
    ),
    GAR: Manner(
        login="token",
        realm=f"https://{GAR}/v2/token",
        challenges=('Bearer realm="{realm}"',),
        anonymous=403,
        denied=403,
        post=404,
        hides_absent=True,
    ),
    ACR: Manner(login="token", realm=f"https://{ACR}/oauth2/token", service=ACR, anonymous=401, post=400),
    HARBOR: Manner(
        login="token",
        realm=f"https://{HARBOR}/service/token",
        service="harbor-registry",
        second_challenge='Basic realm="harbor"',
        post=405,
        absent_repository="NOT_FOUND",
        absent_tag="NOT_FOUND",
    ),
    ZOT: Manner(login="basic", forbidden=403, is_public_open=True),
    NEXUS: Manner(login="basic", is_public_open=True, absent_repository="MANIFEST_UNKNOWN"),
    ARTIFACTORY: Manner(
        login="token",
        realm="https://artifactory.example.com:443/artifactory/api/docker/docker-local/v2/token",
        service="artifactory.example.com:443",
        anonymous=401,
        post=401,
        absent_repository="MANIFEST_UNKNOWN",
    ),
    OPENSHIFT: Manner(
        login="token",
        realm=f"https://{OPENSHIFT}/openshift/token",
        challenges=('Bearer realm="{realm}"',),
        second_challenge='Basic realm=openshift,error="access denied"',
        post=404,
    ),
    GCP_MIRRORED: Manner(),
    K8S: Manner(),
}

FURTHER_NAMES: dict[str, tuple[str, ...]] = {
    HUB: ("registry-1.docker.io", "auth.docker.io"),
    TOKEN: (SAME_DOMAIN, OTHER_DOMAIN, LISTED),
    GITLAB: ("gitlab.com",),
    ARTIFACTORY: ("artifactory.example.com",),
}
"""Where else a stand-in is asked, mostly for tokens."""
