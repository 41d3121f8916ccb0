"""A batch: many clips, one after the other or in several processes, with a manifest that tells what became of each.

A bad photo costs its own clips only. After Ctrl-C, a kill or a power cut, what is finished stays, nothing is
half-written, and the same batch with `skip_existing` makes what is missing.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any, Literal, Protocol

from photo3d_video.batch.jobs import Job
from photo3d_video.batch.manifest import Entry, Manifest
from photo3d_video.errors import InputError, explain
from photo3d_video.files import make_folder, part_path, refuse_existing, remove
from photo3d_video.interruptions import held_back
from photo3d_video.output.outputs import RenderResult
from photo3d_video.progress import Progress
from photo3d_video.run import render_photo
from photo3d_video.studio import Studio

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of a job."""

    job: Job
    """The job."""
    status: Literal["done", "failed", "found"]
    """`found`: the clip was there before and was left alone."""
    reason: str | None = None
    """Why it failed, one line."""
    result: RenderResult | None = None
    """What was made."""


class Watcher(Protocol):
    """What a batch tells its caller while it works. Workers are numbered from 0."""

    def begin(self, total: int) -> None:
        """So many clips are to be made."""

    def start_clip(self, worker: int, job: Job) -> None:
        """A worker begins with a clip."""

    def start_stage(self, worker: int, stage: str, total: int | None) -> None:
        """A stage of `progress.STAGES` begins; `total`: its steps, where that is known before."""

    def advance(self, worker: int) -> None:
        """One step of the worker's stage is done."""

    def end_clip(self, worker: int, outcome: Outcome) -> None:
        """A clip is made, or has failed."""


def run_batch(
    jobs: Sequence[Job],
    folder: Path,
    watcher: Watcher,
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
    workers: int = 1,
) -> list[Outcome]:
    """Make all clips of a batch; their outcomes in the order in which they came.

    `folder` holds the manifest and is created. `workers`: processes, each with one photo at a time. Raises OutputError
    before anything is made where clips exist and neither `overwrite` nor `skip_existing` says what to do, and
    GLUnavailableError where there is no OpenGL. What goes wrong with one clip is in its outcome.
    """
    if overwrite and skip_existing:
        raise InputError("--overwrite and --skip-existing exclude each other: give one of them")
    make_folder(folder)
    manifest = Manifest(folder)
    todo, outcomes = _divide(jobs, manifest, overwrite, skip_existing)
    manifest.save()
    watcher.begin(len(todo))
    recorder = _Recorder(manifest, watcher, outcomes)
    try:
        if workers > 1 and todo:
            from photo3d_video.batch.workers import run_workers

            run_workers(by_photo(todo), workers, recorder)
        elif todo:
            with Studio() as studio, noted_interrupt() as interrupt:
                for job in todo:
                    recorder.start_clip(0, job)
                    outcome = render_job(studio, job, StageTeller(recorder, 0))
                    if interrupt.is_set():
                        raise KeyboardInterrupt
                    recorder.end_clip(0, outcome)
    finally:
        recorder.forget_unfinished()
    return outcomes


@contextmanager
def noted_interrupt() -> Iterator[threading.Event]:
    """The event is set by Ctrl-C, which is a KeyboardInterrupt as usual.

    For what is inside may turn that into another error, or lose it: a library's callback, a destructor.
    """
    noted = threading.Event()
    usual = signal.getsignal(signal.SIGINT)
    if usual is not signal.default_int_handler or threading.current_thread() is not threading.main_thread():
        yield noted
        return

    def note(number: int, frame: FrameType | None) -> None:
        noted.set()
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield noted
    finally:
        signal.signal(signal.SIGINT, usual)


def by_photo(jobs: Sequence[Job]) -> list[list[Job]]:
    """Neighbours of the same photo together."""
    return [list(group) for _, group in groupby(jobs, key=lambda job: job.photo)]


def render_job(studio: Studio, job: Job, progress: Progress) -> Outcome:
    """Make one clip. Only an interrupt gets out of here."""
    try:
        result = render_photo(job.photo, job.path, job.output, **job.settings, progress=progress, studio=studio)
    except Exception as error:
        log.debug("%s failed", job.title, exc_info=True)
        return Outcome(job, "failed", explain(error))
    return Outcome(job, "done", result=result)


class StageTeller:
    """A clip's progress as that of a worker of the batch."""

    def __init__(self, watcher: Watcher, worker: int) -> None:
        self._watcher = watcher
        self._worker = worker

    def start(self, stage: str, total: int | None = None) -> None:
        """Pass on."""
        self._watcher.start_stage(self._worker, stage, total)

    def advance(self) -> None:
        """Pass on."""
        self._watcher.advance(self._worker)


class _Recorder:
    """Writes down what happens, and passes it on to the watcher."""

    def __init__(self, manifest: Manifest, watcher: Watcher, outcomes: list[Outcome]) -> None:
        self._manifest = manifest
        self._watcher = watcher
        self._outcomes = outcomes
        self._running: dict[int, Job] = {}
        self.begin, self.start_stage, self.advance = watcher.begin, watcher.start_stage, watcher.advance

    @held_back()
    def start_clip(self, worker: int, job: Job) -> None:
        """Write it down before the first stage, so that a kill leaves a trace."""
        self._running[worker] = job
        self._manifest.update(job.output, status="rendering")
        self._watcher.start_clip(worker, job)

    @held_back()
    def end_clip(self, worker: int, outcome: Outcome) -> None:
        """Write down what was made, or why not."""
        self._running.pop(worker, None)
        self._outcomes.append(outcome)
        made: dict[str, Any] = {"status": outcome.status, "reason": outcome.reason}
        if outcome.result is not None:
            result = outcome.result
            made |= {"size": list(result.size), "frames": result.frames, "fps": result.fps, "replaces": None,
                     "seconds": round(sum(result.seconds.values()), 3),
                     "stages": {stage: round(seconds, 3) for stage, seconds in result.seconds.items()}}  # fmt: skip
        self._manifest.update(outcome.job.output, **made)
        self._watcher.end_clip(worker, outcome)

    @held_back()
    def forget_unfinished(self) -> None:
        """What was interrupted is as if it had not begun, even where the interrupt hit the tidying up itself."""
        for job in self._running.values():
            for ending in {job.output.suffix.lower(), job.written.suffix.lower()}:
                remove(part_path(job.output, ending))
            replaced = self._manifest.entries[self._manifest.key(job.output)]["replaces"]
            if _modified(job.written) not in (None, replaced):  # complete, and then came the interrupt
                self._manifest.update(job.output, status="done", replaces=None)
            else:
                self._manifest.update(job.output, status="pending")


def _divide(
    jobs: Sequence[Job], manifest: Manifest, overwrite: bool, skip_existing: bool
) -> tuple[list[Job], list[Outcome]]:
    """What is to be made, and the outcomes of what is not; each gets its entry in the manifest."""
    todo: list[Job] = []
    outcomes: list[Outcome] = []
    existing: list[Path] = []
    others = 0
    for job in jobs:
        entry, new, modified = manifest.get(job.output), _entry(job), _modified(job.written)
        # An unfinished batch meant to replace this very file: it counts as missing.
        outdated = entry is not None and entry["status"] in ("pending", "rendering") and entry["replaces"] == modified
        if modified is None or overwrite or (skip_existing and outdated):
            todo.append(job)
            manifest.put(job.output, new | {"replaces": modified})
            continue
        existing.append(job.output)
        if entry is None or entry["status"] == "failed":
            manifest.put(job.output, new | {"status": "found"})
        elif (entry["input"], entry["path"]) != (new["input"], new["path"]):
            reason = (
                f"{job.output} was made from {entry['input']} with {entry['path']}: choose another --name or folder"
            )
            outcomes.append(Outcome(job, "failed", reason))
            continue
        else:
            known = entry["status"] != "found"
            others += known and (entry["settings"], entry["depth"]) != (new["settings"], new["depth"])
            if entry["status"] in ("pending", "rendering"):  # killed between the file's completion and its entry's
                manifest.put(job.output, entry | {"status": "done", "replaces": None})
        outcomes.append(Outcome(job, "found"))
    if not skip_existing:
        refuse_existing(existing)
    if others:
        log.warning("%d of the clips that exist were made with other settings: --overwrite makes them again", others)
    return todo, outcomes


def _entry(job: Job) -> Entry:
    settings = {name: _plain(value) for name, value in job.settings.items() if name not in ("depth", "cache")}
    depth = job.settings.get("depth")
    return {
        "status": "pending", "input": str(job.photo.absolute()), "path": job.path, "settings": settings,
        "depth": None if depth is None else str(Path(depth).absolute()), "reason": None, "size": None, "frames": None,
        "fps": None, "seconds": None, "stages": None, "replaces": None,
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """The value as it comes back from JSON."""
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _modified(written: Path) -> int | None:
    """When the clip was written, in ns; None where there is none."""
    try:
        return written.stat().st_mtime_ns
    except OSError:
        return None
