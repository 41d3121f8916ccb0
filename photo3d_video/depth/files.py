"""Depth maps as files: the user's own maps, what phones embed, and the map that this program writes.

Every map becomes disparity: float32, larger is nearer. Pictures count as white is near unless told otherwise.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from photo3d_video.depth.disparity import disparity_from_array
from photo3d_video.errors import InputError, OutputError

_BESIDE_SUFFIXES = (".png", ".tif", ".tiff", ".npy", ".npz", ".pfm", ".exr")
_PICTURE_FORMATS = ("PNG", "TIFF", "JPEG", "WEBP", "BMP")
_HEIF_SUFFIXES = (".heic", ".heif", ".hif")


def read_disparity(path: str | os.PathLike[str], far_is_white: bool = False) -> npt.NDArray[np.float32]:
    """Read a depth map: (H, W) float32, finite, larger is nearer, in the file's own scale.

    Reads 8 and 16-bit PNG, TIFF (also float), JPEG, WebP and BMP (integer levels become 0..1), `.npy`, `.npz`, PFM,
    EXR where the installed OpenCV can, and the depth that phones embed in HEIC. `far_is_white` as in
    `disparity_from_array`.

    Raises InputError where the file is missing, unreadable, coloured or no map.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    try:
        if not path.is_file():
            raise InputError(f"{path} is no file: give a depth map (PNG, TIFF, .npy, .npz, PFM, EXR or portrait HEIC)")
        if suffix in (".npy", ".npz"):
            values = _read_numpy(path)
        elif suffix == ".pfm":
            values = _read_pfm(path)
        elif suffix == ".exr":
            values = _read_exr(path)
        elif suffix in _HEIF_SUFFIXES:
            values, stores_distance = _read_heif(path)
            far_is_white ^= stores_distance
        else:
            values = _read_picture(path)
    except InputError:
        raise
    except Exception as error:  # on damaged files, decoders raise anything from EOFError to IndexError
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} cannot be read as a depth map ({reason}): give a 16-bit PNG or .npy") from error
    return disparity_from_array(values, far_is_white, str(path))


def find_beside(photo_path: str | os.PathLike[str]) -> Path | None:
    """The user's own map of a photo: `photo.depth.png` (.tif, .npy, .npz, .pfm, .exr) beside `photo.jpg`, or None."""
    photo_path = Path(photo_path)
    for suffix in _BESIDE_SUFFIXES:
        candidate = photo_path.with_name(f"{photo_path.stem}.depth{suffix}")
        if candidate.is_file():
            return candidate
    return None


def write_disparity_png(path: str | os.PathLike[str], disparity: npt.NDArray[np.float32]) -> None:
    """Write (H, W) disparity 0..1 as 16-bit grey PNG, white is near: `read_disparity` gives it back to 1/65535.

    Raises OutputError where the file cannot be written; nothing half-written is left.
    """
    path = Path(path)
    levels = np.round(np.clip(disparity, 0, 1).astype(np.float64) * 65535).astype(np.uint16)
    _, data = cv2.imencode(".png", levels)
    part = path.with_name(f".{path.name}.part")
    try:
        try:
            part.write_bytes(data.tobytes())
            part.replace(path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputError(f"cannot write {path} ({error.strerror}): choose another folder") from error


def _read_numpy(path: Path) -> npt.NDArray[Any]:
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        names = loaded.files
        if len(names) != 1 and "disparity" not in names:
            raise InputError(f"{path} holds {len(names)} arrays: keep one, or name it 'disparity'")
        array: npt.NDArray[Any] = loaded[names[0] if len(names) == 1 else "disparity"]
        return array


def _read_pfm(path: Path) -> npt.NDArray[Any]:
    data = path.read_bytes()
    header = re.match(rb"(PF|Pf)\s+(\d{1,6})\s+(\d{1,6})\s+(-?\d+\.?\d*(?:[eE][-+]?\d+)?)\s", data)
    if header is None:
        raise InputError(f"{path} is not a PFM file: give a 16-bit PNG or .npy")
    width, height, channels = int(header[2]), int(header[3]), 3 if header[1] == b"PF" else 1
    # The sign of the scale gives the byte order; rows run from the bottom up.
    dtype = "<f4" if header[4].startswith(b"-") else ">f4"
    values = np.frombuffer(data, dtype, count=width * height * channels, offset=header.end())
    return values.reshape(height, width, channels)[::-1].astype(np.float32)


def _read_exr(path: Path) -> npt.NDArray[Any]:
    try:
        values = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error:
        values = None
    if values is None:
        raise InputError(
            f"{path}: the installed OpenCV cannot read this EXR: set OPENCV_IO_ENABLE_OPENEXR=1 where it was built "
            "with OpenEXR, or convert the map to .npy or 16-bit PNG"
        )
    return values


def _read_heif(path: Path) -> tuple[npt.NDArray[Any], bool]:
    """The embedded map, and whether its larger values are farther."""
    import pillow_heif

    depth_images = pillow_heif.open_heif(path, convert_hdr_to_8bit=False).info.get("depth_images", [])
    if not depth_images:
        raise InputError(f"{path} holds no depth map: only portrait photos do; leave the depth out to estimate it")
    kind = depth_images[0].info["metadata"].get("representation_type")
    return np.asarray(depth_images[0]), kind == pillow_heif.HeifDepthRepresentationType.UNIFORM_Z


def _read_picture(path: Path) -> npt.NDArray[Any]:
    with Image.open(path, formats=_PICTURE_FORMATS) as image:
        image.load()
        if image.mode in ("1", "L", "LA"):
            return np.asarray(image.convert("L"))
        if image.mode == "I":  # 16-bit PNG in older Pillows
            values = np.asarray(image)
            return values.astype(np.uint16) if values.min() >= 0 and values.max() <= 65535 else values
        if image.mode == "F" or image.mode.startswith("I;16"):
            return np.asarray(image)
        if image.mode == "P":
            return np.asarray(image.convert("RGB"))
    # Of pictures with several channels, Pillow keeps only 8 bits.
    decoded = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None:
        raise InputError(f"{path} cannot be read as a depth map: give a 16-bit grey PNG or .npy")
    return decoded
