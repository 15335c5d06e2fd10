"""Texts of many documents into values, JSON and YAML as kubectl reads them; the only importer of `yaml` in a wire."""

import json
import math
import re
from collections.abc import Hashable, Iterator
from typing import Any, ClassVar, NoReturn

import yaml
from yaml.reader import ReaderError

MAX_EXPANDED_CHARACTERS = 64 * 1024 * 1024
"""Of a YAML document with its aliases expanded: as much as a file may say without any."""
_TAG = "tag:yaml.org,2002:"
_SPACE = re.compile(r"\s*")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_DEEP = "is nested too deeply"
_MISFIT = "holds a value that does not fit its tag, or a number that JSON does not have"
MAX_PLAIN_FLOAT = 1e21
"""Below it Go writes a whole float without a point, so that `replicas: 1.0` is an integer (encoding/json)."""


class MalformedDocumentError(Exception):
    """A text that is neither; the message says what it is instead, and shows nothing of it.

    Attributes:
        line: Where, from 1.
    """

    def __init__(self, line: int, reason: str) -> None:
        """Mask what the reason quotes: a parser quotes the text that it does not understand."""
        super().__init__(_QUOTED.sub("…", reason))
        self.line = line


def read_json(text: str) -> Iterator[tuple[int, object]]:
    """Read JSON documents, one after the other, with white space between them.

    Yields:
        The line where a document begins, from 1, and its value.

    Raises:
        MalformedDocumentError: When the next one is no JSON.
    """
    offset, line = _skip_space(text, 0), 1
    line += text.count("\n", 0, offset)
    while offset < len(text):
        try:
            content, end = _JSON.raw_decode(text, offset)
        except json.JSONDecodeError as error:
            raise MalformedDocumentError(error.lineno, f"is not JSON ({error.msg})") from None
        except RecursionError:
            raise MalformedDocumentError(line, _DEEP) from None
        except ValueError:
            raise MalformedDocumentError(line, _MISFIT) from None
        yield line, content
        end = _skip_space(text, end)
        line, offset = line + text.count("\n", offset, end), end


def read_yaml(text: str) -> Iterator[tuple[int, object]]:
    """Read YAML 1.1 documents as sigs.k8s.io/yaml does: dates and sexagesimal numbers are text, and so is every key.

    Yields:
        The line where a document begins, from 1, and its value.

    Raises:
        MalformedDocumentError: When the next one is no YAML, says what JSON cannot say, or grows through its aliases.
    """
    line, has_aliases = 1, "*" in text and "&" in text
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            assert node is not None  # noqa: S101 (check_node has said so)
            line = node.start_mark.line + 1
            if has_aliases:
                _refuse_bombs(node, line)
            yield line, loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else line
        raise MalformedDocumentError(line, f"is not YAML ({error.problem})") from None
    except ReaderError as error:
        line = text.encode().count(b"\n", 0, error.position) + 1
        raise MalformedDocumentError(line, "is not YAML (a control character)") from None
    except (ValueError, LookupError):
        raise MalformedDocumentError(line, _MISFIT) from None


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


_JSON = json.JSONDecoder(parse_constant=_refuse_constant)


def _skip_space(text: str, offset: int) -> int:
    return next(_SPACE.finditer(text, offset)).end()


def _refuse_bombs(root: yaml.Node, line: int) -> None:
    """Refuse a document that its aliases blow up, or that contains itself; nothing has been expanded yet.

    The walk is depth-first with a stack of its own, and computes the expanded size of each node once.
    """
    sizes: dict[int, int] = {}
    opened: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting[-1]
        parts = _parts(node)
        unknown = [part for part in parts if id(part) not in sizes]
        if unknown and id(node) in opened:
            raise MalformedDocumentError(line, "has an alias within its own anchor")
        if unknown:
            opened.add(id(node))
            waiting += unknown
        else:
            size = _own_size(node) + sum(sizes[id(part)] for part in parts)
            sizes[id(node)] = min(size, MAX_EXPANDED_CHARACTERS + 1)
            waiting.pop()
    if sizes[id(root)] > MAX_EXPANDED_CHARACTERS:
        raise MalformedDocumentError(line, "grows too large through its aliases")


def _parts(node: yaml.Node) -> list[yaml.Node]:
    match node:
        case yaml.MappingNode():
            return [part for pair in node.value for part in pair]
        case yaml.SequenceNode():
            return list(node.value)
        case _:
            return []


def _own_size(node: yaml.Node) -> int:
    return 1 + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)


class _Loader(yaml.CSafeLoader):
    """Reads what JSON can say; of a repeated key the last counts. libyaml refuses more than 1,000 levels."""

    bool_values: ClassVar[dict[str, bool]] = {**yaml.CSafeLoader.bool_values, "y": True, "n": False}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Make every key text."""
        self.flatten_mapping(node)
        return {self._text_of(key): self.construct_object(value, deep) for key, value in node.value}

    def _text_of(self, key: yaml.Node) -> str:
        value = self.construct_object(key, deep=True)
        if isinstance(value, dict | list):
            raise yaml.MarkedYAMLError(problem="a key is no scalar", problem_mark=key.start_mark)
        return value if isinstance(value, str) else json.dumps(value)

    def construct_number(self, node: yaml.ScalarNode) -> float:
        """Read a float that JSON has."""
        number = float(str(node.value).replace("_", ""))
        if not math.isfinite(number):
            raise ValueError("not finite")
        return int(number) if number.is_integer() and abs(number) < MAX_PLAIN_FLOAT else number

    def construct_text(self, node: yaml.ScalarNode) -> str:
        """Read base64 as the text in it."""
        return self.construct_yaml_binary(node).decode(errors="replace")


_FLOAT = (
    r"[-+]?(?:\.[0-9]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_PLAIN_SCALARS = {
    "bool": ("y|Y|yes|Yes|YES|n|N|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", "yYnNtTfFoO"),
    "int": ("[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)", "-+0123456789"),
    "float": (_FLOAT, "-+0123456789."),
    "null": ("~|null|Null|NULL|", "~nN"),
    "merge": ("<<", "<"),
}
"""What Go's yaml.v2 takes for something else than text (resolve.go), and how each may begin."""


def _teach(loader: Any) -> None:  # noqa: ANN401 (the stubs have these tables as instance variables)
    """Give the loader Go's plain scalars instead of PyYAML's, and no type that JSON lacks."""
    loader.yaml_implicit_resolvers = {}
    for name, (pattern, first) in _PLAIN_SCALARS.items():
        begins = [*first, *([""] if name == "null" else [])]
        loader.add_implicit_resolver(f"{_TAG}{name}", re.compile(rf"(?:{pattern})\Z", re.ASCII), begins)
    for name, constructor in {
        "float": loader.construct_number,
        "binary": loader.construct_text,
        "merge": loader.construct_yaml_str,
        **dict.fromkeys(("timestamp", "set", "omap", "pairs"), loader.construct_undefined),
    }.items():
        loader.add_constructor(f"{_TAG}{name}", constructor)


_teach(_Loader)
