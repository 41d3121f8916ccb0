"""Depth maps of every kind, written here, come back as disparity; what is none is refused in one line."""

import logging
from pathlib import Path

import cv2
import numpy as np
import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from photo3d_video.depth.disparity import disparity_from_array, normalise_disparity
from photo3d_video.depth.files import find_beside, read_disparity, write_disparity_png
from photo3d_video.depth.fitting import fit_to_photo
from photo3d_video.errors import InputError, OutputError

pillow_heif.register_heif_opener()

RAMP = np.linspace(0, 1, 96 * 64, dtype=np.float32).reshape(64, 96)


def write_pfm(path: Path, values: np.ndarray, order: str = "<") -> None:
    scale = "-1.0" if order == "<" else "1.0"
    header = f"Pf\n{values.shape[1]} {values.shape[0]}\n{scale}\n".encode()
    path.write_bytes(header + values[::-1].astype(f"{order}f4").tobytes())


def write_depth_heic(path: Path, depth: np.ndarray) -> None:
    """A photo with an opacity plane, renamed to a depth plane: the two differ in one digit."""
    rgba = np.dstack([np.full((*depth.shape, 3), 128, np.uint8), depth])
    Image.fromarray(rgba).save(path, quality=95)
    data = path.read_bytes()
    assert data.count(b"auxid:1") == 1
    path.write_bytes(data.replace(b"auxid:1", b"auxid:2"))


@pytest.mark.parametrize("suffix", [".png", ".tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_pictures_keep_all_their_levels(tmp_path: Path, suffix: str, dtype: type, channels: int) -> None:
    full = np.iinfo(dtype).max
    levels = np.round(RAMP * full).astype(dtype)
    stack = np.dstack([levels] * 3 + [np.full_like(levels, full)])[..., :channels].squeeze()
    cv2.imwrite(str(tmp_path / f"d{suffix}"), stack)
    disparity = read_disparity(tmp_path / f"d{suffix}")
    assert disparity.dtype == np.float32 and disparity.shape == RAMP.shape
    assert np.abs(disparity - levels.astype(float) / full).max() < 1e-7


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "I;16"])
def test_pictures_of_every_grey_mode(tmp_path: Path, mode: str) -> None:
    levels = (RAMP > 0.5).astype(np.uint8) * 255
    image = Image.fromarray(levels.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(levels).convert(mode)
    image.save(tmp_path / "d.png")
    assert np.array_equal(read_disparity(tmp_path / "d.png"), levels / np.float32(255))


def test_float_files(tmp_path: Path) -> None:
    raw = RAMP * 37 + 5
    np.save(tmp_path / "a.npy", raw.astype(np.float64))
    np.savez(tmp_path / "a.npz", raw)
    np.savez_compressed(tmp_path / "b.npz", disparity=raw, other=np.zeros(3))
    write_pfm(tmp_path / "a.pfm", raw)
    write_pfm(tmp_path / "b.pfm", raw, order=">")
    Image.fromarray(raw).save(tmp_path / "a.tiff")
    for name in ("a.npy", "a.npz", "b.npz", "a.pfm", "b.pfm", "a.tiff"):
        assert np.array_equal(read_disparity(tmp_path / name), raw), name


def test_depth_in_portrait_heic(tmp_path: Path) -> None:
    levels = np.round(RAMP * 255).astype(np.uint8)
    write_depth_heic(tmp_path / "p.heic", levels)
    assert np.abs(read_disparity(tmp_path / "p.heic") - levels / 255).mean() < 0.02
    assert np.abs(read_disparity(tmp_path / "p.heic", far_is_white=True) - (1 - levels / 255)).mean() < 0.02


def test_heic_without_depth(tmp_path: Path) -> None:
    Image.new("RGB", (64, 64)).save(tmp_path / "p.heic")
    with pytest.raises(InputError, match=r"p\.heic holds no depth map"):
        read_disparity(tmp_path / "p.heic")


def test_far_is_white() -> None:
    levels = np.round(RAMP * 255).astype(np.uint8)
    assert np.allclose(disparity_from_array(levels, far_is_white=True), 1 - levels / 255, atol=1e-6)
    assert np.allclose(disparity_from_array(RAMP, far_is_white=True), 1 - RAMP, atol=1e-6)
    metres = 1.5 + 20 * RAMP
    metres[0, :3] = 0, np.nan, np.inf
    disparity = disparity_from_array(metres, far_is_white=True)
    assert np.allclose(disparity[1:], 1 / metres[1:])
    # Holes take a neighbour's value; infinitely far is a measurement.
    assert disparity[0, 0] in (disparity[1, 0], disparity[0, 3]) and disparity[0, 2] == 0


def test_holes_take_the_nearest_value() -> None:
    raw = RAMP.copy()
    raw[10:20, 10:20] = np.nan
    raw[0, 0], raw[0, 1] = np.inf, -np.inf
    disparity = disparity_from_array(raw)
    assert np.isfinite(disparity).all()
    assert disparity[12, 10] == raw[12, 9] and disparity[0, 0] in (raw[1, 0], raw[0, 2])
    valid = np.isfinite(raw)
    assert np.array_equal(disparity[valid], raw[valid])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((32, 32), np.nan), "no finite value"),
        (np.zeros(100), "shape"),
        (np.zeros((2, 32, 32, 3)), "shape"),
        (np.zeros((32, 32, 7)), "shape"),
        (np.zeros((3, 3)), "at least 16"),
        (np.zeros((32, 32), complex), "give numbers"),
        (np.full((32, 32), "near"), "give numbers"),
        (np.dstack([RAMP, RAMP * 0.5, RAMP]), "coloured"),
        (np.full((32, 32, 3), (200, 40, 40), np.uint8), "coloured"),
    ],
)
def test_arrays_that_are_no_maps(values: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        disparity_from_array(values, name="map.npy")
    assert str(caught.value).startswith("map.npy") and "\n" not in str(caught.value)


@pytest.mark.parametrize("shape", [(1, 64, 96), (64, 96, 1)])
def test_single_channel_axis_is_dropped(shape: tuple[int, ...]) -> None:
    assert disparity_from_array(RAMP.reshape(shape)).shape == RAMP.shape


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("text.png", b"not a picture"),
        ("empty.png", b""),
        ("empty.npy", b""),
        ("bad.npy", b"\x93NUMPY\x01\x00"),
        ("bad.npz", b"PK\x03\x04"),
        ("bad.pfm", b"P5\n3 3\n255\n"),
        ("short.pfm", b"Pf\n64 64\n-1.0\n1234"),
        ("bad.heic", b"\0\0\0\x18ftypheic"),
        (
            "half.png",
            cv2.imencode(".png", np.random.default_rng(0).integers(0, 65536, (64, 64)).astype(np.uint16))[1].tobytes()[
                :4000
            ],
        ),
        (
            "photo.png",
            cv2.imencode(".png", np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8))[1].tobytes(),
        ),
        ("bad.exr", b"\x76\x2f\x31\x01" + bytes(100)),
    ],
)
def test_unusable_files_are_one_line(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError) as caught:
        read_disparity(tmp_path / name)
    assert name in str(caught.value) and "\n" not in str(caught.value)


def test_missing_file_and_pickles_and_many_arrays(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no file"):
        read_disparity(tmp_path / "missing.png")
    np.save(tmp_path / "o.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="cannot be read"):
        read_disparity(tmp_path / "o.npy")
    np.savez(tmp_path / "m.npz", a=RAMP, b=RAMP)
    with pytest.raises(InputError, match="holds 2 arrays"):
        read_disparity(tmp_path / "m.npz")


def test_warnings(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        disparity_from_array(RAMP)
        assert not caplog.records
        disparity_from_array(np.round(RAMP * 100).astype(np.uint8))
        assert "only 101 distinct levels" in caplog.text
        disparity_from_array(np.full((64, 64), 7.0), name="flat.npy")
        assert "flat.npy is nearly constant" in caplog.text


finite_maps = hnp.arrays(
    np.float32,
    st.tuples(st.integers(2, 24), st.integers(2, 24)),
    elements=st.floats(-(2.0**100), 2.0**100, width=32) | st.integers(0, 5).map(float),
)


@settings(deadline=None, max_examples=150)
@given(finite_maps)
def test_normalised_is_finite_in_range_monotone_and_stable(raw: np.ndarray) -> None:
    disparity = normalise_disparity(raw)
    assert disparity.dtype == np.float32 and disparity.shape == raw.shape
    assert np.isfinite(disparity).all() and disparity.min() >= 0 and disparity.max() <= 1
    order = raw.ravel().argsort(kind="stable")
    assert (np.diff(disparity.ravel()[order]) >= 0).all()
    if raw.min() < raw.max():
        assert disparity.min() == 0 and disparity.max() == 1
    else:
        assert (disparity == 0.5).all()
    assert np.array_equal(normalise_disparity(disparity), disparity)


def test_normalise_ignores_outliers_but_keeps_small_objects() -> None:
    raw = RAMP.copy()
    raw[30, 40] = 1000
    disparity = normalise_disparity(raw)
    assert abs(disparity[32, 48] - RAMP[32, 48]) < 0.01
    flat = np.zeros((64, 96), np.float32)
    flat[30:32, 40:42] = 3
    assert normalise_disparity(flat)[31, 41] == 1
    with pytest.raises(InputError, match="non-finite"):
        normalise_disparity(np.full((20, 20), np.nan))


@settings(deadline=None, max_examples=25)
@given(hnp.arrays(np.float32, (20, 30), elements=st.floats(0, 1, width=32)))
def test_written_png_reads_back(tmp_path_factory: pytest.TempPathFactory, disparity: np.ndarray) -> None:
    path = tmp_path_factory.mktemp("png") / "photo.depth.png"
    write_disparity_png(path, disparity)
    again = read_disparity(path)
    assert np.abs(again - disparity).max() <= 0.5001 / 65535
    write_disparity_png(path, again)
    assert np.array_equal(read_disparity(path), again)


def test_write_fails_in_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot write"):
        write_disparity_png(tmp_path / "missing" / "d.png", RAMP)
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(OutputError, match="cannot write"):
        write_disparity_png(tmp_path / "folder.png", RAMP)
    assert [p.name for p in tmp_path.iterdir()] == ["folder.png"]


def test_find_beside(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    assert find_beside(photo) is None
    (tmp_path / "photo.depth.npy").touch()
    assert find_beside(photo) == tmp_path / "photo.depth.npy"
    (tmp_path / "photo.depth.png").touch()
    assert find_beside(str(photo)) == tmp_path / "photo.depth.png"
    assert find_beside(tmp_path / "other.jpg") is None


def disc(size: int) -> np.ndarray:
    """(size, size) bool: a disc whose edge lies between pixels."""
    y, x = (np.indices((size, size)) + 0.5) / size
    return np.hypot(x - 0.47, y - 0.52) < 0.31


@pytest.mark.parametrize("map_size", [60, 128, 300, 1000])
def test_steps_stay_sharp_and_land_on_colour_edges(map_size: int) -> None:
    inside = disc(480)
    photo = np.where(inside[..., None], (200, 120, 60), (60, 90, 130)).astype(np.uint8)
    photo += np.random.default_rng(1).integers(0, 12, photo.shape).astype(np.uint8)
    disparity = np.where(disc(map_size), np.float32(0.9), np.float32(0.2))
    fitted = fit_to_photo(disparity, photo)
    assert fitted.shape == inside.shape and fitted.dtype == np.float32
    assert np.minimum(np.abs(fitted - 0.9), np.abs(fitted - 0.2)).max() < 1e-6
    assert ((fitted > 0.5) != inside).mean() < 0.001


@pytest.mark.parametrize("size", [(40, 60), (64, 96), (300, 450)])
def test_slopes_are_interpolated(size: tuple[int, int]) -> None:
    photo = np.zeros((*size, 3), np.uint8)
    slope = np.broadcast_to((np.arange(96, dtype=np.float32) + 0.5) / 96, (64, 96))
    fitted = fit_to_photo(np.ascontiguousarray(slope), photo)
    expected = (np.arange(size[1]) + 0.5) / size[1]
    assert np.abs(fitted - expected)[:, 5:-5].max() < 0.01


@settings(deadline=None, max_examples=20)
@given(
    hnp.arrays(np.float32, (24, 36), elements=st.floats(0, 1, width=32)),
    st.sampled_from([(24, 36), (48, 72), (50, 75), (16, 24)]),
)
def test_fitting_makes_no_new_extremes(disparity: np.ndarray, size: tuple[int, int]) -> None:
    photo = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    fitted = fit_to_photo(disparity, photo)
    assert fitted.shape == size
    assert fitted.min() >= disparity.min() - 1e-6 and fitted.max() <= disparity.max() + 1e-6


def test_aspect_must_match() -> None:
    fit_to_photo(RAMP, np.zeros((200, 304, 3), np.uint8))
    with pytest.raises(InputError, match=r"d\.png is 96 x 64 px and the photo 310 x 200"):
        fit_to_photo(RAMP, np.zeros((200, 310, 3), np.uint8), name="d.png")
    same = fit_to_photo(RAMP, np.zeros((64, 96, 3), np.uint8))
    assert np.array_equal(same, RAMP)
