"""Single pictures of a clip: the frame at a time, a thumbnail, a contact sheet."""

from __future__ import annotations

import math
import re
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from photo3d_video.errors import InputError

UInt8 = npt.NDArray[np.uint8]

SHEET_COLUMNS, SHEET_ROWS = 4, 3
CELL_PX = 320  # long side of a picture on the sheet
GAP_PX = 8
PAPER = 24  # grey level between the pictures


def still_index(still: str | float, n_frames: int, fps: float) -> int:
    """Number of the frame at a time: seconds ("1.5"), or a part of the clip ("50%").

    Raises InputError for what is neither, or not within the clip.
    """
    match = re.fullmatch(r"\s*(\d+\.?\d*|\.\d+)\s*(%|s)?\s*", str(still))
    if match is None:
        raise InputError(f"--still {still} is not a time: give seconds such as 1.5 or a part of the clip such as 50%")
    value = float(match[1])
    if match[2] == "%":
        if value > 100:
            raise InputError(f"--still {still} is past the end of the clip: give at most 100%")
        return min(n_frames - 1, math.floor(value / 100 * n_frames))
    if value > n_frames / fps:
        raise InputError(f"--still {still} is past the end of the clip: it has {n_frames / fps:g} s")
    return min(n_frames - 1, math.floor(value * fps + 1e-6))


def beside(clip: Path, ending: str) -> Path:
    """The name of a picture beside a clip: `ending` in place of the clip's own."""
    return clip.with_name(clip.stem + ending)


class ContactSheet:
    """Collects pictures of a clip that are evenly spread over its length."""

    def __init__(self, n_frames: int) -> None:
        """`n_frames`: how many the clip has, >= 1."""
        count = min(n_frames, SHEET_COLUMNS * SHEET_ROWS)
        self._wanted = set(np.linspace(0, n_frames - 1, count).round().astype(int).tolist())
        self._cells: list[UInt8] = []
        self._seen = 0

    def add(self, frame: UInt8) -> None:
        """The clip's next frame, (H, W, 3) uint8."""
        if self._seen in self._wanted:
            scale = min(1.0, CELL_PX / max(frame.shape[:2]))
            size = max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale))
            self._cells.append(np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8))
        self._seen += 1

    def picture(self) -> UInt8:
        """The sheet (H, W, 3) uint8 of the frames so far, from left to right and down."""
        h, w, _ = self._cells[0].shape
        columns = min(SHEET_COLUMNS, len(self._cells))
        rows = math.ceil(len(self._cells) / columns)
        sheet = np.full((rows * (h + GAP_PX) + GAP_PX, columns * (w + GAP_PX) + GAP_PX, 3), PAPER, np.uint8)
        for number, cell in enumerate(self._cells):
            top = GAP_PX + number // columns * (h + GAP_PX)
            left = GAP_PX + number % columns * (w + GAP_PX)
            sheet[top : top + h, left : left + w] = cell
        return sheet
