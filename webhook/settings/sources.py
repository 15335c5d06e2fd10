"""Where settings come from: a YAML file and environment variables."""

import json
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource
from yaml.reader import ReaderError

from webhook.settings.fault import wrong_file

ENVIRONMENT_PREFIX = "PULLCHECK_"
NESTED = "__"
FILE_VARIABLE = "PULLCHECK_CONFIG"
MAX_FILE_BYTES = 1024 * 1024
"""A ConfigMap's limit: no settings file is larger."""


class Environment(EnvSettingsSource):
    """Environment variables that were handed over, not the process's own."""

    def __init__(self, settings_class: type[BaseSettings], variables: Mapping[str, str]) -> None:
        super().__init__(settings_class)
        self.env_vars = {name.lower(): value for name, value in variables.items()}

    def decode_complex_value(self, field_name: str, field: FieldInfo | None, value: Any) -> Any:  # noqa: ANN401, ARG002
        """Read a list or a map as JSON; what is none stays text, and the validation names it by its whole key."""
        try:
            return json.loads(value)
        except ValueError:
            return value


def split_environment(environ: Mapping[str, str], keys: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Tell the variables that set a key from the other PULLCHECK_ variables (Kubernetes injects PULLCHECK_PORT).

    Args:
        environ: The environment.
        keys: Every dotted key.

    Returns:
        The variables that set a key, and the names of the others.
    """
    names = {ENVIRONMENT_PREFIX + key.upper().replace(".", NESTED) for key in keys}
    ours = {name: value for name, value in environ.items() if name.startswith(ENVIRONMENT_PREFIX)}
    known = {name: value for name, value in ours.items() if name in names}
    return known, tuple(sorted(ours.keys() - names - {FILE_VARIABLE}))


def read_file(path: Path) -> dict[str, Any]:
    """Read a settings file. A key without a value keeps its default, as everywhere in Kubernetes.

    Raises:
        SettingsError: With the file's path, and the line where there is one.
    """
    text = _read_text(path)
    try:
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise wrong_file(path, f"cannot be read as YAML ({error.problem})", line) from None
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise wrong_file(path, "cannot be read as YAML (a control character)", line) from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise wrong_file(path, "expected a map of settings")
    return _without_nulls(document)


def merge(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Lay one tree of settings over another, section by section; a list is replaced, not joined."""
    joined = {key: merge(value, above[key]) for key, value in below.items() if _are_maps(value, above.get(key))}
    return {**below, **above, **joined}


def _are_maps(*values: object) -> bool:
    return all(isinstance(value, dict) for value in values)


def _read_text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            body = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise wrong_file(path, f"cannot be read ({error.strerror})") from None
    if len(body) > MAX_FILE_BYTES:
        raise wrong_file(path, f"expected at most {MAX_FILE_BYTES} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise wrong_file(path, "expected UTF-8", body.count(b"\n", 0, error.start) + 1) from None


def _without_nulls(tree: Mapping[Any, Any]) -> dict[str, Any]:
    return {
        str(key): _without_nulls(value) if isinstance(value, dict) else value
        for key, value in tree.items()
        if value is not None
    }


class _Loader(yaml.SafeLoader):
    """A safe loader that takes no key twice: the second would win in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a repeated key with the line where it stands again."""
        seen: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in seen:
                raise yaml.MarkedYAMLError(problem="a key is given twice", problem_mark=key.start_mark)
            seen.add(name)
        return super().construct_mapping(node, deep)
