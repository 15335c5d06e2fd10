"""containerd's hosts directory: how the tests send a registry's name to a port of this machine."""

from pathlib import Path


def send(folder: Path, registry: str, url: str, authority: Path | None = None, **more: str) -> Path:
    """Write the hosts.toml that sends a registry's name to a server; returns the hosts directory.

    Args:
        folder: The hosts directory.
        registry: The name as references have it; `_default` stands for every other.
        url: Where the registry's own requests go.
        authority: The PEM file that the server's certificate is signed by.
        more: Further lines of the file, TOML value by key.
    """
    place = folder / registry
    place.mkdir(parents=True, exist_ok=True)
    lines = [f'server = "{url}"', *([f'ca = "{authority}"'] if authority else [])]
    lines += [f"{key} = {value}" for key, value in more.items()]
    (place / "hosts.toml").write_text("\n".join([*lines, ""]))
    return folder
