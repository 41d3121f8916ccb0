"""Memory that was freed: kept within a stage, given back to the system between the stages of a run.

Both are asked of glibc (Linux). Other C libraries keep little; there, only garbage is collected.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Any

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # as malloc.h has them
_NEVER = 2**31 - 1


def keep_freed() -> None:
    """Have freed memory used again: else large blocks go back at once, and the next ones need pages cleared anew.

    By all threads: else each keeps some of its own.
    """
    if (option := _glibc("mallopt")) is not None:
        option(_M_MMAP_THRESHOLD, _NEVER)
        option(_M_TRIM_THRESHOLD, _NEVER)
        option(_M_ARENA_MAX, 1)


def return_freed() -> None:
    """Hand back what the allocator keeps for later: a stage frees arrays that the next ones would lie beside.

    That is some 300 MB after depth and as much again after layers. First what is new and refers to itself is freed:
    errors that imports catch hold all that was at hand, such as the photo.
    """
    gc.collect(0)
    if (trim := _glibc("malloc_trim")) is not None:
        trim(0)


def _glibc(function: str) -> Any:
    return getattr(ctypes.CDLL(None), function, None) if sys.platform.startswith("linux") else None  # musl has neither
