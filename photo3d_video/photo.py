"""Photos: any common picture file in, upright 8-bit sRGB out."""

import logging
import math
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from photo3d_video.errors import InputError
from photo3d_video.focal import focal_px_from_exif

log = logging.getLogger(__name__)

# Sharp in a 1080p clip whose camera comes 25 % closer, while the stages after loading stay within seconds and 1 GB.
DEFAULT_MAX_SIZE = 2560
MIN_SIDE = 16
# Phones make 200 MP photos. Beyond this, a file is an attack or a mistake.
MAX_PIXELS = 500_000_000

# Pillow also opens formats that run other programs or that nobody photographs in.
_FORMATS = ("JPEG", "MPO", "PNG", "WEBP", "TIFF", "HEIF", "AVIF", "GIF", "BMP")
_FORMAT_NAMES = "JPEG, PNG, WebP, TIFF, HEIC, AVIF, GIF or BMP"
# Most raw files are TIFFs whose first picture is a thumbnail: loading that without a word would be worse than refusing.
_RAW_SUFFIXES = {".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"}

_ICC_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_pillow_limit_lock = threading.Lock()


@dataclass(frozen=True, eq=False)
class Photo:
    """One picture, upright, in sRGB."""

    rgb: npt.NDArray[np.uint8]
    """(H, W, 3) uint8, sRGB, C-contiguous."""
    focal_px: float | None
    """Focal length in pixels of `rgb`, from EXIF; None where unknown."""
    path: Path | None
    """The file it came from; None for a picture given as an array."""
    original_size: tuple[int, int]
    """(width, height) in px, upright, before `max_size` was applied."""


def load_photo(
    path: str | os.PathLike[str],
    max_size: int = DEFAULT_MAX_SIZE,
    background: tuple[int, int, int] = (255, 255, 255),
) -> Photo:
    """Load the first picture of a file: upright, in sRGB, at most `max_size` px on the long side.

    EXIF orientation (or the transform of a HEIF container) is applied, an embedded colour profile is converted to
    sRGB, and transparency is composited on `background` (sRGB, 0..255).

    Raises InputError where the file is missing, no picture, damaged, too large (`MAX_PIXELS`) or smaller than
    `MIN_SIDE` px on a side.
    """
    path = Path(path)
    _check_max_size(max_size)
    try:
        _check_file(path)
        with _opened(path) as image:
            if math.prod(image.size) > MAX_PIXELS:
                raise InputError(
                    f"{path}: {image.width} x {image.height} px is more than the limit of {MAX_PIXELS // 10**6} "
                    "megapixels: give a smaller copy"
                )
            original_size = _load(image, max_size)
            orientation, exif = _exif(image)
            rgb = np.asarray(_to_srgb(image, max_size, background, path))
    except InputError:
        raise
    except UnidentifiedImageError as error:
        raise InputError(f"{path} is not a readable picture: give an undamaged {_FORMAT_NAMES} file") from error
    except Exception as error:  # on damaged files, decoders raise anything from EOFError to IndexError
        if isinstance(error, OSError) and error.strerror:
            raise InputError(f"cannot read {path} ({error.strerror}): check its name and permissions") from error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path} cannot be decoded ({reason}): the file is damaged or incomplete") from error

    rgb = _limit_size(_oriented(rgb, orientation), max_size)
    if orientation >= 5:
        original_size = original_size[::-1]
    _check_sides(rgb, original_size, str(path))
    focal_px = None if exif is None else _focal_px(exif, rgb)
    return Photo(rgb, focal_px, path, original_size)


def photo_from_array(
    rgb: npt.NDArray[np.uint8], focal_px: float | None = None, max_size: int = DEFAULT_MAX_SIZE
) -> Photo:
    """A `Photo` from an array (H, W, 3) uint8 sRGB; `focal_px` belongs to the array's own size.

    Raises InputError where shape, type or size cannot be used.
    """
    _check_max_size(max_size)
    array: npt.NDArray[Any] = np.asarray(rgb)
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
        raise InputError(
            f"a photo given as an array must be (H, W, 3) uint8 sRGB, not {array.shape} {array.dtype}: convert it first"
        )
    if focal_px is not None and not (math.isfinite(focal_px) and focal_px > 0):
        raise InputError(f"the focal length {focal_px} px must be a positive number")
    original_size = (array.shape[1], array.shape[0])
    _check_sides(array, original_size, "the photo given as an array")
    limited = _limit_size(array, max_size)
    _check_sides(limited, original_size, "the photo given as an array")
    if focal_px is not None:
        focal_px *= max(limited.shape[:2]) / max(original_size)
    return Photo(limited, focal_px, None, original_size)


def _check_max_size(max_size: int) -> None:
    if max_size < MIN_SIDE:
        raise InputError(f"the largest photo size {max_size} px is too small: give at least {MIN_SIDE}")


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"{path} is a folder: give a picture file")
    if not path.exists():
        raise InputError(f"{path} does not exist: check the name")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty: copy or export it again")
    if path.suffix.lower() in _RAW_SUFFIXES:
        raise InputError(f"{path} is a camera raw file: export it as JPEG or TIFF first")


def _check_sides(rgb: npt.NDArray[np.uint8], original_size: tuple[int, int], name: str) -> None:
    if min(rgb.shape[:2]) < MIN_SIDE:
        raise InputError(
            f"{name}: {original_size[0]} x {original_size[1]} px is too small or too narrow: both sides must have "
            f"at least {MIN_SIDE} px once the long side fits the size limit"
        )


@contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    with path.open("rb") as file:
        if file.read(12)[4:8] == b"ftyp":
            import pillow_heif

            pillow_heif.register_heif_opener()
    Image.init()
    formats = [name for name in _FORMATS if name in Image.OPEN]  # older Pillows have no AVIF
    # Pillow's own limit (89 MP warns, 179 MP fails) is a module variable, and lower than what phones make.
    with _pillow_limit_lock:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            image = Image.open(path, formats=formats)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    with image:
        yield image


def _load(image: Image.Image, max_size: int) -> tuple[int, int]:
    """Decode in place; (width, height) of the picture in the file."""
    size = image.size
    if image.format in ("JPEG", "MPO"):
        # The decoder shrinks by 2, 4 or 8 on its way, which keeps a 50 MP photo cheap in time and memory.
        scale = max_size / max(size)
        draft = image.draft(None, (math.ceil(size[0] * scale), math.ceil(size[1] * scale)))
        image.load()
        return size if draft else image.size
    image.load()
    return image.size  # HEIF and TIFF pictures can turn while they are decoded


def _exif(image: Image.Image) -> tuple[int, Image.Exif | None]:
    """The orientation 1..8 that is still to be applied, and the tags; (1, None) where they are damaged."""
    try:
        exif = image.getexif()
        orientation = exif.get(ExifTags.Base.Orientation, 1)
    except Exception as error:  # the parser raises struct.error, SyntaxError, KeyError... on damaged tags
        log.debug("ignoring damaged EXIF: %s", error)
        return 1, None
    return (orientation if orientation in range(1, 9) else 1), exif


def _focal_px(exif: Image.Exif, rgb: npt.NDArray[np.uint8]) -> float | None:
    try:
        return focal_px_from_exif(exif, rgb.shape[1], rgb.shape[0])
    except Exception as error:  # as in _exif: the part with the lens is parsed only now
        log.debug("ignoring damaged EXIF: %s", error)
        return None


def _to_srgb(image: Image.Image, max_size: int, background: tuple[int, int, int], path: Path) -> Image.Image:
    """8-bit sRGB without transparency, of at most twice `max_size`."""
    icc: bytes | None = image.info.get("icc_profile")
    colour, alpha = _split_alpha(image, path)
    factor = max(image.size) // max_size
    if factor >= 2 and alpha is None:
        colour = colour.reduce(factor)  # averages whole blocks, before the costlier steps
    rgb = _apply_profile(colour, icc, path) if icc else colour.convert("RGB")
    if alpha is None:
        return rgb
    canvas = Image.new("RGB", rgb.size, background)
    canvas.paste(rgb, mask=alpha)
    return canvas


def _split_alpha(image: Image.Image, path: Path) -> tuple[Image.Image, Image.Image | None]:
    """The colour in mode L, RGB or CMYK, and the opacity in mode L (None where all is opaque)."""
    if image.mode == "F" or image.mode.startswith("I"):
        return _grey_from_deep(image, path), None
    grey = image.mode in ("1", "L", "LA", "La")
    if image.has_transparency_data:
        image = image.convert("LA" if grey else "RGBA")
        alpha = image.getchannel("A")
    else:
        alpha = None
    if grey:
        return image.convert("L"), alpha
    return (image if image.mode == "CMYK" else image.convert("RGB")), alpha


def _grey_from_deep(image: Image.Image, path: Path) -> Image.Image:
    values = np.asarray(image)
    if image.mode == "F" or values.min() < 0 or values.max() > 65535:
        raise InputError(f"{path} holds {image.mode} (floating-point or 32-bit) pixels: save it with 8 or 16 bits")
    # Pillow's own conversion clips at 255 instead of scaling.
    return Image.fromarray(((values.astype(np.uint32) * 255 + 32767) // 65535).astype(np.uint8))


def _apply_profile(colour: Image.Image, icc: bytes, path: Path) -> Image.Image:
    try:
        profile = ImageCms.ImageCmsProfile(BytesIO(icc))
        space = profile.profile.xcolor_space.strip()
        if space != _ICC_SPACES[colour.mode]:
            raise ImageCms.PyCMSError(f"it is for {space}, the picture is {colour.mode}")
        transform = ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            colour.mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        if colour.mode == "RGB" and _is_identity(transform):
            return colour
        converted = ImageCms.applyTransform(colour, transform)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        log.warning("%s: colour profile ignored (%s)", path, " ".join(str(error).split()))
        return colour.convert("RGB")
    assert converted is not None  # it is None only for a transform in place
    return converted


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether the profile is sRGB by any name: then the pixels stay as they are, free of rounding."""
    levels = np.linspace(0, 255, 9).round().astype(np.uint8)
    probe = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    result = np.asarray(ImageCms.applyTransform(Image.fromarray(probe), transform))
    return bool(np.abs(result.astype(int) - probe).max() <= 1)


def _oriented(rgb: npt.NDArray[np.uint8], orientation: int) -> npt.NDArray[np.uint8]:
    """Apply an EXIF orientation 1..8 to (H, W, 3)."""
    if orientation >= 5:
        rgb = rgb.transpose(1, 0, 2)
    # What remains, after the transpose of 5..8, is a flip of one or both axes.
    if orientation in (3, 4, 7, 8):
        rgb = rgb[::-1]
    if orientation in (2, 3, 6, 7):
        rgb = rgb[:, ::-1]
    return rgb


def _limit_size(rgb: npt.NDArray[np.uint8], max_size: int) -> npt.NDArray[np.uint8]:
    """At most `max_size` px on the long side, C-contiguous."""
    height, width = rgb.shape[:2]
    rgb = np.ascontiguousarray(rgb)
    if max(width, height) <= max_size:
        return rgb
    scale = max_size / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
