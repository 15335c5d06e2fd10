"""Random image references: most are near the grammar's edges and many are sound."""

from random import Random

from tests.truth.randomness import chance, count, pick, spoil, weighted

REGISTRIES = (
    *("docker.io", "index.docker.io", "registry-1.docker.io", "localhost", "localhost:5000", "DOCKER.IO"),
    *(
        "reg.io",
        "reg.io:5000",
        "reg.io:443",
        "reg.io:05000",
        "reg.io:",
        "reg.io:99999",
        "REG.io",
        "gcr.io",
        "io",
        "Foo",
    ),
    *("a.example.com", "b.a.example.com", "a.example.com:5000", "example.com", "a-b.example.com", "a1.b2.c3.d4"),
    *("10.9.0.1", "10.9.0.1:5000", "[::1]", "[::1]:5000", "[2001:db8::A]", "[2001:db8::a]:443", "[::ffff:1.2.3.4]"),
    *(
        "foo_bar.com",
        "foo_bar",
        "xn--n3h.com",
        "reg-.io",
        "-reg.io",
        "reg..io",
        "a:b",
        "a",
        "A",
        ".",
        "[]:1",
        "[::1%25a]",
    ),
)
_WORDS = ("a", "b", "nginx", "library", "team", "app", "x", "0", "v1", "v2", "2048", "sha256", "localhost", "team1")
_JOINTS = ("", "/", ".", "_", "__", "-", "--", "---", "___", "..", "._", "-_", "//")
_TAGS = ("latest", "v1", "1.27", "LATEST", "_x", "-x", ".x", "a.b-c_d", "", "5000", "v1:2", "é", "a" * 128, "a" * 129)
_ALGORITHMS = (
    (0.6, "sha256"),
    *((0.07, "sha512"), (0.07, "sha384"), (0.03, "md5"), (0.03, "SHA256"), (0.03, "sha256+b64"), (0.03, "a_b.c-d")),
    *((0.02, "sha-256"), (0.02, "1a"), (0.02, "a++b"), (0.02, ""), (0.02, "sha1"), (0.02, "Sha512"), (0.02, "sha256:")),
)
_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128, "md5": 32, "SHA256": 64, "sha1": 40}


def draw_image(random: Random) -> str:
    """Draw an image; about six in ten can be parsed."""
    if chance(random, 0.02):
        return _draw_oddity(random)
    image = draw_registry(random)
    image += ("/" if image else "") + draw_path(random)
    if chance(random, 0.45):
        image += ":" + (pick(random, _TAGS) if chance(random, 0.4) else pick(random, _TAGS[:4]))
    if chance(random, 0.25):
        image += "@" + draw_digest(random)
    while chance(random, 0.2):
        image = spoil(random, image)
    return image


def draw_plain_image(random: Random) -> str:
    """Draw an image that can mostly be parsed."""
    if chance(random, 0.05):
        return draw_image(random)
    registry = weighted(random, ((0.6, ""), (0.4, pick(random, REGISTRIES[:26]))))
    path = pick(random, _WORDS)
    while chance(random, 0.5):
        path += "/" + pick(random, _WORDS)
    tag = weighted(random, ((0.7, ""), (0.2, ":v1"), (0.1, "@sha256:" + "0" * 64)))
    return f"{registry}/{path}{tag}" if registry else path + tag


def draw_registry(random: Random) -> str:
    """Draw a registry, or none."""
    if not chance(random, 0.65):
        return ""
    if chance(random, 0.8):
        return pick(random, REGISTRIES)
    labels = [pick(random, _WORDS) for _ in range(1 + count(random, 4))]
    return pick(random, (".", ".", "-", "--", "_")).join(labels) + weighted(random, ((0.7, ""), (0.3, ":80")))


def draw_path(random: Random) -> str:
    """Draw a repository's name without its registry."""
    path = pick(random, _WORDS)
    for _ in range(count(random, 6)):
        joint = pick(random, _JOINTS if chance(random, 0.15) else _JOINTS[1:8])
        path += joint + pick(random, _WORDS)
    if chance(random, 0.02):
        path += "a" * (int(random.random() * 6) + 252 - len(path))
    return path


def draw_digest(random: Random) -> str:
    """Draw a digest, its length at the right one or near it."""
    algorithm = weighted(random, _ALGORITHMS)
    length = _LENGTHS.get(algorithm, 32)
    if chance(random, 0.15):
        length += count(random, 3) - 1
    letters = weighted(random, ((0.85, "0123456789abcdef"), (0.05, "ABCDEF"), (0.05, "f"), (0.05, "0g=-_")))
    return algorithm + ":" + "".join(letters[position * 7 % len(letters)] for position in range(length))


def _draw_oddity(random: Random) -> str:
    """Draw one of the lengths and texts that the parser treats apart."""
    size = 62 + int(random.random() * 4)
    return pick(
        random,
        (
            *(
                "",
                " ",
                "/",
                ":",
                "@",
                "0" * size,
                "A" * size,
                "foo/" + "f" * 64,
                "sha256:" + "0" * size,
                "f" * 64 + ":v1",
            ),
            *("a" * (245 + size % 4), "docker.io/" + "a" * (245 + size % 4), "reg.io/" + "a" * (253 + size % 4)),
            *(
                "A" * 300 + "/b",
                "reg.io/" + "A" * 300,
                "reg.io/\u200b\u202eA",
                "\u212a/b",
                "\u0130/b",
                "\u0130",
                "reg.io/\u212a",
            ),
        ),
    )
