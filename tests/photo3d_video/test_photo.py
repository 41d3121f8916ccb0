"""Photos of every kind, drawn here, come out upright, in sRGB, in 8 bits; everything else is one clear error."""

import struct
import zlib
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from PIL import Image

from photo3d_video.errors import InputError
from photo3d_video.focal import focal_35mm_to_px, focal_px_to_35mm
from photo3d_video.photo import load_photo, photo_from_array
from tests.pictures import close, quadrants, save

pillow_heif.register_heif_opener()

MAKE, ORIENTATION, EXIF_IFD, F35, FOCAL, PLANE_X, PLANE_UNIT = 0x010F, 0x0112, 0x8769, 0xA405, 0x920A, 0xA20E, 0xA210
EXIF_WIDTH, EXIF_HEIGHT = 0xA002, 0xA003


def ramp16(width: int = 64, height: int = 32) -> np.ndarray:
    return np.linspace(0, 65535, width * height).round().astype(np.uint16).reshape(height, width)


def exif(**tags: object) -> bytes:
    data = Image.Exif()
    data[MAKE] = "test"
    names = {"f35": F35, "focal": FOCAL, "plane_x": PLANE_X, "unit": PLANE_UNIT, "w": EXIF_WIDTH, "h": EXIF_HEIGHT}
    for name, value in tags.items():
        if name == "orientation":
            data[ORIENTATION] = value
        else:
            data.get_ifd(EXIF_IFD)[names[name]] = value
    return data.tobytes()


def stored(upright: np.ndarray, orientation: int) -> np.ndarray:
    """Pixels as a camera stores them, from the definition: where in the scene are the first row and column?"""
    row, column = {
        1: ("top", "left"),
        2: ("top", "right"),
        3: ("bottom", "right"),
        4: ("bottom", "left"),
        5: ("left", "top"),
        6: ("right", "top"),
        7: ("right", "bottom"),
        8: ("left", "bottom"),
    }[orientation]
    pixels = upright.transpose(1, 0, 2) if row in ("left", "right") else upright
    if row in ("bottom", "right"):
        pixels = pixels[::-1]
    if column in ("bottom", "right"):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


@pytest.mark.parametrize(
    ("suffix", "options", "tolerance"),
    [
        (".png", {}, 0),
        (".bmp", {}, 0),
        (".webp", {"lossless": True}, 0),
        (".tiff", {"compression": "tiff_lzw"}, 0),
        (".jpg", {"quality": 95, "subsampling": 0}, 2),
        (".jpg", {"quality": 95, "progressive": True}, 3),
        (".avif", {"quality": 95}, 3),
        (".heic", {"quality": 95}, 3),
    ],
)
def test_formats(tmp_path: Path, suffix: str, options: dict[str, object], tolerance: float) -> None:
    photo = load_photo(save(tmp_path / f"p{suffix}", quadrants(), **options))
    assert photo.rgb.dtype == np.uint8 and photo.rgb.flags.c_contiguous
    assert close(photo, quadrants(), tolerance)
    assert photo.original_size == (96, 64) and photo.focal_px is None and photo.path == tmp_path / f"p{suffix}"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tiff", ".webp", ".heic", ".avif"])
def test_orientation_is_applied_once(tmp_path: Path, suffix: str, orientation: int) -> None:
    options: dict[str, object] = (
        {"lossless": True} if suffix == ".webp" else {} if suffix in (".png", ".tiff") else {"quality": 95}
    )
    path = save(
        tmp_path / f"p{suffix}", stored(quadrants(), orientation), exif=exif(orientation=orientation), **options
    )
    photo = load_photo(path)
    assert close(photo, quadrants(), 4)
    assert photo.original_size == (96, 64)
    assert photo.rgb.flags.c_contiguous


def test_heif_container_decides_over_exif(tmp_path: Path) -> None:
    """In HEIF the EXIF orientation is information only: with the container's turn set to 0, nothing turns."""
    pixels = stored(quadrants(), 6)
    data = bytearray(save(tmp_path / "p.heic", pixels, exif=exif(orientation=6), quality=95).read_bytes())
    data[data.index(b"irot") + 4] = 0
    (tmp_path / "p.heic").write_bytes(data)
    assert close(load_photo(tmp_path / "p.heic"), pixels, 4)


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_16_bit_is_scaled(tmp_path: Path, suffix: str, channels: int) -> None:
    grey = ramp16()
    stack = np.stack([grey] + [grey[::-1]] * 2 + [np.full_like(grey, 65535)], axis=-1)[..., :channels].squeeze()
    path = tmp_path / f"p{suffix}"
    cv2.imwrite(str(path), stack if channels == 1 else stack[..., [2, 1, 0, 3][:channels]])
    expected = np.stack([grey] * 3, -1) if channels == 1 else stack[..., :3]
    rgb = load_photo(path).rgb
    assert np.abs(rgb - expected / 257).max() <= 1
    assert rgb.min() == 0 and rgb.max() == 255


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "YCbCr"])
def test_modes(tmp_path: Path, mode: str) -> None:
    grey = np.where(np.arange(64) < 32, 0, 255).astype(np.uint8)[None].repeat(32, 0)
    suffix = ".jpg" if mode in ("CMYK", "YCbCr") else ".png"
    Image.fromarray(np.stack([grey] * 3, -1)).convert(mode).save(tmp_path / f"p{suffix}")
    assert close(load_photo(tmp_path / f"p{suffix}"), np.stack([grey] * 3, -1), 1)


def test_alpha_is_composited_on_the_background(tmp_path: Path) -> None:
    rgba = np.dstack([quadrants(), np.full((64, 96), 255, np.uint8)])
    rgba[:, :48, 3] = 0
    rgba[:32, 48:, 3] = 128
    expected = quadrants().astype(float)
    expected[:, :48] = (10, 20, 30)
    expected[:32, 48:] = expected[:32, 48:] * 128 / 255 + np.array((10, 20, 30)) * 127 / 255
    photo = load_photo(save(tmp_path / "p.png", rgba), background=(10, 20, 30))
    assert np.abs(photo.rgb - expected).max() <= 1
    assert tuple(load_photo(tmp_path / "p.png").rgb[0, 0]) == (255, 255, 255)
    # A colour that invisible pixels happen to have does not bleed into the rest when the picture shrinks.
    small = load_photo(tmp_path / "p.png", max_size=24, background=(10, 20, 30)).rgb
    assert np.abs(small[:, :11].astype(int) - (10, 20, 30)).max() <= 1


@pytest.mark.parametrize("mode", ["P", "RGB", "L"])
def test_transparent_colour_key(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(quadrants()).convert(mode)
    key = image.getpixel((0, 0))
    image.save(tmp_path / "p.png", transparency=key)
    assert tuple(load_photo(tmp_path / "p.png", background=(1, 2, 3)).rgb[0, 0]) == (1, 2, 3)


def test_focal_from_35mm_equivalent_follows_the_size(tmp_path: Path) -> None:
    path = save(tmp_path / "p.jpg", quadrants(300, 400), exif=exif(f35=26, orientation=6))
    assert load_photo(path).focal_px == pytest.approx(26 * 500 / 43.2666, rel=1e-4)
    assert load_photo(path, max_size=200).focal_px == pytest.approx(26 * 250 / 43.2666, rel=1e-4)
    assert focal_px_to_35mm(focal_35mm_to_px(26, 400, 300), 400, 300) == pytest.approx(26)


def test_focal_from_the_focal_plane(tmp_path: Path) -> None:
    # 5000 px on 25 mm = 200 px/mm = 2000 px/cm; 50 mm are 10000 px of 5000, so 800 px of 400.
    tags = exif(focal=50.0, plane_x=2000.0, unit=3, w=5000, h=3750)
    assert load_photo(save(tmp_path / "p.jpg", quadrants(400, 300), exif=tags)).focal_px == pytest.approx(800)


@pytest.mark.parametrize("suffix", [".png", ".webp", ".tiff", ".heic", ".avif"])
def test_focal_in_other_formats(tmp_path: Path, suffix: str) -> None:
    path = save(tmp_path / f"p{suffix}", quadrants(400, 300), exif=exif(f35=50))
    assert load_photo(path).focal_px == pytest.approx(50 * 500 / 43.2666, rel=1e-4)


@pytest.mark.parametrize(
    "tags", [{"f35": 0}, {"f35": 2}, {"f35": 2000}, {"focal": 4.2}, {"focal": 5.0, "plane_x": 0.0}]
)
def test_implausible_focal_is_ignored(tmp_path: Path, tags: dict[str, float]) -> None:
    assert load_photo(save(tmp_path / "p.jpg", quadrants(), exif=exif(**tags))).focal_px is None


def test_damaged_exif_is_ignored(tmp_path: Path) -> None:
    path = save(tmp_path / "p.jpg", quadrants(), exif=b"Exif\0\0II*\0\xff\xff\xff\xff nonsense")
    photo = load_photo(path)
    assert photo.rgb.shape == (64, 96, 3) and photo.focal_px is None


def test_size_limit_keeps_aspect_and_content(tmp_path: Path) -> None:
    big = cv2.resize(quadrants(), (3000, 2000), interpolation=cv2.INTER_NEAREST)
    for suffix in (".jpg", ".png"):
        photo = load_photo(save(tmp_path / f"p{suffix}", big), max_size=300)
        assert photo.original_size == (3000, 2000)
        assert close(photo, cv2.resize(quadrants(), (300, 200), interpolation=cv2.INTER_NEAREST), 1.5)
    assert load_photo(tmp_path / "p.jpg").rgb.shape == (1707, 2560, 3)


def test_shrinking_averages_instead_of_picking(tmp_path: Path) -> None:
    checker = np.indices((400, 600)).sum(0)[..., None].repeat(3, 2) % 2 * 255
    photo = load_photo(save(tmp_path / "p.png", checker.astype(np.uint8)), max_size=70)
    assert np.abs(photo.rgb.astype(int) - 127).max() <= 8


def test_first_of_several_pictures(tmp_path: Path) -> None:
    first, second = Image.fromarray(quadrants()), Image.new("RGB", (50, 40))
    for suffix in (".tiff", ".gif", ".webp"):
        first.save(tmp_path / f"p{suffix}", save_all=True, append_images=[second.resize(first.size)])
        assert close(load_photo(tmp_path / f"p{suffix}"), quadrants(), 8)


def png_header(width: int, height: int) -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def encoded(suffix: str) -> bytes:
    data = BytesIO()
    rgb = np.random.default_rng(0).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    Image.fromarray(rgb).save(
        data,
        {".jpg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tiff": "TIFF", ".heic": "HEIF", ".avif": "AVIF"}[suffix],
    )
    return data.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("empty.jpg", b"", "is empty"),
        ("text.jpg", b"hello, this is not a picture at all", "is not a readable picture"),
        ("photo.dng", encoded(".tiff"), "camera raw"),
        (
            "program.eps",
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n%%EndComments\n",
            "is not a readable picture",
        ),
        ("bomb.png", png_header(30000, 30000), "500 megapixels"),
        ("short.png", png_header(300, 300), "cannot be decoded"),
        *(
            (f"half{s}", encoded(s)[: len(encoded(s)) // 2], "damaged")
            for s in (".jpg", ".png", ".webp", ".tiff", ".heic", ".avif")
        ),
    ],
)
def test_unusable_files_are_one_line(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message) as caught:
        load_photo(tmp_path / name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        load_photo(tmp_path / "missing.jpg")
    with pytest.raises(InputError, match="is a folder"):
        load_photo(tmp_path)
    with pytest.raises(InputError, match="check its name"):
        load_photo(tmp_path / f"{'x' * 300}.jpg")


def test_large_limit_of_pillow_is_restored(tmp_path: Path) -> None:
    before = Image.MAX_IMAGE_PIXELS
    load_photo(save(tmp_path / "p.png", quadrants()))
    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(("width", "height"), [(15, 100), (100, 8), (1, 1), (6000, 20)])
def test_too_small_or_narrow(tmp_path: Path, width: int, height: int) -> None:
    rgb = np.zeros((height, width, 3), np.uint8)
    with pytest.raises(InputError, match=f"{width} x {height} px is too small"):
        load_photo(save(tmp_path / "p.png", rgb))
    with pytest.raises(InputError, match=f"{width} x {height} px is too small"):
        photo_from_array(rgb)


def test_float_pixels_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((32, 32), np.float32)).save(tmp_path / "p.tiff")
    with pytest.raises(InputError, match="8 or 16 bits"):
        load_photo(tmp_path / "p.tiff")


def test_photo_from_array() -> None:
    photo = photo_from_array(quadrants(), focal_px=80)
    assert np.array_equal(photo.rgb, quadrants()) and photo.focal_px == 80 and photo.path is None
    small = photo_from_array(quadrants(), focal_px=80, max_size=48)
    assert small.rgb.shape == (32, 48, 3) and small.focal_px == 40 and small.original_size == (96, 64)
    assert photo_from_array(quadrants()[:, ::-1]).rgb.flags.c_contiguous


@pytest.mark.parametrize(
    "array", [np.zeros((64, 64), np.uint8), np.zeros((64, 64, 4), np.uint8), np.zeros((64, 64, 3), np.float32), []]
)
def test_photo_from_array_refuses(array: np.ndarray) -> None:
    with pytest.raises(InputError, match="uint8"):
        photo_from_array(array)
    with pytest.raises(InputError, match="focal length"):
        photo_from_array(quadrants(), focal_px=float("nan"))
    with pytest.raises(InputError, match="too small"):
        photo_from_array(quadrants(), max_size=0)
