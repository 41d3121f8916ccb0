"""Whether the subject of a photo stays in the frame, and sheets of frames to look at."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import numpy.typing as npt

from camera_paths import CameraPath, View, project

if TYPE_CHECKING:
    from photo3d_video.pipeline import Picture

UInt8 = npt.NDArray[np.uint8]

TOP_SHARE = 0.1  # of the subject's height: where the head is
CELL_PX = 160  # long side of a picture on a sheet
TEXT_PX = 14


def subject_in_frame(picture: Picture, path: CameraPath, view: View) -> dict[str, float]:
    """Least share, over all frames, of the subject's pixels in the photo's crop that are still in the frame; the same
    for the upper tenth of the subject. NaN where the photo has no subject."""
    from photo3d_video.framing import SURE, find_subject

    subject = find_subject(picture.subject)
    if subject is None or picture.subject is None:
        return {"subject_in_frame": math.nan, "subject_top_in_frame": math.nan}
    h, w = picture.subject.shape
    rows, columns = np.nonzero(picture.subject > SURE)
    inside = (columns >= subject.left * w) & (columns < subject.right * w)
    inside &= (rows >= subject.top * h) & (rows < subject.bottom * h)
    step = max(1, len(rows) // 4000)
    rows, columns = rows[inside][::step], columns[inside][::step]
    rays = np.stack([(columns + 0.5) / w, (rows + 0.5) / h], -1) * 2 - 1
    depth = 1 / picture.disparity[rows, columns].astype(np.float64)
    points = depth[:, None] * np.column_stack([rays * view.half_extent, np.ones(len(rays))])
    seen: npt.NDArray[np.bool_] = np.all(np.abs(project(path, points)) <= view.half_extent, axis=-1)  # (frames, points)
    top = rows < (subject.top + TOP_SHARE * (subject.bottom - subject.top)) * h
    return {
        "subject_in_frame": float(seen.mean(1).min()),
        "subject_top_in_frame": float(seen[:, top].mean(1).min()),
    }


class Sheet:
    """Small pictures with a line of text under each, in rows."""

    def __init__(self, cell_px: int = CELL_PX) -> None:
        """`cell_px`: long side of a picture."""
        self._cell_px = cell_px
        self._cells: list[UInt8] = []

    def add(self, text: str, rgb: UInt8) -> None:
        """The next picture, (H, W, 3)."""
        side = self._cell_px
        scale = side / max(rgb.shape[:2])
        size = max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale))
        cell = np.full((side + TEXT_PX, side, 3), 32, np.uint8)
        cell[: size[1], : size[0]] = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        cv2.putText(cell, text[-26:], (2, side + 10), cv2.FONT_HERSHEY_SIMPLEX, 0.32, (255, 255, 255), 1, cv2.LINE_AA)
        self._cells.append(cell)

    def write(self, file: Path, columns: int) -> None:
        """All pictures as a PNG."""
        from photo3d_video.files import write_picture

        missing = -len(self._cells) % columns
        cells = np.stack([*self._cells, *[np.full_like(self._cells[0], 32)] * missing])
        grid = cells.reshape(-1, columns, *cells.shape[1:]).swapaxes(1, 2)
        write_picture(file, np.ascontiguousarray(grid.reshape(-1, columns * self._cell_px, 3)))
