"""The command line: which commands there are, and how each of them ends."""

import importlib
import logging
import os
import sys
import traceback
from pathlib import Path

import click

from webhook import __version__

GOOD, USAGE, OUR_FAULT = 0, 2, 3
"""Exit codes; 1 is a command's own word that something would be denied."""
INTERRUPTED, BROKEN_PIPE = 130, 141
"""What a shell reports of a command that SIGINT or SIGPIPE ended."""
_COMMANDS = ("check", "serve")


class _Commands(click.Group):
    """Imports a command when it is asked for: the server's libraries take half a second that others need not wait."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*_COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        command: click.Command = getattr(importlib.import_module(f"webhook.commands.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; click itself would end with code 1 where the reader of its output has left."""
        try:
            try:
                return super().invoke(ctx)
            finally:
                sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(BROKEN_PIPE)


@click.group("pullcheck", cls=_Commands, no_args_is_help=False)
@click.version_option(__version__, message="pullcheck %(version)s")
def pullcheck() -> None:
    """Ask the registry, with the workload's own pull secrets, whether its images can be pulled."""


def main() -> None:
    """Run the command that the arguments name, and exit as every command does.

    An expected error is one line on standard error and exit code 2; any other is one line and exit code 3.
    """
    try:
        outcome = pullcheck.main(prog_name="pullcheck", standalone_mode=False)
    except click.ClickException as fault:
        _end(fault.format_message(), USAGE)
    except (click.Abort, KeyboardInterrupt):
        _end("interrupted", INTERRUPTED)
    except Exception as fault:  # noqa: BLE001 (this is where it ends: one line, and the exit code that says whose fault)
        if _is_debugging():
            traceback.print_exc()
        _end(f"unexpected {type(fault).__name__} at {_place(fault)} (log_level debug shows more)", OUR_FAULT)
    sys.exit(outcome if isinstance(outcome, int) else GOOD)


def _end(text: str, code: int) -> None:
    click.echo(f"pullcheck: {' '.join(text.split())}", err=True)
    sys.exit(code)


def _place(fault: BaseException) -> str:
    """Say where an exception was raised; its text is left out, which may hold anything."""
    *_, frame = traceback.extract_tb(fault.__traceback__)
    return f"{Path(frame.filename).name}:{frame.lineno}"


def _is_debugging() -> bool:
    wanted = os.environ.get("PULLCHECK_LOG_LEVEL", "").lower() == "debug"
    return wanted or logging.getLogger("webhook").isEnabledFor(logging.DEBUG)


if __name__ == "__main__":
    main()
