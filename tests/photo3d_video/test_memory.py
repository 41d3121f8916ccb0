"""Freed memory does not stay with the process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

MANY_SMALL_BLOCKS = """
import pathlib
from photo3d_video.memory import return_freed
def resident_mb():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
blocks = [b"x" * 100_000 for _ in range(1000)]
last = bytearray(100)  # on top of the blocks: the allocator cannot just shrink its heap
full = resident_mb()
del blocks
return_freed()
print(full - resident_mb())
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks /proc")
def test_freed_blocks_go_back_to_the_system() -> None:
    run = subprocess.run([sys.executable, "-c", MANY_SMALL_BLOCKS], capture_output=True, text=True, check=True)
    assert float(run.stdout) > 80
