"""`python -m certs DIR`: an authority and a certificate for the webhook, to install by hand."""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from certs import files, issue

DEFAULT_NAMES = ("pullcheck.pullcheck.svc", "localhost", "127.0.0.1", "::1")
"""The name under which the API server calls the Service of the manifests, and this machine's own."""
MAX_DAYS = issue.MAX_LEAF_LIFETIME.days
FILES = ("ca.crt", "ca.key", "tls.crt", "tls.key")


@click.command(name="certs")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--name",
    "names",
    metavar="HOST-OR-IP",
    multiple=True,
    default=DEFAULT_NAMES,
    help=f"A name to vouch for; repeatable. Default: {', '.join(DEFAULT_NAMES)}.",
)
@click.option("--days", type=click.IntRange(1, MAX_DAYS), default=MAX_DAYS, show_default=True, help="The leaf's life.")
@click.option("--force", is_flag=True, help="Replace what is there, the authority included.")
def command(folder: Path, names: tuple[str, ...], days: int, *, force: bool) -> None:
    """Write ca.crt, ca.key, tls.crt and tls.key into DIR.

    ca.crt is what the API server is told to trust (caBundle), tls.crt and tls.key what the webhook serves with. ca.key
    stays with you: the cluster does not need it.
    """
    present = [name for name in FILES if os.path.lexists(folder / name)]
    if present and not force:
        raise click.ClickException(f"{folder / present[0]} exists; --force replaces it")
    begin = datetime.now(UTC) - issue.BACKDATING
    authority = issue.authority(begin=begin, end=begin + issue.MAX_AUTHORITY_LIFETIME)
    leaf = issue.leaf(authority, names, begin=begin, end=begin + timedelta(days=days))
    contents = (authority.certificate, authority.key, leaf.certificate, leaf.key)
    files.write(folder, dict(zip(FILES, contents, strict=True)))
    click.echo(
        f"{folder}: {', '.join(FILES)}; tls.crt is valid until {begin + timedelta(days=days):%Y-%m-%d %H:%M} UTC"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code: 0 written, 2 wrong usage or a folder that cannot be written."""
    try:
        command.main(arguments, prog_name="python -m certs", standalone_mode=False)
    except click.ClickException as error:
        return _fail(error.format_message())
    except issue.NameMalformedError as error:
        return _fail(f"--name: {error}")
    except OSError as error:
        return _fail(f"cannot write {error.filename or 'the files'}: {error.strerror}")
    return 0


def _fail(reason: str) -> int:
    click.echo(f"pullcheck: {' '.join(reason.split())}", err=True)
    return 2


if __name__ == "__main__":
    sys.exit(main())
