"""Depth maps as files: the user's own maps, what phones embed, and the map that this program writes.

Every map becomes disparity: float32, larger is nearer. Pictures count as white is near unless told otherwise.
"""

import logging
import os
import re
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from photo3d_video.errors import InputError, OutputError

log = logging.getLogger(__name__)

MAX_ASPECT_DIFFERENCE = 0.02
# Outliers are cut off at either end of the range; more would flatten small objects close to the camera.
OUTLIER_FRACTION = 0.001
MIN_SIDE = 16

_BESIDE_SUFFIXES = (".png", ".tif", ".tiff", ".npy", ".npz", ".pfm", ".exr")
_PICTURE_FORMATS = ("PNG", "TIFF", "JPEG", "WEBP", "BMP")
_HEIF_SUFFIXES = (".heic", ".heif", ".hif")

# Neighbours that differ by more than this part of the map's range belong to different surfaces.
_STEP = 0.04
# Colour difference (0..255) at which a neighbour counts about 60 % of one of equal colour.
_COLOUR_SIGMA = 15.0
# Pixels per block while steps are resampled: bounds the memory at about 100 MB.
_BLOCK = 1 << 19


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


def disparity_from_array(
    values: npt.NDArray[Any], far_is_white: bool = False, name: str = "the depth map"
) -> npt.NDArray[np.float32]:
    """Any depth map as (H, W) float32, finite, larger is nearer.

    `values` is (H, W), or (H, W, C) with equal channels; unsigned 8 and 16-bit levels become 0..1. With
    `far_is_white`, larger values are farther: floating-point values beyond 1 are distances and become 1/distance (0 is
    a hole, infinity is disparity 0), all others are flipped. Non-finite pixels take the nearest finite pixel's value.

    Raises InputError, starting with `name`, for other shapes and types, true colour, and maps without a finite pixel.
    """
    plane = _single_channel(np.asarray(values), name)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        if plane.dtype in (np.uint8, np.uint16):
            disparity = plane.astype(np.float32) / np.float32(np.iinfo(plane.dtype).max)
        else:
            disparity = plane.astype(np.float32)
        finite = disparity[np.isfinite(disparity)]
        if finite.size == 0:
            raise InputError(f"{name} has no finite value: export it again")
        if far_is_white:
            is_distance = finite.min() >= 0 and finite.max() > 1
            disparity = 1 / disparity if is_distance else finite.max() - disparity
    disparity = _filled(disparity)
    _warn_if_poor(disparity, name)
    return disparity


def normalise_disparity(raw: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """Scale (H, W) disparity of any range to float32 0..1, outliers clipped; a constant map becomes 0.5.

    A map that is already normalised comes back as it is. Raises InputError for non-finite values.
    """
    values = raw.astype(np.float64)
    if not np.isfinite(values).all():
        raise InputError("the depth map holds non-finite values: fill them first")
    low, high = _robust_range(values)
    if not high > low:
        low, high = float(values.min()), float(values.max())
    if not high > low:
        return np.full(values.shape, 0.5, np.float32)
    return np.clip((values - low) / (high - low), 0, 1).astype(np.float32)


def fit_to_photo(
    disparity: npt.NDArray[np.float32], photo_rgb: npt.NDArray[np.uint8], name: str = "the depth map"
) -> npt.NDArray[np.float32]:
    """Resample (h, w) disparity to the size of `photo_rgb` (H, W, 3) uint8: (H, W) float32.

    Smooth surfaces are interpolated. At steps every pixel takes the value of one of the nearest pixels of the map,
    the one whose colour in the photo agrees: steps stay sharp, and land on the photo's own edges.

    Raises InputError, starting with `name`, where the aspect ratios differ by more than `MAX_ASPECT_DIFFERENCE`.
    """
    h, w = disparity.shape
    height, width = photo_rgb.shape[:2]
    if abs(w * height / (h * width) - 1) > MAX_ASPECT_DIFFERENCE:
        raise InputError(f"{name} is {w} x {h} px and the photo {width} x {height}: crop one to the other's aspect")
    if (h, w) == (height, width):
        return np.ascontiguousarray(disparity, np.float32)

    shrinks = w > width
    smooth = cv2.resize(disparity, (width, height), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    fitted = np.asarray(smooth, np.float32)
    # A map pixel is at a step when the pixels that are averaged around it (3 x 3, or more when shrinking) differ.
    kernel = np.ones((2 * -(-w // (2 * width)) + 1,) * 2, np.uint8)
    local_range = cv2.dilate(disparity, kernel) - cv2.erode(disparity, kernel)
    low, high = _robust_range(disparity)
    at_step = local_range > _STEP * (high - low)
    # Centre of photo pixel i, in pixels of the map.
    y_map = (np.arange(height) + 0.5) * h / height
    x_map = (np.arange(width) + 0.5) * w / width
    rows, columns = np.nonzero(at_step[np.ix_(y_map.astype(int), x_map.astype(int))])
    guide = cv2.resize(photo_rgb, (w, h), interpolation=cv2.INTER_LINEAR if shrinks else cv2.INTER_AREA)
    for start in range(0, rows.size, _BLOCK):
        r, c = rows[start : start + _BLOCK], columns[start : start + _BLOCK]
        fitted[r, c] = _agreeing_value(disparity, guide, photo_rgb[r, c], y_map[r], x_map[c])
    return fitted


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


def _single_channel(values: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
    if values.dtype.kind not in "biuf":
        raise InputError(f"{name} holds {values.dtype} values: give numbers")
    if values.ndim == 3 and values.shape[0] == 1:
        values = values[0]
    if values.ndim == 3 and values.shape[2] in (1, 2, 3, 4):
        # With 2 or 4 channels the last one is opacity.
        colours = values[..., : 1 if values.shape[2] < 3 else 3]
        # JPEG and exports through colour profiles leave neighbouring levels in a grey picture.
        tolerance = 2 if values.dtype == np.uint8 else 2 * 257 if values.dtype == np.uint16 else 1e-3
        spread = (colours.max(axis=2) - colours.min(axis=2))[np.isfinite(colours).all(axis=2)]
        if spread.size and spread.max() > tolerance:
            raise InputError(f"{name} is coloured: give a grey depth map (a colour-coded one cannot be read back)")
        values = values[..., 0]
    if values.ndim != 2:
        raise InputError(f"{name} has shape {values.shape}: a depth map is (height, width)")
    if min(values.shape) < MIN_SIDE:
        raise InputError(f"{name} is {values.shape[1]} x {values.shape[0]} px: give at least {MIN_SIDE} px a side")
    return values


def _filled(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Non-finite pixels take the value of the nearest finite one."""
    invalid = ~np.isfinite(values)
    if not invalid.any():
        return values
    from scipy import ndimage

    nearest = ndimage.distance_transform_edt(invalid, return_distances=False, return_indices=True)
    return np.asarray(values[tuple(nearest)])


def _warn_if_poor(disparity: npt.NDArray[np.float32], name: str) -> None:
    low, high = _robust_range(disparity)
    if high - low <= 0.02 * max(abs(low), abs(high)):
        log.warning("%s is nearly constant: the clip will show little depth", name)
        return
    sample = disparity.ravel()[:: max(1, disparity.size >> 18)]
    if sample.size >= 4096 and (levels := np.unique(sample).size) <= 256:
        log.warning("%s has only %d distinct levels: slopes may show steps, 16 bits are better", name, levels)


def _robust_range(values: npt.NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Both ends of the range without outliers.

    They are pixels of the map, not interpolated: so a clipped and scaled map has exactly 0 and 1 here.
    """
    flat = values.ravel()
    skip = int(OUTLIER_FRACTION * (flat.size - 1))
    ordered = np.partition(flat, (skip, flat.size - 1 - skip))
    return float(ordered[skip]), float(ordered[flat.size - 1 - skip])


def _agreeing_value(
    disparity: npt.NDArray[np.float32],
    guide: npt.NDArray[Any],
    colours: npt.NDArray[np.uint8],
    y: npt.NDArray[np.float64],
    x: npt.NDArray[np.float64],
) -> npt.NDArray[np.float32]:
    """For n points, the weighted median of the 3 x 3 map pixels around each: near and of like colour weighs most.

    disparity: (h, w). guide: (h, w, 3) the photo at that size. colours: (n, 3). y, x: (n,) in pixels of the map.
    """
    h, w = disparity.shape
    values = np.empty((9, y.size), np.float32)
    weights = np.empty((9, y.size), np.float32)
    for k, (dy, dx) in enumerate(np.ndindex(3, 3)):
        row = np.clip(y.astype(int) + dy - 1, 0, h - 1)
        column = np.clip(x.astype(int) + dx - 1, 0, w - 1)
        distance2 = (row + 0.5 - y) ** 2 + (column + 0.5 - x) ** 2
        difference2 = ((guide[row, column].astype(np.float32) - colours) ** 2).sum(axis=1)
        # The small constant lets distance decide where no neighbour has a like colour.
        agreement = np.exp(-difference2 / (2 * _COLOUR_SIGMA**2)) + 1e-3
        values[k] = disparity[row, column]
        weights[k] = np.exp(-distance2 / 2) * agreement
    order = values.argsort(axis=0)
    cumulated = np.take_along_axis(weights, order, axis=0).cumsum(axis=0)
    middle = (cumulated >= cumulated[-1] / 2).argmax(axis=0)
    chosen = np.take_along_axis(order, middle[None], axis=0)
    return np.asarray(np.take_along_axis(values, chosen, axis=0)[0])
