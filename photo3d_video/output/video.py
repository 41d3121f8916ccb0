"""Video files: frames in, a file out that plays everywhere in the right colours. The name says which kind of file.

    with VideoWriter("clip.mp4", VideoSpec(1920, 1080, fps=30)) as writer:
        for frame in frames:  # (1080, 1920, 3) uint8 sRGB
            writer.write(frame)

The file appears under its name only when it is complete and checked; after an error or Ctrl-C nothing is left.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import IO

import numpy as np
import numpy.typing as npt

from photo3d_video.errors import EncodeError, InputError, OutputError
from photo3d_video.files import holds_frames_only, is_dir, part_path, remove
from photo3d_video.interruptions import held_back
from photo3d_video.output.codecs import find_codec, find_container, written_path
from photo3d_video.output.encoding import VideoSpec, encoder_args, input_args, muxer_args
from photo3d_video.output.ffmpeg import cannot_start, describe_video, ffmpeg_command

if sys.platform == "linux":
    import fcntl

log = logging.getLogger(__name__)

Frame = npt.NDArray[np.uint8] | bytes | memoryview

_NICENESS = 5
# Frames that wait for the encoder: enough to overlap rendering and encoding, 6 MB each at 1080p.
_QUEUED_FRAMES = 2
_PIPE_BYTES = 1 << 20  # Linux lets that much pass at once; with its usual 64 kB, either side sleeps 100 times per frame
_STDERR_LINES = 8


class VideoWriter:
    """Streams frames into a video file while the caller makes the next ones. Use it as a context manager.

    A worker thread feeds ffmpeg; an error of ffmpeg is raised by the next `write`, or at the end of the `with` block.
    """

    def __init__(self, path: str | os.PathLike[str], spec: VideoSpec) -> None:
        """Nothing is written before the `with` block. Raises OutputError for a path that cannot be used, EncodeError
        where hardware is asked for and none works."""
        self.path = Path(path)
        self.spec = spec
        self.frames_written = 0
        container = find_container(self.path)
        find_codec(self.path, spec.codec)  # refuses what does not go together
        if spec.soundtrack is not None and container.audio is None:
            raise InputError(f"{self.path.suffix} files have no sound: leave --audio out or choose .mp4")
        self.written = written_path(self.path)
        """What will be there in the end: `path`, or the folder of numbered pictures."""
        self._numbered = self.written != self.path
        if self._numbered and not holds_frames_only(self.written):
            raise OutputError(f"{self.written} has other files than a clip's frames: choose another name")
        if not self._numbered and is_dir(self.path):
            raise OutputError(f"{self.path} is a folder: give a file name")
        if not is_dir(self.path.parent):
            raise OutputError(
                f"cannot write {self.path}: the folder {self.path.parent} does not exist, create it first"
            )
        extension = "" if self._numbered else self.path.suffix.lower()
        self._part = part_path(self.path, extension)
        self._encode_args = [
            *input_args(spec),
            *encoder_args(spec),
            *muxer_args(self.path, self._part, spec.soundtrack is not None),
        ]
        self._frame_bytes = spec.width * spec.height * 3
        self._queue: queue.Queue[bytes | memoryview | None] = queue.Queue(_QUEUED_FRAMES)
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._failed = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._feeder = self._drainer = threading.Thread()

    def __enter__(self) -> VideoWriter:
        """Start ffmpeg. Raises OutputError for an unwritable folder, EncodeError where ffmpeg cannot be started."""
        command = ffmpeg_command(["-loglevel", "error", *self._encode_args])
        try:
            with held_back():  # an ffmpeg that nobody knows of yet could not be ended
                self._make_part()
                self._start(command)
            return self
        except BaseException:
            self._abort()
            raise

    def write(self, frame: Frame) -> None:
        """Append one frame: (height, width, 3) uint8 sRGB, or its bytes. What can change is copied before this returns.

        Raises InputError for another size or type, EncodeError or OutputError where ffmpeg has failed.
        """
        if self._process is None:
            raise EncodeError(f"{self.path} is not open: write frames inside of the `with` block")
        data = self._frame_data(frame)
        if self._failed.is_set():
            raise self._ffmpeg_error()
        self._queue.put(data)  # the worker empties the queue even after a failure, so this cannot hang
        self.frames_written += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish, check and rename the file; after an error, remove what there is of it."""
        try:
            if error is None:
                self._finish()
        finally:
            self._abort()

    def _make_part(self) -> None:
        try:
            if self._numbered:
                remove(self._part)  # frames that a crash left behind would be taken for new ones
                self._part.mkdir()
            else:
                self._part.touch()
        except OSError as error:
            raise OutputError(f"cannot write {self.path} ({error.strerror}): choose another folder") from error

    def _start(self, command: list[str]) -> None:
        log.debug("running %s", command)
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # a terminal's Ctrl-C is ours to handle: it must not look like ffmpeg's failure
            )
        except OSError as error:
            raise cannot_start(command[0], error) from error
        assert process.stdin is not None and process.stderr is not None
        if sys.platform == "linux":
            with contextlib.suppress(OSError):  # one user's pipes may hold so much and no more
                fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
            _let_give_way(process.pid)
        self._process = process
        self._feeder = threading.Thread(target=self._feed, args=(process.stdin,), daemon=True)
        self._drainer = threading.Thread(target=self._drain, args=(process.stderr,), daemon=True)
        self._feeder.start()
        self._drainer.start()

    def _frame_data(self, frame: Frame) -> bytes | memoryview:
        spec = self.spec
        if isinstance(frame, np.ndarray) and (frame.shape != (spec.height, spec.width, 3) or frame.dtype != np.uint8):
            raise InputError(f"a frame must be ({spec.height}, {spec.width}, 3) uint8, not {frame.shape} {frame.dtype}")
        if isinstance(frame, np.ndarray) and frame.flags.c_contiguous and _is_frozen(frame):
            return frame.data
        data = frame.tobytes() if not isinstance(frame, bytes) else frame
        if len(data) != self._frame_bytes:
            raise InputError(f"a {spec.width} x {spec.height} frame has {self._frame_bytes} bytes, not {len(data)}")
        return data

    def _feed(self, stdin: IO[bytes]) -> None:
        while (data := self._queue.get()) is not None:
            if self._failed.is_set():
                continue
            try:
                stdin.write(data)
            except (OSError, ValueError):  # ffmpeg has ended; why is in its last lines
                self._failed.set()

    def _drain(self, stderr: IO[bytes]) -> None:
        for line in stderr:
            self._stderr.append(line.decode(errors="replace").strip())

    def _finish(self) -> None:
        if self.frames_written == 0:
            raise EncodeError(f"no frame was written to {self.path}: a video needs at least one")
        process = self._stop_feeding()
        if process.wait() != 0 or self._failed.is_set():
            raise self._ffmpeg_error()
        self._verify()
        try:
            if self._numbered:
                remove(self.written)  # a folder can only take the place of an empty one
            self._part.replace(self.written)
        except OSError as error:
            raise OutputError(
                f"cannot write {self.path} ({error.strerror}): close it or choose another name"
            ) from error
        log.info("wrote %s: %d frames", self.written, self.frames_written)

    def _stop_feeding(self) -> subprocess.Popen[bytes]:
        process = self._process
        assert process is not None and process.stdin is not None
        self._queue.put(None)
        self._feeder.join()
        try:
            process.stdin.close()
        except OSError:  # a last flush into an ffmpeg that has ended
            self._failed.set()
        return process

    def _abort(self) -> None:
        """End what still runs and remove the temporary file; after success there is nothing of either."""
        with held_back():
            process, self._process = self._process, None
            if process is not None:
                self._end(process)
            with contextlib.suppress(OSError):  # what cannot be removed could not be made either
                remove(self._part)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        if self._feeder.is_alive():
            self._queue.put(None)
        for thread in (self._feeder, self._drainer):
            if thread.ident is not None:  # else it could not be started
                thread.join()
        process.wait()
        for pipe in (process.stdin, process.stderr):
            with contextlib.suppress(OSError):  # what was buffered for ffmpeg has nowhere to go
                if pipe is not None:
                    pipe.close()

    def _ffmpeg_error(self) -> OutputError:
        assert self._process is not None
        self._process.wait()
        self._drainer.join()
        lines = " | ".join(line for line in self._stderr if line) or f"exit code {self._process.returncode}"
        if "No space left" in lines:
            return OutputError(f"the disk is full while writing {self.path}: free some space or choose another folder")
        encoder = self._encode_args[self._encode_args.index("-c:v") + 1]
        return EncodeError(
            f"ffmpeg failed while writing {self.path} ({lines}): check the free disk space, or point "
            f"IMAGEIO_FFMPEG_EXE at another ffmpeg that has {encoder}"
        )

    def _verify(self) -> None:
        """Read the finished file back: ffmpeg has ended with exit code 0 and an unplayable file before."""
        found = describe_video(self._part, self.frames_written, float(self.frames_written / self.spec.rate))
        expected = f"{self.frames_written} frames of {self.spec.width}x{self.spec.height}"
        if found != expected:
            raise EncodeError(
                f"{self.path} came out as {found} instead of {expected}: check the free disk space, or point "
                "IMAGEIO_FFMPEG_EXE at another ffmpeg"
            )


def _let_give_way(leader: int) -> None:
    """Lower the priority of a process and its group, for which it made a session of its own.

    Drawing a frame keeps all processors busy at times and one at others. An encoder that gives way fills the gaps, and
    always has frames waiting for them; one that takes its share at once waits for the next frame then.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PGRP, leader, os.getpriority(os.PRIO_PROCESS, 0) + _NICENESS)
    with contextlib.suppress(OSError):  # where Linux shares time out among sessions first, it is theirs that counts
        Path(f"/proc/{leader}/autogroup").write_text(str(_NICENESS))


def _is_frozen(array: npt.NDArray[np.uint8]) -> bool:
    """Whether an array and what it is a view of are read-only, as the renderer's frames are."""
    owner: object = array
    while isinstance(owner, np.ndarray):
        if owner.flags.writeable:
            return False
        owner = owner.base
    return owner is None or isinstance(owner, bytes)
