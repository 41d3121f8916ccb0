"""Memory that was freed goes back to the system between the stages of a run."""

from __future__ import annotations

import ctypes
import sys


def return_freed() -> None:
    """Hand back what the allocator keeps for later: a stage frees arrays that the next ones would lie beside.

    glibc (Linux) keeps blocks of up to 32 MB, some 300 MB after depth and as much again after layers. Other C libraries
    keep little: there, nothing is done.
    """
    if sys.platform.startswith("linux"):
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
