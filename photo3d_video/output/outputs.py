"""What a run writes: the clip's name, what takes its frames, the pictures beside it, and what is told about it all."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from photo3d_video.files import PictureWriter, is_dir, write_picture
from photo3d_video.output.encoding import VideoSpec
from photo3d_video.output.ffmpeg import Soundtrack
from photo3d_video.output.formats import Format
from photo3d_video.output.stills import ContactSheet, beside
from photo3d_video.output.video import VideoWriter
from photo3d_video.photo import Photo


@dataclass(frozen=True)
class RenderResult:
    """What a run made."""

    output: Path
    """The video file, the folder of numbered pictures, or the single picture."""
    size: tuple[int, int]
    """Width and height in px."""
    frames: int
    """Number of frames."""
    fps: float
    """Frames per second."""
    seconds: dict[str, float]
    """Time spent per stage (`progress.STAGES`); encoding overlaps rendering, so `encode` is the time waited for it."""
    beside: tuple[Path, ...] = ()
    """Thumbnail and contact sheet."""
    depth_source: str = ""
    """The model, or the depth map's file."""


def output_file(output: str | os.PathLike[str] | None, photo: Photo, path: str, extension: str = ".mp4") -> Path:
    """Where the clip goes: `output` as a file or folder, else `PHOTO_PATH.mp4` in the working folder."""
    stem = photo.path.stem if photo.path else "photo"
    name = f"{stem}_{Path(path).stem}{extension}"
    if output is None:
        return Path(name)
    target = Path(output)
    return target / name if is_dir(target) or not target.suffix else target


def open_sink(
    target: Path,
    form: Format,
    size: tuple[int, int],
    crf: int | None,
    preset: str,
    soundtrack: Soundtrack | None,
    hardware: bool,
) -> VideoWriter | PictureWriter:
    """What takes the frames, of `size` (width, height), of a clip or of a single picture.

    Nothing is written before its `with` block. Raises InputError, OutputError or EncodeError for what cannot be made.
    """
    if form.codec is None:
        return PictureWriter(target)
    full_chroma = form.stereo == "anaglyph"  # halved chroma would mix the eyes' pictures at every edge
    spec = VideoSpec(*size, form.fps, crf, preset, form.codec, form.max_kbps, full_chroma, soundtrack, hardware)
    return VideoWriter(target, spec)


def write_beside(clip: Path, thumbnail: npt.NDArray[np.uint8] | None, sheet: ContactSheet | None) -> tuple[Path, ...]:
    """Write a thumbnail (H, W, 3) and a contact sheet beside a clip, where they are given; their files.

    Raises OutputError.
    """
    pictures = {}
    if thumbnail is not None:
        pictures[beside(clip, "_thumbnail.jpg")] = thumbnail
    if sheet is not None:
        pictures[beside(clip, "_sheet.png")] = sheet.picture()
    for file, rgb in pictures.items():
        write_picture(file, rgb)
    return tuple(pictures)
