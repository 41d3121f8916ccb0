"""Focal lengths in pixels, from what cameras write into EXIF."""

import math
from typing import Any

from PIL import ExifTags, Image

FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)

# Outside of this range the tag is a placeholder or damage: the widest fisheye and the longest telescope lie within.
PLAUSIBLE_35MM = (5.0, 1500.0)

# EXIF FocalPlaneResolutionUnit -> millimetres.
_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}


def focal_35mm_to_px(focal_35mm: float, width: int, height: int) -> float:
    """Focal length in pixels of a picture of `width` x `height` px, from its 35 mm equivalent in mm.

    The equivalent compares diagonals (CIPA DCG-001), so that it means the same for 3:2, 4:3 and portrait pictures.
    """
    return focal_35mm * math.hypot(width, height) / FULL_FRAME_DIAGONAL_MM


def focal_px_to_35mm(focal_px: float, width: int, height: int) -> float:
    """Inverse of `focal_35mm_to_px`."""
    return focal_px * FULL_FRAME_DIAGONAL_MM / math.hypot(width, height)


def focal_px_from_exif(exif: Image.Exif, width: int, height: int) -> float | None:
    """Focal length in pixels for a picture of `width` x `height` px, or None where EXIF has no plausible one.

    The 35 mm equivalent comes first; then the focal length in mm with the resolution of the focal plane.
    """
    tags = exif.get_ifd(ExifTags.IFD.Exif)
    focal_35mm = _positive(tags.get(ExifTags.Base.FocalLengthIn35mmFilm))
    if focal_35mm is None or not _plausible(focal_35mm):
        focal_35mm = _focal_35mm_from_sensor(tags, width, height)
    if focal_35mm is None or not _plausible(focal_35mm):
        return None
    return focal_35mm_to_px(focal_35mm, width, height)


def _focal_35mm_from_sensor(tags: dict[int, Any], width: int, height: int) -> float | None:
    focal_mm = _positive(tags.get(ExifTags.Base.FocalLength))
    px_per_unit = _positive(tags.get(ExifTags.Base.FocalPlaneXResolution))
    unit_mm = _UNIT_MM.get(tags.get(ExifTags.Base.FocalPlaneResolutionUnit, 2))
    if focal_mm is None or px_per_unit is None or unit_mm is None:
        return None
    # The resolution counts the pixels of the sensor's own picture; `width` x `height` may be a smaller copy of it.
    sensor_px = max(
        _positive(tags.get(ExifTags.Base.ExifImageWidth)) or width,
        _positive(tags.get(ExifTags.Base.ExifImageHeight)) or height,
    )
    focal_px = focal_mm * px_per_unit / unit_mm * max(width, height) / sensor_px
    return focal_px_to_35mm(focal_px, width, height)


def _plausible(focal_35mm: float) -> bool:
    return PLAUSIBLE_35MM[0] <= focal_35mm <= PLAUSIBLE_35MM[1]


def _positive(value: Any) -> float | None:
    """The tag as a finite positive number, or None: EXIF holds 0/0, text and tuples as well."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) and number > 0 else None
