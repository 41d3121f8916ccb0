"""What the command shows while a batch runs: one display for all workers on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence

import rich.console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn

from photo3d_video.batch.batch import Outcome
from photo3d_video.batch.jobs import Job
from photo3d_video.output.outputs import RenderResult

_TITLE_WIDTH = 36


def describe(result: RenderResult) -> str:
    """The line that says what was made."""
    width, height = result.size
    clip_s, spent_s = result.frames / result.fps, sum(result.seconds.values())
    shown = f"{result.frames} frames, {clip_s:.2f} s" if result.frames > 1 else "1 frame"
    told = f"{result.output}: {width}x{height}, {shown}, made in {spent_s:.1f} s"
    return f"{told}, {result.output.stat().st_size / 1e6:.1f} MB" if result.output.is_file() else told


def time_left(done: int, total: int, elapsed_s: float) -> str:
    """How long the rest will take, at the pace so far; empty where that is not known."""
    if not 0 < done < total:
        return ""
    left_s = round(elapsed_s / done * (total - done))
    if left_s < 60:
        return f"about {max(1, left_s)} s left"
    if left_s < 3600:
        return f"about {left_s // 60}:{left_s % 60:02d} min left"
    return f"about {left_s // 3600}:{left_s % 3600 // 60:02d} h left"


def summarise(outcomes: Sequence[Outcome]) -> str:
    """The last line of a batch."""
    counts = Counter[str](outcome.status for outcome in outcomes)
    words = {"done": "made", "found": "there before", "failed": "failed"}
    told = [f"{counts[status]} {word}" for status, word in words.items() if counts[status]]
    return f"{len(outcomes)} clips: {', '.join(told)}" if outcomes else "no clips"


def list_failures(outcomes: Sequence[Outcome]) -> list[str]:
    """One line for each photo and reason, with the paths that it cost."""
    paths: dict[tuple[str, str], list[str]] = {}
    for outcome in outcomes:
        if outcome.status == "failed":
            paths.setdefault((str(outcome.job.photo), outcome.reason or ""), []).append(outcome.job.path)
    return [f"failed: {photo} ({', '.join(names)}): {reason}" for (photo, reason), names in paths.items()]


class Lines:
    """A line per finished clip: for logs and pipes."""

    def __init__(self, out: rich.console.Console, err: rich.console.Console) -> None:
        self._out = out
        self._err = err
        self._total = 0
        self._done = 0
        self._since = time.monotonic()

    def begin(self, total: int) -> None:
        """Start the clock."""
        self._total, self._done, self._since = total, 0, time.monotonic()

    def start_clip(self, worker: int, job: Job) -> None:
        """Say nothing: the clip will have its line."""

    def start_stage(self, worker: int, stage: str, total: int | None) -> None:
        """Say nothing."""

    def advance(self, worker: int) -> None:
        """Say nothing."""

    def end_clip(self, worker: int, outcome: Outcome) -> None:
        """Tell what was made, and how long the rest will take."""
        self._done += 1
        if outcome.result is not None:
            self._out.print(describe(outcome.result), markup=False)
        else:
            self._err.print(f"failed: {outcome.job.title}: {outcome.reason}", style="red", markup=False)
        left = time_left(self._done, self._total, time.monotonic() - self._since)
        self._err.print(", ".join(filter(None, (f"{self._done}/{self._total}", left))), markup=False)

    def show(self) -> None:
        """There is nothing to draw."""

    def hide(self) -> None:
        """There is nothing to take down."""


class Board:
    """A bar for the batch, and one for the clip of each worker: for terminals."""

    def __init__(self, out: rich.console.Console, err: rich.console.Console) -> None:
        self._out = out
        self._bars = Progress(
            SpinnerColumn(finished_text=" "),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[note]}", markup=False),
            console=err,
            # What is piped elsewhere must not end up on the terminal.
            redirect_stdout=sys.stdout.isatty(),
        )
        self._all: TaskID | None = None
        self._rows: dict[int, TaskID] = {}
        self._stages: dict[int, tuple[str, int | None, int]] = {}
        self._total = 0
        self._done = 0
        self._failed = 0
        self._since = time.monotonic()

    def show(self) -> None:
        """Begin to draw."""
        self._bars.start()

    def hide(self) -> None:
        """Stop drawing."""
        for row in self._rows.values():
            self._bars.remove_task(row)
        self._rows.clear()
        self._bars.stop()

    def begin(self, total: int) -> None:
        """Draw the bar of the batch."""
        self._total, self._since = total, time.monotonic()
        if total:
            self._all = self._bars.add_task("clips".ljust(_TITLE_WIDTH), total=total, note=f"0/{total}")

    def start_clip(self, worker: int, job: Job) -> None:
        """Name the worker's clip."""
        title = job.title if len(job.title) <= _TITLE_WIDTH else job.title[: _TITLE_WIDTH - 1] + "…"
        if worker not in self._rows:
            self._rows[worker] = self._bars.add_task("", total=None, note="")
        self._bars.reset(self._rows[worker], total=None, description=title.ljust(_TITLE_WIDTH), note="")

    def start_stage(self, worker: int, stage: str, total: int | None) -> None:
        """Name the stage; its bar pulses unless `total` is known."""
        self._stages[worker] = (stage, total, 0)
        self._bars.reset(self._rows[worker], total=total, note=f"{stage} 0/{total}" if total else stage)

    def advance(self, worker: int) -> None:
        """Move the worker's bar."""
        stage, total, done = self._stages[worker]
        self._stages[worker] = (stage, total, done + 1)
        note = f"{stage} {done + 1}/{total}" if total else f"{stage} {done + 1}"
        self._bars.update(self._rows[worker], completed=done + 1, note=note)

    def end_clip(self, worker: int, outcome: Outcome) -> None:
        """Move the bar of the batch, and tell what was made above the bars."""
        self._done += 1
        self._failed += outcome.status == "failed"
        if outcome.result is not None:
            self._out.print(describe(outcome.result), markup=False)
        else:
            text = f"failed: {outcome.job.title}: {outcome.reason}"
            self._bars.console.print(text, style="red", markup=False, soft_wrap=True)
        left = time_left(self._done, self._total, time.monotonic() - self._since)
        failed = f"{self._failed} failed" if self._failed else ""
        note = ", ".join(filter(None, (f"{self._done}/{self._total}", failed, left)))
        if self._all is not None:
            self._bars.update(self._all, completed=self._done, note=note)


class Quiet:
    """Says nothing: failures are listed at the end."""

    def begin(self, total: int) -> None:
        """Ignore."""

    def start_clip(self, worker: int, job: Job) -> None:
        """Ignore."""

    def start_stage(self, worker: int, stage: str, total: int | None) -> None:
        """Ignore."""

    def advance(self, worker: int) -> None:
        """Ignore."""

    def end_clip(self, worker: int, outcome: Outcome) -> None:
        """Ignore."""

    def show(self) -> None:
        """Ignore."""

    def hide(self) -> None:
        """Ignore."""
