"""Worker processes of a batch: each has its own OpenGL context and networks, and holds one photo at a time."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import warnings
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

from photo3d_video.batch.batch import Outcome, StageTeller, Watcher, render_job
from photo3d_video.batch.jobs import Job
from photo3d_video.cli.loggers import PACKAGES, listen
from photo3d_video.errors import GLUnavailableError, OutputError
from photo3d_video.interruptions import held_back
from photo3d_video.studio import Studio

STOP_S = 10.0  # a worker that is told to stop removes its half-written file meanwhile


@dataclass(eq=False)
class _Worker:
    """A process and what it was given."""

    number: int
    process: BaseProcess
    connection: Connection
    jobs: deque[Job] = field(default_factory=deque)
    """Not yet finished; the first one may be under way."""
    ready: bool = False


def run_workers(groups: Sequence[Sequence[Job]], count: int, watcher: Watcher) -> None:
    """Make the clips of each group in one of `count` processes, and tell `watcher`.

    A process that dies costs the clip that it was making; the others of its group go on in a new process. Raises
    GLUnavailableError or OutputError where processes cannot work at all. No process is left when this returns.
    """
    queue = deque(groups)
    count = min(count, len(groups))
    workers: list[_Worker] = []
    try:
        for number in range(count):
            with held_back():  # a process that is not in the list would not be stopped
                workers.append(_start(number, count))
        while any(worker.jobs for worker in workers) or queue:
            for connection in wait([worker.connection for worker in workers]):
                worker = next(worker for worker in workers if worker.connection is connection)
                try:
                    message = worker.connection.recv()
                except (EOFError, OSError):
                    with held_back():
                        workers[worker.number] = _replace(worker, count, watcher, queue)
                else:
                    _receive(worker, message, watcher, queue)
    except BaseException:
        with held_back():
            for worker in workers:
                worker.process.terminate()
        raise
    finally:
        with held_back():
            _wait_for(workers)


def _wait_for(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.connection.close()  # an idle worker ends by that
    for worker in workers:
        worker.process.join(STOP_S)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _start(number: int, count: int) -> _Worker:
    context = multiprocessing.get_context("spawn")  # OpenGL and threads do not survive a fork
    ours, theirs = context.Pipe()
    level = logging.getLogger(PACKAGES[0]).level
    process = context.Process(target=_work, args=(theirs, number, count, level), name=f"photo3d-worker-{number}")
    process.start()
    theirs.close()  # so that the end of the process is the end of the messages
    return _Worker(number, process, ours)


def _receive(worker: _Worker, message: tuple[Any, ...], watcher: Watcher, queue: deque[Sequence[Job]]) -> None:
    match message:
        case ("idle",):
            worker.ready = True
            worker.jobs.clear()
            if queue:
                worker.jobs.extend(queue.popleft())
                with contextlib.suppress(OSError):  # it has died since: its end is the next message
                    worker.connection.send(list(worker.jobs))
        case ("end", outcome):
            worker.jobs.popleft()
            watcher.end_clip(worker.number, outcome)
        case ("log", name, level, text):
            logging.getLogger(name).log(level, "%s", text)
        case ("broken", text):
            raise GLUnavailableError(text)
        case (("start_clip" | "start_stage" | "advance") as event, *arguments):
            getattr(watcher, event)(worker.number, *arguments)


def _replace(worker: _Worker, count: int, watcher: Watcher, queue: deque[Sequence[Job]]) -> _Worker:
    """A new process for one that died."""
    worker.process.join()
    worker.connection.close()
    code = worker.process.exitcode
    if not worker.ready:
        raise OutputError(f"a worker process ended while it started (exit code {code}): try without --jobs")
    if worker.jobs:
        job = worker.jobs.popleft()
        reason = f"its process ended (exit code {code}); too little memory? give a smaller --jobs, --size or --max-size"
        watcher.end_clip(worker.number, Outcome(job, "failed", reason))
    if worker.jobs:
        queue.appendleft(list(worker.jobs))
    return _start(worker.number, count)


def _work(connection: Connection, number: int, count: int, level: int) -> None:
    """Body of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all processes of a terminal; the main one decides
    signal.signal(signal.SIGTERM, _stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _share_processors(count)
    listen(_Forward(connection), level)
    if level > logging.DEBUG:
        warnings.simplefilter("ignore")
    try:
        with Studio() as studio:
            teller = _Teller(connection)
            while True:
                connection.send(("idle",))
                for job in connection.recv():
                    teller.start_clip(number, job)
                    teller.end_clip(number, render_job(studio, job, StageTeller(teller, number)))
    except GLUnavailableError as error:
        connection.send(("broken", str(error)))
    except (EOFError, ConnectionError):  # the main process has closed its end: there is nothing left to do
        pass


def _stop(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)


def _end_with_parent() -> None:
    """A killed main process cannot stop its workers: they must notice."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


def _share_processors(count: int) -> None:
    """As many threads as processors, in all workers together."""
    import cv2

    threads = max(1, (os.cpu_count() or 1) // count)
    cv2.setNumThreads(threads)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "LP_NUM_THREADS"):  # torch twice, Mesa's software renderer
        os.environ.setdefault(name, str(threads))


class _Teller:
    """Sends what a watcher is told to the main process."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin(self, total: int) -> None:
        """Workers do not know the whole."""

    def start_clip(self, worker: int, job: Job) -> None:
        """Send."""
        self._connection.send(("start_clip", job))

    def start_stage(self, worker: int, stage: str, total: int | None) -> None:
        """Send."""
        self._connection.send(("start_stage", stage, total))

    def advance(self, worker: int) -> None:
        """Send."""
        self._connection.send(("advance",))

    def end_clip(self, worker: int, outcome: Outcome) -> None:
        """Send."""
        self._connection.send(("end", outcome))


class _Forward(logging.Handler):
    """Sends log records to the main process."""

    def __init__(self, connection: Connection) -> None:
        super().__init__()
        self._connection = connection

    def emit(self, record: logging.LogRecord) -> None:
        """Send the text alone: arguments may be of any type."""
        self._connection.send(("log", record.name, record.levelno, record.getMessage()))
