"""Files and folders that appear under their names only when they are complete."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from photo3d_video.errors import OutputError
from photo3d_video.interruptions import held_back

JPEG_QUALITY = 95
PICTURES = (".png", ".jpg", ".jpeg")
_FRAME_NAME = re.compile(r"\d{5,}\.png")


def is_dir(path: Path) -> bool:
    """Whether a path is a folder."""
    return os.path.isdir(path)  # noqa: PTH112 - pathlib raises for names that are too long


def holds_frames_only(folder: Path) -> bool:
    """Whether there is nothing but numbered pictures in a folder, if it exists at all."""
    if not os.path.lexists(folder):
        return True
    return is_dir(folder) and all(_FRAME_NAME.fullmatch(file.name) for file in folder.iterdir())


def part_path(path: Path, ending: str) -> Path:
    """Where a file is while it is written: hidden beside its place, with an ending that tells its kind.

    Absolute, because ffmpeg takes what precedes a colon in a relative name for a protocol.
    """
    return path.absolute().with_name(f".{path.stem}.part{ending}")


def make_folder(folder: Path) -> None:
    """Create a folder, and those that it is in, unless it exists. Raises OutputError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot create the folder {folder} ({error.strerror}): choose another") from error


def refuse_existing(files: Sequence[Path]) -> None:
    """Raise OutputError where there are any: files that exist, and nothing says what to do about them."""
    if files:
        names = str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
        raise OutputError(f"{names} exist already: give --skip-existing to keep them or --overwrite to make them again")


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that it holds, if it exists."""
    if is_dir(path):
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Refuse a file in a folder that takes none, before anything slow. Leaves nothing behind. Raises OutputError."""
    try:
        with tempfile.TemporaryFile(dir=path.absolute().parent):
            pass
    except OSError as error:
        raise OutputError(f"cannot write {path} ({error.strerror}): choose another folder") from error


def check_picture_path(path: Path) -> None:
    """Refuse what `write_picture` could not write. Raises OutputError."""
    if path.suffix.lower() not in PICTURES:
        raise OutputError(f"{path}: pictures are written as {', '.join(PICTURES)}")
    if is_dir(path):
        raise OutputError(f"{path} is a folder: give a file name")
    if not is_dir(path.parent):
        raise OutputError(f"cannot write {path}: the folder {path.parent} does not exist, create it first")


def write_picture(path: Path, rgb: npt.NDArray[np.uint8]) -> None:
    """Write (H, W, 3) uint8 sRGB as PNG or, without chroma subsampling, as JPEG. Raises OutputError."""
    from PIL import Image

    check_picture_path(path)
    part = part_path(path, path.suffix.lower())
    options: dict[str, Any] = {} if path.suffix.lower() == ".png" else {"quality": JPEG_QUALITY, "subsampling": 0}
    with held_back():
        try:
            Image.fromarray(rgb).save(part, **options)
            part.replace(path)
        except OSError as error:
            raise OutputError(f"cannot write {path} ({error.strerror or error}): choose another folder") from error
        finally:
            part.unlink(missing_ok=True)


class PictureWriter:
    """Takes the one frame of a still, as a `VideoWriter` takes a clip's: the file is there when the block ends."""

    def __init__(self, path: Path) -> None:
        """Raises OutputError for a path that cannot be used."""
        check_picture_path(path)
        self.written = path
        self._frame: npt.NDArray[np.uint8] | None = None

    def __enter__(self) -> PictureWriter:
        return self

    def write(self, frame: npt.NDArray[np.uint8]) -> None:
        """Take the frame (H, W, 3) uint8 sRGB; a later one replaces it."""
        self._frame = frame

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write the file, unless there was an error. Raises OutputError."""
        if error is None and self._frame is not None:
            write_picture(self.written, self._frame)
