"""Our side of the comparison with the kubelet: `python -m tests.truth.ours < CASES > ANSWERS`, a JSON object a line.

Cases and answers, empty fields of an answer to `reference` left out:

- `{"op":"reference","image":…}`: `{"repo":…,"tag":…,"digest":…}`, or `{"error":…}` for what is no image.
- `{"op":"keyring","image":…,"secrets":[{"type":…,"data":{KEY:BASE64}}]}`: `{"credentials":[{"username":…,
  "password":…,"secret":INDEX,"key":…}]}` in the order in which the kubelet would try them; `{"error":…}` where a
  secret makes it give up; `{"invalid":…}` for what is no image. `key` is the docker config's as the keyring keeps it.
  Where one secret spells one key twice (`reg.io`, `https://reg.io`), the kubelet's order among these is random; they
  stand side by side with the same `secret` and `key`, and ours is the docker config's order.
- `{"op":"match","pattern":…,"image":…}`: `{"matched":…}`, the pattern being one of a credential provider's
  `matchImages` and the image `host[:port]/path`, both taken as they are.
- `{"op":"config","body":BASE64}`, a node's config.json: `{"entries":{KEY:{"username":…,"password":…}}}`, keys as
  written, or `{"error":…}`.

Reasons are the kubelet's words; those about an image quote it cleaned and bounded, as a verdict does. Bytes that are
no UTF-8 come out as U+FFFD one by one, as Go writes them.

Every line gets one answer, line for line, as soon as it is read. A line that is no case gets `{"error":"no case: …"}`
and disturbs no other; standard error counts such lines at the end, and the exit code stays 0, for all answers are
given. Where our code itself fails, the answer is `{"fault":…}`.
"""

import re
import sys
from collections.abc import Mapping
from unittest.mock import patch

import msgspec

from webhook.images import reference
from webhook.images.reference import InvalidReference
from webhook.keychain import dockerconfig, gobase64, gojson, matching, objects, pullsecrets
from webhook.keychain.credential import Credential
from webhook.keychain.dockerconfig import MalformedConfig
from webhook.keychain.gobase64 import MalformedBase64
from webhook.keychain.gojson import MalformedJson
from webhook.keychain.pullsecrets import PullSecret, UnreadableSecret

Answer = dict[str, object]
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_CASE = "no case: "


class NoCaseError(Exception):
    """A line is no case; says why."""


class Secret(msgspec.Struct):
    """A pull secret of a case."""

    type: str | None = None
    data: dict[str, str | None] | None = None


class Reference(msgspec.Struct, tag_field="op", tag="reference"):
    """An image to be parsed."""

    image: str


class Keyring(msgspec.Struct, tag_field="op", tag="keyring"):
    """Secrets, and the image to be looked up in them."""

    image: str
    secrets: list[Secret] | None = None


class Match(msgspec.Struct, tag_field="op", tag="match"):
    """A pattern, and what it may match."""

    pattern: str
    image: str


class Config(msgspec.Struct, tag_field="op", tag="config"):
    """A node's config.json in base64."""

    body: str


Case = Reference | Keyring | Match | Config
_DECODER: msgspec.json.Decoder[Case] = msgspec.json.Decoder(Case)


def answer_line(line: bytes) -> Answer:
    """Answer one line, whatever it holds."""
    try:
        return answer(_read_case(line))
    except NoCaseError as fault:
        return {"error": f"{_NO_CASE}{fault}"}
    except Exception as fault:  # noqa: BLE001 (a fault of ours is an answer too: the others must not be lost)
        return {"fault": type(fault).__name__}


def answer(case: Case) -> Answer:
    """Answer a case as the kubelet would.

    Raises:
        NoCaseError: It holds something that is no base64.
    """
    match case:
        case Reference(image):
            return _answer_reference(image)
        case Keyring(image, secrets):
            return _answer_keyring(image, secrets or [])
        case Match(pattern, image):
            return {"matched": matching.matches(pattern, image)}
        case Config(body):
            return _answer_config(body)


def main() -> int:
    """Answer standard input."""
    stray_lines = 0
    for line in sys.stdin.buffer:
        given = answer_line(line.rstrip(b"\n"))
        stray_lines += str(given.get("error", "")).startswith(_NO_CASE)
        sys.stdout.buffer.write(msgspec.json.encode(given) + b"\n")
        sys.stdout.buffer.flush()
    if stray_lines:
        print(f"lines that are no case: {stray_lines}", file=sys.stderr)
    return 0


def _read_case(line: bytes) -> Case:
    """Read a line; where msgspec is stricter than Go (lone surrogates, no UTF-8), as Go would."""
    try:
        return _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    value = gojson.parse(line)
    if isinstance(value, MalformedJson):
        raise NoCaseError(value.reason)
    try:
        return msgspec.convert(_plain(value), Case)  # type: ignore[no-any-return] # of a union it cannot tell
    except msgspec.ValidationError as fault:
        raise NoCaseError(str(fault)) from None
    except RecursionError:
        raise NoCaseError("it is nested too deep") from None


def _plain(value: gojson.Value) -> object:
    """Turn a value into Python's own; no case holds numbers."""
    match value:
        case gojson.Object(pairs):
            return {name: _plain(found) for name, found in pairs}
        case gojson.Array(values):
            return [_plain(found) for found in values]
        case gojson.Number():
            return 0
        case _:
            return value


def _answer_reference(image: str) -> Answer:
    parsed = reference.parse(image)
    if isinstance(parsed, InvalidReference):
        return {"error": parsed.reason}
    fields = {"repo": parsed.repository, "tag": parsed.tag, "digest": parsed.digest}
    return {name: text for name, text in fields.items() if text}


@patch.object(dockerconfig, "MAX_PIECES", 1 << 30)  # What a webhook had better not read has an answer, too.
def _answer_keyring(image: str, secrets: list[Secret]) -> Answer:
    read = [_read_secret(index, secret) for index, secret in enumerate(secrets)]
    parsed = reference.parse(image)
    if isinstance(parsed, InvalidReference):
        return {"invalid": parsed.reason}
    keychain = pullsecrets.assemble(read)
    if keychain.malformed:
        return {"error": keychain.malformed.go_error}
    return {"credentials": [_show_credential(credential) for credential in keychain.credentials_for(parsed)]}


def _read_secret(index: int, secret: Secret) -> PullSecret:
    document: Mapping[str, object] = {"type": secret.type, "data": secret.data}
    read = objects.parse_secret(str(index), document)
    if isinstance(read, UnreadableSecret):
        raise NoCaseError(f"in secret {index}, {read.reason}")
    return read


def _show_credential(credential: Credential) -> Answer:
    return {
        "username": _show(credential.username),
        "password": _show(credential.password),
        "secret": int(credential.secret or 0),
        "key": credential.key,
    }


def _answer_config(body: str) -> Answer:
    decoded = gobase64.decode(body.encode(), is_padded=True)
    if isinstance(decoded, MalformedBase64):
        raise NoCaseError(f"the body is not base64 (at byte {decoded.offset})")
    read = dockerconfig.parse_node_config(decoded)
    if isinstance(read, MalformedConfig):
        return {"error": read.go_error}
    shown = {key: {"username": _show(login.username), "password": _show(login.password)} for key, login in read.logins}
    return {"entries": shown}


def _show(text: str) -> str:
    """Show what is no UTF-8 as Go's json.Marshal does."""
    return text if text.isascii() else _SURROGATE.sub("\ufffd", text)


if __name__ == "__main__":
    sys.exit(main())
