"""Photos with colour profiles, made here, come out in sRGB."""

import struct
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from photo3d_video.photo import load_photo
from tests.pictures import close, quadrants, save

pillow_heif.register_heif_opener()


def icc_profile(space: str, tags: dict[str, bytes], kind: str = "mntr", pcs: str = "XYZ ") -> bytes:
    """A version 2 colour profile."""
    text = b"test\0"
    tags = {
        "desc": b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(78),
        "cprt": b"text" + bytes(4) + text,
        "wtpt": xyz(0.9642, 1.0, 0.8249),
        **tags,
    }
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += struct.pack(">4sII", name.encode(), 128 + 4 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">II", 128 + len(table) + len(body), 0) + bytes.fromhex("02400000")
    header += (kind + space + pcs).encode() + bytes(12) + b"acsp" + bytes(28) + xyz(0.9642, 1.0, 0.8249)[8:]
    return header.ljust(128, b"\0") + table + body


def xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(v * 65536) for v in values))


def curve(values: np.ndarray) -> bytes:
    return b"curv" + bytes(4) + struct.pack(f">I{len(values)}H", len(values), *np.round(values * 65535).astype(int))


def to_linear(v: np.ndarray) -> np.ndarray:
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def from_linear(v: np.ndarray) -> np.ndarray:
    v = np.clip(v, 0, 1)
    return np.where(v <= 0.0031308, v * 12.92, 1.055 * v ** (1 / 2.4) - 0.055)


def display_p3() -> bytes:
    trc = curve(to_linear(np.linspace(0, 1, 1024)))
    return icc_profile(
        "RGB ",
        {
            "rXYZ": xyz(0.51512, 0.24120, -0.00105),
            "gXYZ": xyz(0.29198, 0.69225, 0.04189),
            "bXYZ": xyz(0.15710, 0.06657, 0.78407),
            **dict.fromkeys(("rTRC", "gTRC", "bTRC"), trc),
        },
    )


def adobe_rgb() -> bytes:
    trc = curve(np.linspace(0, 1, 1024) ** 2.19921875)
    return icc_profile(
        "RGB ",
        {
            "rXYZ": xyz(0.60974, 0.31111, 0.01947),
            "gXYZ": xyz(0.20528, 0.62567, 0.06087),
            "bXYZ": xyz(0.14919, 0.06322, 0.74457),
            **dict.fromkeys(("rTRC", "gTRC", "bTRC"), trc),
        },
    )


def cmyk_of_black_only() -> bytes:
    """A printer on which only K counts: L* runs from 100 to 0."""
    ends = struct.pack(">2H", 0, 65535)
    grid = b"".join(struct.pack(">3H", 0 if k else 0xFF00, 0x8000, 0x8000) for _ in range(8) for k in (0, 1))
    matrix = struct.pack(">9i", *(65536 if i % 4 == 0 else 0 for i in range(9)))
    lut = b"mft2" + bytes(4) + bytes((4, 3, 2, 0)) + matrix + struct.pack(">2H", 2, 2) + ends * 4 + grid + ends * 3
    return icc_profile("CMYK", {"A2B0": lut, "A2B1": lut}, kind="prtr", pcs="Lab ")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tiff", ".webp", ".heic", ".avif"])
def test_display_p3_becomes_srgb(tmp_path: Path, suffix: str) -> None:
    options: dict[str, object] = (
        {"lossless": True} if suffix == ".webp" else {} if suffix in (".png", ".tiff") else {"quality": 98}
    )
    photo = load_photo(save(tmp_path / f"p{suffix}", quadrants(), icc_profile=display_p3(), **options))
    to_srgb = np.array([[1.22494, -0.22494, 0], [-0.04206, 1.04206, 0], [-0.01964, -0.07864, 1.09828]])
    expected = from_linear(to_linear(quadrants() / 255) @ to_srgb.T) * 255
    assert np.abs(expected - quadrants()).max() > 15
    assert close(photo, expected, 2.5)


def test_adobe_rgb_becomes_srgb(tmp_path: Path) -> None:
    photo = load_photo(save(tmp_path / "p.png", quadrants(), icc_profile=adobe_rgb()))
    to_srgb = np.array([[1.39836, -0.39836, 0], [0, 1, 0], [0, -0.04294, 1.04294]])
    assert close(photo, from_linear((quadrants() / 255) ** 2.19921875 @ to_srgb.T) * 255, 1)


def test_grey_profile(tmp_path: Path) -> None:
    linear = icc_profile("GRAY", {"kTRC": curve(np.linspace(0, 1, 256))})
    for pixels in (np.full((32, 32), 128, np.uint8), np.full((32, 32), 128 * 257, np.uint16)):
        photo = load_photo(save(tmp_path / "p.png", pixels, icc_profile=linear))
        assert np.abs(photo.rgb.astype(int) - 188).max() <= 1


def test_cmyk_profile(tmp_path: Path) -> None:
    ink = np.zeros((32, 32, 4), np.uint8)
    ink[..., 3] = 127
    Image.fromarray(ink, "CMYK").save(tmp_path / "p.tiff", icc_profile=cmyk_of_black_only())
    assert np.abs(load_photo(tmp_path / "p.tiff").rgb.astype(int) - 119).max() <= 2  # L* = 50


def test_srgb_profile_leaves_pixels_alone(tmp_path: Path) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(load_photo(save(tmp_path / "p.png", rgb, icc_profile=icc)).rgb, rgb)


@pytest.mark.parametrize("icc", [b"garbage", display_p3()[:200], icc_profile("GRAY", {"kTRC": curve(np.ones(2))})])
def test_unusable_profile_is_ignored_with_a_warning(
    tmp_path: Path, icc: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    photo = load_photo(save(tmp_path / "p.png", quadrants(), icc_profile=icc))
    assert np.array_equal(photo.rgb, quadrants())
    assert "colour profile ignored" in caplog.text and "p.png" in caplog.text
