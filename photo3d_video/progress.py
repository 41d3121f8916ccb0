"""Progress and timing of a run's stages."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

STAGES = ("load", "depth", "layers", "fill", "mesh", "render", "encode")


class Progress(Protocol):
    """What a run tells its caller while it works."""

    def start(self, stage: str, total: int | None = None) -> None:
        """A stage of `STAGES` begins; `total`: its steps, where that is known before."""

    def advance(self) -> None:
        """One step of the current stage is done."""


class Silent:
    """Progress that nobody watches."""

    def start(self, stage: str, total: int | None = None) -> None:
        """Ignore."""

    def advance(self) -> None:
        """Ignore."""


class Stopwatch:
    """Seconds spent per stage; stages may be entered again and nested (the inner one's time counts for it alone)."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._running: list[str] = []
        self._since = time.perf_counter()

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Charge the time inside to `name`."""
        self._charge()
        self._running.append(name)
        try:
            yield
        finally:
            self._charge()
            self._running.pop()

    def _charge(self) -> None:
        now = time.perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now
