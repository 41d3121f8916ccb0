"""The ffmpeg that comes with imageio-ffmpeg: its command line, and what it finds in files."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from photo3d_video.errors import EncodeError, InputError


@dataclass(frozen=True)
class Soundtrack:
    """Sound to put under a clip. Raises InputError, when it is made, for files without sound."""

    file: Path
    """Any file that ffmpeg reads and that has a sound stream."""
    seconds: float
    """Length of the clip: the sound is cut there. Where it is shorter, the rest is silent."""

    def __post_init__(self) -> None:
        if not self.file.is_file():
            raise InputError(f"--audio {self.file} does not exist")
        found = run_ffmpeg(["-t", "0.1", "-i", str(self.file.absolute()), "-map", "0:a:0", "-f", "null", "-"])
        if found.returncode != 0:
            raise InputError(
                f"--audio {self.file} has no sound that can be read: give an MP3, M4A, WAV, OGG or video file"
            )

    @property
    def input_args(self) -> list[str]:
        """ffmpeg's options that open it."""
        return ["-t", f"{self.seconds:.6f}", "-i", str(self.file.absolute())]


def ffmpeg_command(args: list[str]) -> list[str]:
    """The command line that runs ffmpeg. Raises EncodeError where there is none."""
    import imageio_ffmpeg

    try:
        executable: str = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise EncodeError("no ffmpeg found: reinstall imageio-ffmpeg, or point IMAGEIO_FFMPEG_EXE at one") from error
    return [executable, "-hide_banner", "-nostats", "-y", *args]


def run_ffmpeg(args: list[str]) -> subprocess.CompletedProcess[str]:
    """ffmpeg's exit code and output for a task that takes a moment. Raises EncodeError where it cannot be started."""
    command = ffmpeg_command(args)
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace", check=False
        )
    except OSError as error:
        raise cannot_start(command[0], error) from error


def cannot_start(executable: str, error: OSError) -> EncodeError:
    """The error of an ffmpeg that does not start."""
    return EncodeError(
        f"cannot start ffmpeg {executable} ({error.strerror}): reinstall imageio-ffmpeg, or correct IMAGEIO_FFMPEG_EXE"
    )


def describe_video(path: Path, n_frames: int, seconds: float) -> str:
    """What is really in a file that should show `n_frames` for `seconds`: "12 frames of 64x48", "0 frames of unknown
    size"."""
    if path.is_dir():
        return _describe_pictures(path)
    if path.suffix == ".webp":
        return _describe_webp(path, n_frames, seconds)
    result = run_ffmpeg(["-i", str(path), "-map", "0:v:0", "-c", "copy", "-progress", "pipe:1", "-f", "null", "-"])
    counts = re.findall(r"^frame=\s*(\d+)", result.stdout, re.MULTILINE)
    size = re.search(r"Video: .*?\b(\d{2,5}x\d{2,5})\b", result.stderr)
    broken = "" if result.returncode == 0 else ", broken"
    return f"{counts[-1] if counts else 0} frames of {size[1] if size else 'unknown size'}{broken}"


def _describe_pictures(folder: Path) -> str:
    from PIL import Image

    files = sorted(folder.iterdir())
    sizes = set()
    for file in (files[0], files[-1]) if files else ():
        with Image.open(file) as picture:
            sizes.add("{}x{}".format(*picture.size))
    return f"{len(files)} frames of {' and '.join(sorted(sizes)) or 'unknown size'}"


def _describe_webp(path: Path, n_frames: int, seconds: float) -> str:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            shown_ms, frames = 0.0, getattr(picture, "n_frames", 1)
            for number in range(frames):
                picture.seek(number)
                picture.load()  # sets the duration
                shown_ms += picture.info.get("duration", 0)
            # The encoder joins equal frames into one that is shown for longer; a single frame has no duration.
            if frames == 1 or abs(shown_ms / 1000 - seconds) < 0.01 + 0.5 * seconds / n_frames:
                frames = n_frames
            return "{} frames of {}x{}".format(frames, *picture.size)
    except (OSError, EOFError, SyntaxError):
        return "0 frames of unknown size"
