"""The keys of the settings and their defaults."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from webhook.settings import fault, forms, sources
from webhook.settings.forms import Choice, NullablePath, PositiveSeconds, RegistryHost, RegistryPattern, Seconds

CLOUD_REGISTRIES = (
    "*.dkr.ecr.*.amazonaws.com",
    "*.dkr.ecr.*.amazonaws.com.cn",
    "*.dkr.ecr-fips.*.amazonaws.com",
    "*.dkr-ecr.*.on.aws",
    "*.dkr-ecr-fips.*.on.aws",
    "*.dkr-ecr.*.on.amazonwebservices.com.cn",
    "*.dkr.ecr.*.c2s.ic.gov",
    "*.dkr.ecr.*.sc2s.sgov.gov",
    "*.dkr.ecr.*.cloud.adc-e.uk",
    "*.dkr.ecr.*.csp.hci.ic.gov",
    "*.azurecr.io",
    "*.azurecr.cn",
    "*.azurecr.de",
    "*.azurecr.us",
    "gcr.io",
    "*.gcr.io",
    "*.pkg.dev",
    "container.cloud.google.com",
)
"""What the credential providers on the nodes of EKS (nodeadm's template), AKS and GKE match: these nodes log in."""


class _Section(BaseModel):
    """A map of the file. In code a duration's name says its unit; in the file its value does."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        alias_generator=lambda name: name.removesuffix("_seconds"),
    )


class TLS(_Section):
    """How the webhook proves itself to the API server, and the API server to it."""

    source: forms.OnlyFiles = "files"
    certificate: forms.FilePath = Path("tls.crt")
    key: forms.FilePath = Path("tls.key")
    client_ca: NullablePath = None
    """PEM; when given, a client must show a certificate that it signed."""
    client_names: tuple[forms.Text, ...] = ()
    """Which names a client's certificate may carry; empty: any."""

    @field_validator("client_names", mode="after")
    @classmethod
    def _need_a_client_ca(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        """Refuse names that nobody would check."""
        if names and info.data.get("client_ca", ...) is None:
            raise forms.fault("tls.client_ca beside it")
        return names


class Deadline(_Section):
    """When an answer must have been sent: the request's `?timeout=` less `margin`, at most `most`."""

    default_seconds: PositiveSeconds = 10.0
    """When the request names none: the API server's own default."""
    margin_seconds: Seconds = 0.5
    most_seconds: PositiveSeconds = 8.0

    @field_validator("margin_seconds", mode="after")
    @classmethod
    def _leave_time(cls, margin_seconds: float, info: ValidationInfo) -> float:
        """Refuse a margin that leaves no time to ask anybody."""
        if margin_seconds >= info.data.get("default_seconds", float("inf")):
            raise forms.fault("less than deadline.default")
        return margin_seconds


class Policy(_Section):
    """What each resolution means for the workload; Resolved is always allowed."""

    missing: Choice = "deny"
    refused: Choice = "deny"
    invalid: Choice = "deny"
    unsupported: Choice = "warn"
    unverifiable: Choice = "allow"
    unavailable: Choice = "warn"
    blocked: Choice = "warn"


class Softened(_Section):
    """The most that remains of a denial, by circumstance."""

    absent_secret: Choice = "warn"  # noqa: S105 (a choice)
    controlled: Choice = "warn"
    inactive: Choice = "warn"
    on_node: Choice = "warn"


class Memory(_Section):
    """How long what was found out is remembered; 0 switches one off."""

    tags_seconds: Seconds = 60.0
    digests_seconds: Seconds = 3600.0
    tokens_seconds: Seconds = 3600.0
    """At most; a registry says how long a token lives. Challenges too."""
    secrets_seconds: Seconds = 10.0
    nodes_seconds: Seconds = 30.0
    entries: Annotated[int, Field(ge=1)] = 10_000


class Network(_Section):
    """Which hosts and addresses the webhook contacts, and how."""

    allowed_hosts: tuple[RegistryPattern, ...] = ("*",)
    """`*` alone means every host."""
    denied_hosts: tuple[RegistryPattern, ...] = ()
    """Wins over `allowed_hosts`."""
    loopback: bool = False
    private: bool = True
    """RFC 1918, RFC 4193 and 100.64.0.0/10."""
    allowed_networks: tuple[forms.AddressRange, ...] = ()
    denied_networks: tuple[forms.AddressRange, ...] = ()
    """Wins over `allowed_networks`."""
    ca_files: tuple[forms.FilePath, ...] = ()
    """PEM, trusted beside the system's."""
    insecure_hosts: tuple[RegistryPattern, ...] = ()
    realms: Mapping[RegistryPattern, tuple[RegistryHost, ...]] = {}
    """Further hosts that may receive a registry's credentials for a token."""
    connect_timeout_seconds: PositiveSeconds = 1.5
    response_timeout_seconds: PositiveSeconds = 2.0
    per_registry: Annotated[int, Field(ge=1, le=1000)] = 8
    """Requests at once to one host and port; one namespace gets three quarters of them at most."""


class Nodes(_Section):
    """What the nodes have, in the formats in which they have it."""

    runtime: forms.OnlyContainerd = "containerd"
    hosts_directory: NullablePath = None
    """containerd's certs.d."""
    docker_config: NullablePath = None
    """A node's config.json."""
    credential_provider_config: forms.NotYet = None
    credential_provider_bin_directory: forms.NotYet = None
    authenticated: tuple[RegistryPattern, ...] = CLOUD_REGISTRIES
    """Where nodes log in by means that are not given here: a refusal there proves nothing."""
    preloaded: tuple[RegistryPattern, ...] = ()
    """Images that nodes carry."""
    pull_through: tuple[RegistryPattern, ...] = ()
    """Registry paths that are caches: their 404 is no authority."""
    platforms: tuple[forms.Platform, ...] = ()
    """No effect in this version."""


class Workload(_Section):
    """A custom kind that carries a pod spec."""

    group: forms.APIGroup
    kind: forms.Kind
    pod_spec: forms.FieldPath = "spec.template.spec"
    """Where it stands in the object."""


class Settings(BaseSettings):
    """Everything that an operator decides. Paths are relative to the working directory."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        validate_default=False,
        env_prefix=sources.ENVIRONMENT_PREFIX,
        env_prefix_target="all",
        env_nested_delimiter=sources.NESTED,
    )

    mode: Literal["enforce", "warn"] = "enforce"
    listen: forms.ListenAddress = forms.Address("0.0.0.0", 8443)  # noqa: S104 (a webhook is there to be reached)
    probes: forms.ListenAddress = forms.Address("0.0.0.0", 8080)  # noqa: S104 (the kubelet asks from the node)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    tls: TLS = TLS()
    cluster: forms.Text = "kubernetes"
    """`kubernetes`, `none`, or the path of a folder of manifests."""
    deadline: Deadline = Deadline()
    shutdown_delay_seconds: Seconds = Field(default=5.0, alias="shutdown_delay")
    """How long everything is still served when the process is told to stop: what it takes until every node and the API
    server have learned that this pod is leaving."""
    policy: Policy = Policy()
    softened: Softened = Softened()
    override_annotation: forms.AnnotationKey = "pullcheck.dev/mode"
    """Empty: switched off."""
    memory: Memory = Memory()
    network: Network = Network()
    nodes: Nodes = Nodes()
    workloads: tuple[Workload, ...] = ()
    ignored_images: tuple[forms.Text, ...] = ("auto",)
    """Images that something else rewrites later; `auto` is Istio's."""
    _warnings: tuple[str, ...] = PrivateAttr(default=())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not stop the start and should be told once, a line each: unknown variables, keys without effect."""
        return self._warnings

    @classmethod
    def read(cls, environ: Mapping[str, str], file: Path | None) -> Self:
        """Read the settings, each from the environment, else from the file, else its default.

        Args:
            environ: The environment; `PULLCHECK_` + name, nested with `__`, lists and maps as JSON.
            file: A YAML file; None: the one that PULLCHECK_CONFIG names, if it does.

        Raises:
            SettingsError: When the file cannot be read, a key is unknown or a value is wrong.
        """
        named = environ.get(sources.FILE_VARIABLE, "")
        path = file or (Path(named) if named else None)
        variables, unknown = sources.split_environment(environ, _keys(cls))
        given = sources.merge(sources.read_file(path) if path else {}, sources.Environment(cls, variables)())
        try:
            settings = cls(**given)
        except ValidationError as error:
            raise fault.explain(error, _keys(cls)) from None
        settings._warnings = (*_unknown_variables(unknown), *_without_effect(settings))
        return settings

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 (the library passes all by name)
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take only what `read` hands over: nothing comes from a place that nobody named."""
        return (init_settings,)


def _keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Name every key of a model, dotted; sections before what they hold."""
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        yield key
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _keys(field.annotation, f"{key}.")


def _unknown_variables(names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        yield f"settings: {fault.clean(name)}: no such setting, ignored"


def _without_effect(settings: Settings) -> Iterator[str]:
    """Name what was set and does nothing yet, so that nobody relies on it."""
    if "platforms" in settings.nodes.model_fields_set:
        yield "settings: nodes.platforms: has no effect in this version"
