"""What the command shows while it works and when it is done: progress, warnings, the result.

Progress and log lines go to standard error, as bars on a terminal and as plain lines elsewhere; the result goes to
standard output.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Sequence
from types import TracebackType

import rich.console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn
from rich.text import Text

from photo3d_video.batch.batch import Outcome
from photo3d_video.cli.dashboard import Board, Lines, Quiet, describe, list_failures, summarise
from photo3d_video.cli.loggers import listen, stop_listening
from photo3d_video.output.outputs import RenderResult
from photo3d_video.progress import STAGES, Silent
from photo3d_video.progress import Progress as StageProgress

PLAIN_STEPS = 4  # a counted stage prints this many lines where there is no terminal
NAME_WIDTH = 8


class Console:
    """Progress and logging of one run; both are set up and taken down with the `with` block."""

    def __init__(self, quiet: bool = False, verbosity: int = 0, batch: bool = False) -> None:
        self._quiet = quiet
        self._out = rich.console.Console(soft_wrap=True, highlight=False)
        self._err = rich.console.Console(stderr=True, soft_wrap=True, highlight=False)
        self._handler = _LogLines(self._err)
        self._level = logging.ERROR if quiet else (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
        self.progress: StageProgress = Silent()
        self.watcher: Board | Lines | Quiet = Quiet()
        if not quiet and batch:
            self.watcher = (Board if self._err.is_terminal else Lines)(self._out, self._err)
        elif not quiet:
            self.progress = Bars(self._err) if self._err.is_terminal else PlainLines(self._err)

    def __enter__(self) -> Console:
        listen(self._handler, self._level)
        if self._level > logging.DEBUG:
            warnings.simplefilter("ignore")  # libraries' notes to programmers
        if isinstance(self.progress, Bars):
            self.progress.show()
        self.watcher.show()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(self.progress, Bars):
            self.progress.hide(finished=error is None)
        self.watcher.hide()
        stop_listening(self._handler)

    def tell(self, line: str) -> None:
        """A line on what was made."""
        if not self._quiet:
            self._out.print(line, markup=False)

    def complain(self, line: str) -> None:
        """A line on what failed."""
        self._err.print(line, style="red", markup=False)

    def report(self, result: RenderResult) -> None:
        """The line that says what was made."""
        if not self._quiet:
            self._out.print(describe(result), markup=False)

    def report_batch(self, outcomes: Sequence[Outcome]) -> None:
        """How many clips were made, and which failed why."""
        if not self._quiet:
            self._out.print(summarise(outcomes), markup=False)
        for line in list_failures(outcomes):
            self._err.print(line, style="red", markup=False)

    def report_timings(self, results: Sequence[RenderResult]) -> None:
        """The seconds per stage, of all results together."""
        for stage in STAGES:
            seconds = sum(result.seconds[stage] for result in results)
            self._out.print(f"{stage:{NAME_WIDTH}}{seconds:8.2f} s", markup=False)


class PlainLines:
    """One line per stage, and a few more for a stage that counts: for logs and pipes."""

    def __init__(self, console: rich.console.Console) -> None:
        self._console = console
        self._stage = ""
        self._total: int | None = None
        self._done = 0

    def start(self, stage: str, total: int | None = None) -> None:
        """Name the stage."""
        self._stage, self._total, self._done = stage, total, 0
        if total is None:
            self._console.print(stage, markup=False)

    def advance(self) -> None:
        """Say how far it is, at every quarter."""
        self._done += 1
        if self._total and self._done * PLAIN_STEPS // self._total > (self._done - 1) * PLAIN_STEPS // self._total:
            self._console.print(f"{self._stage} {self._done}/{self._total}", markup=False)


class Bars:
    """One bar per stage, with counts and seconds: for terminals."""

    def __init__(self, console: rich.console.Console) -> None:
        self._bars = Progress(
            SpinnerColumn(finished_text="✓"),
            TextColumn(f"{{task.description:{NAME_WIDTH}}}"),
            BarColumn(bar_width=30),
            _CountAndTime(),
            console=console,
        )
        self._task: TaskID | None = None

    def show(self) -> None:
        """Begin to draw."""
        self._bars.start()

    def hide(self, finished: bool) -> None:
        """Stop drawing; the bars stay on the screen."""
        if finished:
            self._finish_stage()
        self._bars.stop()

    def start(self, stage: str, total: int | None = None) -> None:
        """Finish the stage before and add a bar for this one, which pulses unless `total` is known."""
        self._finish_stage()
        self._task = self._bars.add_task(stage, total=total)

    def advance(self) -> None:
        """Move the bar."""
        if self._task is not None:
            self._bars.advance(self._task)

    def _finish_stage(self) -> None:
        if self._task is not None and not self._bars.tasks[self._task].finished:
            steps = max(1, self._bars.tasks[self._task].completed)
            self._bars.update(self._task, total=steps, completed=steps)
        self._task = None


class _CountAndTime(ProgressColumn):
    def render(self, task: Task) -> Text:
        seconds = task.finished_time if task.finished else task.elapsed
        count = f"{task.completed:.0f}" if task.completed else ""
        if task.total is not None:
            count = f"{task.completed:.0f}/{task.total:.0f}" if task.total > 1 else ""
        return Text(f"{count:>9} {seconds or 0:6.1f} s")


class _LogLines(logging.Handler):
    """Log records as lines of the console, above the bars."""

    def __init__(self, console: rich.console.Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Print warnings with their level, the rest as it is."""
        text = record.getMessage()
        if record.levelno >= logging.WARNING:
            text = f"{record.levelname.lower()}: {text}"
        self._console.print(text, style="yellow" if record.levelno >= logging.WARNING else "dim", markup=False)
