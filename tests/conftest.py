"""Shared by all tests: a scene of known depth, the command as a user calls it, and a look into video files."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from photo3d_video.cache import FOLDER_VARIABLE

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session", autouse=True)
def cache_of_session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test touches the user's own cache, nor do fixtures that several tests share; nor does one use models there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_HUB_CACHE", str(tmp_path_factory.mktemp("hub")))
        yield


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the cache: each test begins with an empty one."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv(FOLDER_VARIABLE, str(folder))
    return folder


@dataclass(frozen=True)
class TwoPlanes:
    """A disc in front of a wall, both with a soft pattern, so that every move shows and no codec minds."""

    rgb: np.ndarray
    """(H, W, 3) uint8."""
    disparity: np.ndarray
    """(H, W) float32: 0.9 on the disc, 0.2 on the wall."""
    disc: np.ndarray
    """(H, W) bool."""


def draw_two_planes(width: int, height: int) -> TwoPlanes:
    y, x = np.mgrid[0:height, 0:width].astype(np.float32) + 0.5
    disc = np.hypot(x - 0.55 * width, y - 0.5 * height) < 0.3 * min(width, height)
    wave = 30 * np.sin(x / 6) * np.cos(y / 9)
    wall = np.stack([60 + 90 * x / width + wave, 90 + 80 * y / height + wave, 150 - wave], -1)
    front = np.stack([210 + wave / 2, 120 + wave, 60 + 60 * y / height], -1)
    rgb = np.where(disc[..., None], front, wall).clip(0, 255).astype(np.uint8)
    return TwoPlanes(rgb, np.where(disc, 0.9, 0.2).astype(np.float32), disc)


@pytest.fixture(scope="session")
def two_planes() -> Callable[[int, int], TwoPlanes]:
    return draw_two_planes


@pytest.fixture
def photo_file(tmp_path: Path) -> Path:
    """A small photo as PNG, alone in its folder."""
    file = tmp_path / "in" / "photo.png"
    file.parent.mkdir()
    Image.fromarray(draw_two_planes(160, 120).rgb).save(file)
    return file


@pytest.fixture
def depth_file(tmp_path: Path) -> Path:
    """The depth of `photo_file` as a 16-bit PNG, in another folder."""
    file = tmp_path / "depth" / "depth.png"
    file.parent.mkdir()
    Image.fromarray((draw_two_planes(160, 120).disparity * 65535).astype(np.uint16)).save(file)
    return file


class Command:
    """The installed `render-3dphoto`; from a checkout that is not installed, the module."""

    def __init__(self) -> None:
        # Shells start background jobs with Ctrl-C ignored, which would be inherited; a handler is not.
        if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        script = Path(sys.executable).with_name("render-3dphoto")
        self.start = [str(script)] if script.exists() else [sys.executable, "-m", "photo3d_video"]
        self.more = {} if script.exists() else {"PYTHONPATH": str(ROOT)}

    def popen(self, *args: str | Path, cwd: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.start, *map(str, args)],
            cwd=cwd,
            env=os.environ | self.more,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __call__(self, *args: str | Path, cwd: Path, timeout_s: float = 120) -> subprocess.CompletedProcess[str]:
        with self.popen(*args, cwd=cwd) as process:
            out, err = process.communicate(timeout=timeout_s)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture(scope="session")
def command() -> Command:
    return Command()


@dataclass(frozen=True)
class Clip:
    """A decoded video file."""

    frames: np.ndarray
    """(N, H, W, 3) uint8 sRGB."""
    fps: float
    duration_s: float
    description: str
    """ffmpeg's line on the video stream."""


@pytest.fixture(scope="session")
def decode() -> Callable[[Path], Clip]:
    def decode_clip(file: Path) -> Clip:
        reader = imageio_ffmpeg.read_frames(str(file))
        meta = next(reader)
        width, height = meta["size"]
        frames = np.stack([np.frombuffer(data, np.uint8).reshape(height, width, 3) for data in reader])
        probe = subprocess.run(
            [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(file)], stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        line = re.search(r"Stream #0:0.*Video: (.*)", probe.stderr)
        assert line is not None, probe.stderr
        return Clip(frames, meta["fps"], meta["duration"], line[1])

    return decode_clip


def psnr_db(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio of two 8-bit pictures."""
    return float(10 * np.log10(255**2 / max(np.mean((a.astype(np.float64) - b) ** 2), 1e-12)))


@pytest.fixture(scope="session")
def psnr() -> Callable[[np.ndarray, np.ndarray], float]:
    return psnr_db
