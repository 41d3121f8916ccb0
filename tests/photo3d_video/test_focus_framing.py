"""What the clip shows of the photo, and what the camera holds on to."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photo3d_video.errors import InputError
from photo3d_video.focus import find_focus, focus_at, weighted_median
from photo3d_video.framing import (
    HEADROOM,
    MAX_LONG_PX,
    MAX_SHORT_PX,
    Framing,
    apply_framing,
    clip_size,
    find_subject,
    frame_photo,
)
from photo3d_video.output.destinations import ASPECTS, DESTINATIONS, RESOLUTIONS, find_destination


@pytest.mark.parametrize(
    ("photo", "clip"),
    [
        ((4000, 3000), (1440, 1080)),
        ((3000, 4000), (1080, 1440)),
        ((4000, 2250), (1920, 1080)),
        ((6000, 1000), (1920, 320)),
        ((1000, 1000), (1000, 1000)),
        ((641, 481), (640, 480)),
        ((17, 400), (16, 400)),
        ((16, 16), (16, 16)),
    ],
)
def test_default_size_is_the_photos_own_within_1080p(photo: tuple[int, int], clip: tuple[int, int]) -> None:
    framing = frame_photo(*photo)
    assert (framing.width_px, framing.height_px) == clip


@given(st.integers(16, 9000), st.integers(16, 9000), st.none() | st.tuples(st.integers(8, 2000), st.integers(8, 2000)))
def test_framing_is_centred_inside_and_undistorted(w: int, h: int, half: tuple[int, int] | None) -> None:
    size = None if half is None else (2 * half[0], 2 * half[1])
    framing = frame_photo(w, h, size)
    if size is None:
        assert max(framing.width_px, framing.height_px) <= MAX_LONG_PX
        assert min(framing.width_px, framing.height_px) <= MAX_SHORT_PX
    else:
        assert (framing.width_px, framing.height_px) == size
    assert framing.width_px % 2 == framing.height_px % 2 == 0
    assert 0 < framing.crop_width <= 1 + 1e-9 and 0 < framing.crop_height <= 1 + 1e-9
    assert max(framing.crop_width, framing.crop_height) > 1 - 1e-9, "as much of the photo as fits"
    assert framing.left == pytest.approx((1 - framing.crop_width) / 2)
    assert framing.top == pytest.approx((1 - framing.crop_height) / 2)
    scale = framing.width_px / (framing.crop_width * w), framing.height_px / (framing.crop_height * h)
    assert scale[0] == pytest.approx(scale[1])


@pytest.mark.parametrize("size", [(101, 100), (100, 101), (14, 100), (8194, 100), (0, 0), (-100, 100)])
def test_sizes_that_no_encoder_takes(size: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="--size"):
        frame_photo(640, 480, size)


@pytest.mark.parametrize(
    ("photo", "aspect", "resolution", "clip"),
    [
        ((4000, 3000), "9:16", "1080p", (1080, 1920)),
        ((640, 480), "9:16", "1080p", (1080, 1920)),
        ((4000, 3000), "4:5", "1080p", (1080, 1350)),
        ((4000, 3000), "1:1", "720p", (720, 720)),
        ((3000, 4000), "16:9", "4k", (3840, 2160)),
        ((3000, 4000), "source", "1440p", (1440, 1920)),
        ((4000, 3000), None, "720p", (960, 720)),
        ((6000, 4000), "9:16", None, (1080, 1920)),
        ((6000, 4000), "4:5", None, (1080, 1350)),
        ((640, 480), "1:1", None, (480, 480)),
        ((640, 480), "16:9", None, (640, 360)),
        ((640, 480), "9:16", None, (270, 480)),
    ],
)
def test_aspect_and_resolution(photo, aspect, resolution, clip) -> None:
    assert clip_size(*photo, aspect, resolution) == clip


def test_aspect_and_resolution_have_names() -> None:
    for wrong in ({"aspect": "3:2"}, {"resolution": "8k"}):
        with pytest.raises(InputError, match="choose one of"):
            clip_size(640, 480, **wrong)
    with pytest.raises(InputError, match="reels"):
        find_destination("myspace")
    for goal in DESTINATIONS.values():
        assert goal.aspect in ASPECTS and goal.resolution in RESOLUTIONS and 24 <= goal.fps <= 60


def mask_of(box: tuple[int, int, int, int], size: tuple[int, int] = (100, 100)) -> np.ndarray:
    """A mask (h, w) of ones in left, top, right, bottom."""
    mask = np.zeros((size[1], size[0]), np.float32)
    mask[box[1] : box[3], box[0] : box[2]] = 1
    return mask


boxes = st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(8, 100), st.integers(8, 100)).map(
    lambda b: (b[0], b[1], min(100, b[0] + b[2]), min(100, b[1] + b[3]))
)


@given(boxes, st.integers(200, 3000), st.integers(200, 3000), st.sampled_from(["9:16", "4:5", "1:1", "16:9"]))
def test_crops_show_the_subject_and_never_cut_its_head(box, w: int, h: int, aspect: str) -> None:
    subject = find_subject(mask_of(box))
    assert subject is not None
    framing = frame_photo(w, h, clip_size(w, h, aspect, "1080p"), subject)
    left, top, width, height = framing.left, framing.top, framing.crop_width, framing.crop_height
    assert -1e-9 <= left <= 1 - width + 1e-9 and -1e-9 <= top <= 1 - height + 1e-9, "inside of the photo"
    chin = subject.head[3]
    if chin - subject.top <= height:
        assert top <= subject.top + 1e-9 and top + height >= chin - 1e-9, "the head is inside"
    else:
        assert top + 1e-9 >= subject.top and top + height <= chin + 1e-9, "nothing but head"
    if subject.bottom - subject.top <= height:
        assert top + height >= subject.bottom - 1e-9
        spare = height - (subject.bottom - subject.top)
        assert subject.top - top >= min(HEADROOM * height, spare, subject.top) - 1e-9, "room above it"
    if subject.right - subject.left <= width:
        assert left <= subject.left + 1e-9 and left + width >= subject.right - 1e-9
    else:
        assert subject.left - 1e-6 <= left and left + width <= subject.right + 1e-6, "nothing but subject"


def test_crops_are_centred_on_the_subjects_mass() -> None:
    subject = find_subject(mask_of((60, 20, 80, 90)))
    framing = frame_photo(1600, 900, (1080, 1920), subject)
    assert framing.left + framing.crop_width / 2 == pytest.approx(0.7)


def test_crops_prefer_one_of_two_people_to_the_gap_between_them() -> None:
    mask = mask_of((2, 20, 22, 100)) + mask_of((70, 10, 98, 100))
    framing = frame_photo(1600, 900, (1080, 1920), find_subject(mask))
    assert framing.left >= 0.65


def test_specks_are_not_the_subject() -> None:
    person, speck = mask_of((40, 40, 60, 90)), mask_of((0, 0, 5, 5))
    subject = find_subject(np.maximum(person, speck))
    assert subject is not None and (subject.left, subject.top) == (0.4, 0.4)
    leg = mask_of((85, 70, 100, 100))  # of something that stands outside
    subject = find_subject(np.maximum(person, leg))
    assert subject is not None and subject.right == 0.6
    for nothing in (None, np.zeros((50, 50), np.float32), np.full((50, 50), 0.4, np.float32), mask_of((0, 0, 5, 5))):
        assert find_subject(nothing) is None


def test_whole_picture_at_its_own_size_stays_as_it_is() -> None:
    rgb = np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8)
    assert np.array_equal(apply_framing(rgb, frame_photo(64, 48), (64, 48)), rgb)


@pytest.mark.parametrize("size", [(32, 96), (64, 192), (16, 48), (100, 300)])
def test_crops_land_where_they_should(size: tuple[int, int]) -> None:
    """A picture of its own coordinates shows which point each pixel came from."""
    w, h = 256, 192
    y, x = np.mgrid[0:h, 0:w].astype(np.float32) + 0.5
    framing = frame_photo(w, h, size)
    for plane, at, left, extent, axis in (
        (x, "x", framing.left * w, framing.crop_width * w, 1),
        (y, "y", framing.top * h, framing.crop_height * h, 0),
    ):
        got = apply_framing(plane, framing, size)
        n = size[1 - axis]
        wanted = left + (np.arange(n) + 0.5) / n * extent
        inner = slice(2, -2)
        assert np.abs(got.mean(1 - axis) - wanted)[inner].max() < 0.75, at


def test_flat_pictures_stay_flat_at_any_crop() -> None:
    flat = np.full((50, 70, 3), 77, np.uint8)
    for framing in (
        Framing(0.1, 0.2, 0.5, 0.3, 40, 16),
        Framing(0, 0, 1, 1, 200, 140),
        Framing(0.5, 0.5, 0.5, 0.5, 34, 24),
    ):
        out = apply_framing(flat, framing, (framing.width_px, framing.height_px))
        assert out.shape == (framing.height_px, framing.width_px, 3) and (out == 77).all()


def test_focus_is_the_subject(two_planes) -> None:
    scene = two_planes(160, 120)
    subject = scene.disc.astype(np.float32)
    (x, y), q = find_focus(scene.disparity, subject)
    assert abs(x - 0.55) < 0.03 and abs(y - 0.5) < 0.03 and q == pytest.approx(0.9)


def test_focus_without_a_subject_prefers_what_is_near_and_central(two_planes) -> None:
    scene = two_planes(160, 120)
    for subject in (None, np.zeros_like(scene.disparity)):
        (x, y), q = find_focus(scene.disparity, subject)
        assert abs(x - 0.55) < 0.06 and abs(y - 0.5) < 0.06 and q == pytest.approx(0.9)


@pytest.mark.parametrize("value", [0.0, 0.08, 0.5, 1.0])
def test_focus_of_flat_depth_is_the_centre(value: float) -> None:
    (x, y), q = find_focus(np.full((30, 41), value, np.float32), None)
    assert (x, y) == (pytest.approx(0.5, abs=1e-3), pytest.approx(0.5, abs=1e-3)) and q == pytest.approx(value)


def test_focus_at_a_point(two_planes) -> None:
    scene = two_planes(160, 120)
    assert focus_at(scene.disparity, (0.55, 0.5)) == pytest.approx(0.9)
    for corner in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)):
        assert focus_at(scene.disparity, corner) == pytest.approx(0.2)


def test_weighted_median() -> None:
    values = np.array([[3.0, 1.0], [2.0, 9.0]], np.float32)
    assert weighted_median(values, np.ones_like(values)) == 2
    assert weighted_median(values, np.array([[0, 0], [0, 1.0]], np.float32)) == 9
    assert weighted_median(values, np.array([[0.1, 5], [0.1, 0.1]], np.float32)) == 1
