"""Which files may train shipped weights: the photo folder's index and its licences."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

# Terms that rule a source out. "Research use" and "unstated" photos are learned from, as web photos are.
_FORBIDDEN = re.compile(r"\bNC\b|non-commercial", re.IGNORECASE)


@dataclass(frozen=True)
class LabelledPhoto:
    """One training photo and its teacher's range of log-disparity."""

    name: str  # "folder/stem"
    log_lo: float
    log_hi: float

    @property
    def folder(self) -> str:
        return self.name.split("/")[0]


def forbidden_folders(data: Path) -> set[str]:
    """Folders ("photos/x", "pairs/y") whose licence column names non-commercial terms."""
    with (data / "SOURCES.tsv").open() as file:
        rows = csv.DictReader(file, delimiter="\t")
        return {row["folder"] for row in rows if _FORBIDDEN.search(row["licence"])}


def training_photos(data: Path) -> Iterator[LabelledPhoto]:
    """Photos of `data/photos.csv` that may train shipped weights, in the file's order."""
    forbidden = forbidden_folders(data)
    with (data / "photos.csv").open() as file:
        for row in csv.DictReader(file):
            photo = LabelledPhoto(row["photo"], float(row["log_disparity_lo"]), float(row["log_disparity_hi"]))
            if f"photos/{photo.folder}" not in forbidden:
                yield photo


def training_pairs(data: Path) -> Iterator[Path]:
    """Photos of `data/pairs` (each with a .png of disparity beside it), sorted by name."""
    forbidden = forbidden_folders(data)
    for path in sorted((data / "pairs").glob("*/*.jpg")):
        if f"pairs/{path.parent.name}" not in forbidden:
            yield path


def read_picture(path: Path) -> npt.NDArray[np.uint8]:
    """A picture file as it is stored: (H, W, 3) RGB, or (H, W) for one channel (16 bit where the file has it)."""
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise FileNotFoundError(f"{path} cannot be read")
    return np.ascontiguousarray(picture[..., ::-1] if picture.ndim == 3 else picture)
