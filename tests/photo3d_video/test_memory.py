"""Freed memory is used again, and does not stay with the process between stages."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

RESIDENT_MB = """
import pathlib
from photo3d_video.memory import keep_freed, return_freed
def resident_mb():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6
"""
FREED = """
full = resident_mb()
del blocks
return_freed()
print(full - resident_mb())
"""
MANY_SMALL_BLOCKS = """
blocks = [b"x" * 100_000 for _ in range(1000)]
last = bytearray(100)  # on top of the blocks: the allocator cannot just shrink its heap
"""


A_LARGE_BLOCK = """
keep_freed()
before = resident_mb()
block = bytearray(b"x") * 100_000_000
del block
kept = resident_mb() - before
return_freed()
print(kept, kept - (resident_mb() - before))
"""
GARBAGE = """
import gc
gc.disable()
class Error(Exception):
    pass
blocks = Error(bytearray(b"x") * 100_000_000)
blocks.itself = blocks
"""

# With arenas of their own, each of these threads would keep some memory to itself.
THREADS = """
import ctypes, tempfile, threading
keep_freed()
together = threading.Barrier(4)
def allocate():
    together.wait()
    blocks = [bytearray(100_000) for _ in range(100)]
    together.wait()
threads = [threading.Thread(target=allocate) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc = ctypes.CDLL(None)
libc.fopen.restype = ctypes.c_void_p
with tempfile.NamedTemporaryFile("r") as report:
    stream = ctypes.c_void_p(libc.fopen(report.name.encode(), b"w"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(report.read().count("<heap nr="))
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="asks /proc")


def printed(code: str) -> list[float]:
    run = subprocess.run([sys.executable, "-c", RESIDENT_MB + code], capture_output=True, text=True, check=True)
    return [float(number) for number in run.stdout.split()]


def test_freed_blocks_go_back_to_the_system() -> None:
    assert printed(MANY_SMALL_BLOCKS + FREED)[0] > 80


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep nothing")
def test_large_blocks_are_kept_until_the_stage_ends() -> None:
    kept, returned = printed(A_LARGE_BLOCK)
    assert kept > 90 and returned > 90


def test_what_refers_to_itself_is_freed_first() -> None:
    assert printed(GARBAGE + FREED)[0] > 90


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc")
def test_threads_share_what_was_freed() -> None:
    assert printed(THREADS) == [1]
