"""How commands end, as a shell sees it."""

import os
import re
import subprocess
import sys

import pytest

PROBE = """
import errno, sys
import click
from webhook.__main__ import main, pullcheck

@pullcheck.command()
@click.argument("way")
def probe(way):
    "End in some way."
    match way:
        case "number": return 1
        case "exit": click.get_current_context().exit(1)
        case "system": sys.exit(1)
        case "usage": raise click.UsageError("two\\nlines")
        case "file": raise click.FileError("x", "no such file")
        case "abort": raise click.Abort
        case "interrupt": raise KeyboardInterrupt
        case "fault": raise ValueError("hunter2")
        case "output":
            for _ in range(100_000): click.echo("line")
        case "line":
            sys.stdout.write("line")
            sys.exit(1)

main()
"""


def run(*arguments, program=("-m", "webhook"), **environ):
    return subprocess.run(
        [sys.executable, *program, *arguments],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def probe(way, **environ):
    return run("probe", way, program=("-c", PROBE), **environ)


def test_the_version_is_told():
    done = run("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, "pullcheck 0.1.0\n", "")


def test_the_help_names_every_command():
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^  check +\w", done.stdout, re.MULTILINE)
    assert re.search(r"^  serve +\w", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ((), "Missing command."),
        (("scam",), "No such command 'scam'."),
        (("--vision",), "No such option '--vision'"),
        (("serve", "--config"), "Option '--config' requires an argument."),
        (("serve", "now"), "Got unexpected extra argument (now)"),
    ],
)
def test_wrong_usage_is_one_line_and_code_2(arguments, line):
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"pullcheck: {line}")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("way", ["number", "exit", "system"])
def test_a_commands_own_word_is_its_code(way):
    done = probe(way)
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "")


def test_a_command_without_a_word_is_good():
    assert probe("none").returncode == 0


@pytest.mark.parametrize(
    ("way", "code", "line"),
    [
        ("usage", 2, "two lines"),
        ("file", 2, "Could not open file 'x': no such file"),
        ("abort", 130, "interrupted"),
        ("interrupt", 130, "interrupted"),
    ],
)
def test_an_expected_end_is_one_line(way, code, line):
    done = probe(way)
    assert (done.returncode, done.stdout, done.stderr.lstrip()) == (code, "", f"pullcheck: {line}\n")


def test_an_unexpected_fault_is_one_line_without_its_text_and_code_3():
    done = probe("fault")
    assert (done.returncode, done.stdout) == (3, "")
    assert re.fullmatch(
        r"pullcheck: unexpected ValueError at <string>:\d+ \(log_level debug shows more\)\n", done.stderr
    )


def test_only_who_debugs_sees_a_traceback():
    done = probe("fault", PULLCHECK_LOG_LEVEL="debug")
    assert done.returncode == 3
    assert "Traceback (most recent call last):" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("pullcheck: unexpected ValueError at ")


@pytest.mark.parametrize("way", ["output", "line"])
def test_a_reader_who_leaves_gets_no_complaint_and_is_no_denial(way):
    command = [sys.executable, "-c", PROBE, "probe", way]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.wait(30) == 141
        assert process.stderr.read() == ""


def test_a_command_that_serves_nobody_waits_for_no_servers_libraries():
    program = "import sys; from webhook import __main__; print({'fastapi', 'uvicorn', 'kubernetes'} & set(sys.modules))"
    assert run(program=("-c", program)).stdout == "set()\n"
