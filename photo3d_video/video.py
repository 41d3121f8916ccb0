"""Video files: frames in, an H.264 MP4 out that plays everywhere in the right colours.

    with VideoWriter("clip.mp4", VideoSpec(1920, 1080, fps=30)) as writer:
        for frame in frames:  # (1080, 1920, 3) uint8 sRGB
            writer.write(frame)

The file appears under its name only when it is complete and checked; after an error or Ctrl-C nothing is left.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import queue
import re
import subprocess
import threading
from collections import deque
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from photo3d_video.errors import EncodeError, InputError, OutputError

log = logging.getLogger(__name__)

Frame = npt.NDArray[np.uint8] | bytes | memoryview

# Frames that wait for the encoder: enough to overlap rendering and encoding, 6 MB each at 1080p.
_QUEUED_FRAMES = 3
_STDERR_LINES = 8

# sRGB in, BT.709 out: the matrix is applied and all four tags are written. Without, players guess, and guess BT.601.
# One string, because ffmpeg lets a second -vf replace the first.
_BT709 = (
    "scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd,"
    "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
)


@dataclass(frozen=True)
class Codec:
    """What differs from one kind of video file to the next."""

    extension: str
    """Of the file name, with the dot; it also selects the container."""
    encoder_args: tuple[str, ...]
    """ffmpeg's output options; `{crf}`, `{preset}` and `{gop}` are filled in."""
    pixel_format: str
    """ffmpeg's name of the stored pixel format."""


CODECS = {
    "h264": Codec(
        extension=".mp4",
        encoder_args=(
            *("-c:v", "libx264", "-profile:v", "high", "-preset", "{preset}", "-crf", "{crf}"),
            *("-g", "{gop}", "-flags", "+cgop", "-movflags", "+faststart"),
        ),
        pixel_format="yuv420p",
    ),
}

PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")


@dataclass(frozen=True)
class VideoSpec:
    """Size, rate and quality of a video. Raises InputError for values that cannot be encoded."""

    width: int
    """px, even."""
    height: int
    """px, even."""
    fps: float
    """Frames per second; 23.976, 29.97 and 59.94 stand for the exact NTSC rates."""
    crf: int = 18
    """x264's constant rate factor, 0 (lossless) .. 51; 18 is visually lossless for most clips."""
    preset: str = "veryfast"
    """x264's speed. At equal CRF `medium` takes 3 times as long (2 cores, shared with the renderer) for about 1 dB."""
    codec: str = "h264"
    """Key of `CODECS`."""

    def __post_init__(self) -> None:
        if self.width < 16 or self.height < 16:
            raise InputError(f"video size {self.width} x {self.height} is too small: give at least 16 x 16")
        if self.width % 2 or self.height % 2:
            raise InputError(f"video size {self.width} x {self.height} is odd: H.264 needs even sides, crop one pixel")
        if not (math.isfinite(self.fps) and 1 <= self.fps <= 240):
            raise InputError(f"{self.fps} frames per second cannot be encoded: give 1 to 240")
        if not 0 <= self.crf <= 51:
            raise InputError(f"CRF {self.crf} is out of range: give 0 (lossless) to 51 (worst), 18 is usual")
        if self.preset not in PRESETS:
            raise InputError(f"unknown encoder preset {self.preset!r}: choose one of {', '.join(PRESETS)}")
        if self.codec not in CODECS:
            raise InputError(f"unknown codec {self.codec!r}: choose one of {', '.join(CODECS)}")

    @property
    def rate(self) -> Fraction:
        """Frames per second as the exact fraction that is written into the file."""
        if abs(self.fps - round(self.fps)) < 1e-6:
            return Fraction(round(self.fps))
        ntsc = round(self.fps * 1.001)
        if abs(self.fps * 1.001 - ntsc) < 5e-3:
            return Fraction(ntsc * 1000, 1001)
        return Fraction(self.fps).limit_denominator(1000)


def even_crop(width: int, height: int) -> tuple[int, int]:
    """The largest even (width, height) within a size in px."""
    return width - width % 2, height - height % 2


class VideoWriter:
    """Streams frames into a video file while the caller makes the next ones. Use it as a context manager.

    A worker thread feeds ffmpeg; an error of ffmpeg is raised by the next `write`, or at the end of the `with` block.
    """

    def __init__(self, path: str | os.PathLike[str], spec: VideoSpec) -> None:
        """Nothing is started or written before the `with` block. Raises OutputError for a path that cannot be used."""
        self.path = Path(path)
        self.spec = spec
        self.frames_written = 0
        extension = CODECS[spec.codec].extension
        if self.path.suffix.lower() != extension:
            raise OutputError(f"{self.path} must end in {extension}: only that kind of video is written")
        if _is_dir(self.path):
            raise OutputError(f"{self.path} is a folder: give a file name")
        if not _is_dir(self.path.parent):
            raise OutputError(
                f"cannot write {self.path}: the folder {self.path.parent} does not exist, create it first"
            )
        # Absolute, because ffmpeg takes what precedes a colon in a relative name for a protocol.
        self._part = self.path.absolute().with_name(f".{self.path.stem}.part{extension}")
        self._frame_bytes = spec.width * spec.height * 3
        self._queue: queue.Queue[bytes | None] = queue.Queue(_QUEUED_FRAMES)
        self._stderr: deque[str] = deque(maxlen=_STDERR_LINES)
        self._failed = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._feeder = self._drainer = threading.Thread()

    def __enter__(self) -> VideoWriter:
        """Start ffmpeg. Raises OutputError for an unwritable folder, EncodeError where ffmpeg cannot be started."""
        command = _command(["-loglevel", "error", *_encode_args(self.spec, self._part)])
        try:
            self._part.touch()
        except OSError as error:
            raise OutputError(f"cannot write {self.path} ({error.strerror}): choose another folder") from error
        try:
            self._start(command)
        except BaseException:
            self._abort()
            raise
        return self

    def write(self, frame: Frame) -> None:
        """Append one frame: (height, width, 3) uint8 sRGB, or its bytes. The frame is copied before this returns.

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

    def _start(self, command: list[str]) -> None:
        log.debug("running %s", command)
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise EncodeError(
                f"cannot start ffmpeg {command[0]} ({error.strerror}): reinstall imageio-ffmpeg, or correct "
                "IMAGEIO_FFMPEG_EXE"
            ) from error
        assert process.stdin is not None and process.stderr is not None
        self._process = process
        self._feeder = threading.Thread(target=self._feed, args=(process.stdin,), daemon=True)
        self._drainer = threading.Thread(target=self._drain, args=(process.stderr,), daemon=True)
        self._feeder.start()
        self._drainer.start()

    def _frame_data(self, frame: Frame) -> bytes:
        spec = self.spec
        if isinstance(frame, np.ndarray) and (frame.shape != (spec.height, spec.width, 3) or frame.dtype != np.uint8):
            raise InputError(f"a frame must be ({spec.height}, {spec.width}, 3) uint8, not {frame.shape} {frame.dtype}")
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
            self._part.replace(self.path)
        except OSError as error:
            raise OutputError(
                f"cannot write {self.path} ({error.strerror}): close it or choose another name"
            ) from error
        log.info("wrote %s: %d frames", self.path, self.frames_written)

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
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            self._queue.put(None)
            self._feeder.join()
            self._drainer.join()
            process.wait()
            for pipe in (process.stdin, process.stderr):
                with contextlib.suppress(OSError):  # what was buffered for ffmpeg has nowhere to go
                    if pipe is not None:
                        pipe.close()
        self._part.unlink(missing_ok=True)

    def _ffmpeg_error(self) -> OutputError:
        assert self._process is not None
        self._process.wait()
        self._drainer.join()
        lines = " | ".join(line for line in self._stderr if line) or f"exit code {self._process.returncode}"
        if "No space left" in lines:
            return OutputError(f"the disk is full while writing {self.path}: free some space or choose another folder")
        return EncodeError(
            f"ffmpeg failed while writing {self.path} ({lines}): check the free disk space, or point "
            "IMAGEIO_FFMPEG_EXE at another ffmpeg that has libx264"
        )

    def _verify(self) -> None:
        """Read the finished file back: ffmpeg has ended with exit code 0 and an unplayable file before."""
        result = subprocess.run(
            _command(["-i", str(self._part), "-map", "0:v:0", "-c", "copy", "-progress", "pipe:1", "-f", "null", "-"]),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
        )
        counts = re.findall(r"^frame=\s*(\d+)", result.stdout, re.MULTILINE)
        size = re.search(r"Video: .*?\b(\d{2,5}x\d{2,5})\b", result.stderr)
        found = f"{counts[-1] if counts else 0} frames of {size[1] if size else 'unknown size'}"
        expected = f"{self.frames_written} frames of {self.spec.width}x{self.spec.height}"
        if result.returncode != 0 or found != expected:
            raise EncodeError(
                f"{self.path} came out as {found} instead of {expected}: check the free disk space, or point "
                "IMAGEIO_FFMPEG_EXE at another ffmpeg"
            )


def _is_dir(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - pathlib raises for names that are too long


def _command(args: list[str]) -> list[str]:
    import imageio_ffmpeg

    try:
        executable: str = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise EncodeError("no ffmpeg found: reinstall imageio-ffmpeg, or point IMAGEIO_FFMPEG_EXE at one") from error
    return [executable, "-hide_banner", "-nostats", "-y", *args]


def _encode_args(spec: VideoSpec, path: Path) -> list[str]:
    codec = CODECS[spec.codec]
    # A key frame every 2 s lets players and editors seek; the cost in size is a few percent.
    values: dict[str, Any] = {"crf": spec.crf, "preset": spec.preset, "gop": round(2 * spec.rate)}
    return [
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{spec.width}x{spec.height}", "-r", str(spec.rate)),
        *("-i", "pipe:0", "-an", "-vf", _BT709),
        *(argument.format(**values) for argument in codec.encoder_args),
        *("-pix_fmt", codec.pixel_format, str(path)),
    ]
