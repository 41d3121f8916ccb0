"""Ctrl-C and requests to terminate wait while something must not be left half-done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP


@contextmanager
def held_back() -> Iterator[None]:
    """Signals with a handler in Python are handled when the block is left, whichever way. Keep it short.

    Python handles signals on the main thread alone: on others there is nothing to hold back. Blocks may be nested.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    usual = {number: signal.getsignal(number) for name in _NAMES if (number := getattr(signal, name, None)) is not None}
    held: list[int] = []
    holding = False

    def note(number: int, frame: FrameType | None) -> None:
        # A signal may come while handlers change: whichever of them are in place then, it is handled.
        handler = usual[signal.Signals(number)]
        if holding:
            held.append(number)
        elif callable(handler):
            handler(number, frame)

    for number, handler in usual.items():
        if callable(handler):
            signal.signal(number, note)
    holding = True
    try:
        yield
    finally:
        holding = False
        for number, handler in usual.items():
            if callable(handler):
                signal.signal(number, handler)
        for late in held[:1]:  # the first decides, as it would have done
            note(late, None)
