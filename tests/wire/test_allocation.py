"""Memory that was needed once is not kept."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys
from webhook.wire.allocation import give_back_large_blocks
if sys.argv[1] == "with":
    give_back_large_blocks()

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

def churn():
    kept = []
    for _ in range(20):
        blocks = [b"x" * (1 << 20) for _ in range(8)]
        kept.append([bytes(2000) for _ in range(8)])
        del blocks
        blocks = [bytearray(b"x") * (7 << 20) for _ in range(8)]
        kept += [bytes(600) for _ in blocks]
        del blocks[::2]
        kept += [bytes(3000) for _ in range(1000)]
    return kept

before = resident()
kept = churn()
print((resident() - before) >> 20)
"""


def grown_mib(argument: str) -> int:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", CODE, argument], capture_output=True, text=True, check=True, cwd=root)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc, whose allocator is meant")
def test_large_blocks_go_back_when_they_are_freed() -> None:
    assert grown_mib("with") < grown_mib("without")
