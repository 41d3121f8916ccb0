"""Heads found in silhouettes, and crops that show them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from photo3d_video.framing import HEADROOM, Framing, Subject, clip_size, find_subject, frame_photo
from photo3d_video.heads import find_head

UPRIGHT, LYING, SQUARE = (300, 400), (400, 300), (300, 300)


def drawn(size: tuple[int, int]) -> np.ndarray:
    return np.zeros((size[1], size[0]), np.float32)


def person(mask: np.ndarray, x: int, top: int, head: int, height: int) -> np.ndarray:
    """A figure in `mask` (h, w) whose head is `head` px high, of `height` px in all, cut where the picture ends."""
    width = round(head / 1.3)
    cv2.ellipse(mask, (x, top + head // 2), (width // 2, head // 2), 0, 0, 360, 1, -1)
    cv2.rectangle(mask, (x - width // 4, top + head // 2), (x + width // 4, top + head + head // 4), 1, -1)
    chest = top + round(1.6 * head)
    cv2.ellipse(mask, (x, chest), (round(1.2 * width), round(0.45 * head)), 0, 180, 360, 1, -1)
    cv2.rectangle(mask, (x - round(1.2 * width), chest), (x + round(1.2 * width), top + round(0.55 * height)), 1, -1)
    cv2.rectangle(mask, (x - round(0.8 * width), chest), (x + round(0.8 * width), top + height), 1, -1)
    return mask


def framed(mask: np.ndarray, aspect: str) -> tuple[Subject, Framing]:
    h, w = mask.shape
    subject = find_subject(mask)
    assert subject is not None
    return subject, frame_photo(w, h, clip_size(w, h, aspect, "1080p"), subject)


def height_of(subject: Subject) -> float:
    return subject.head[3] - subject.head[1]


@pytest.mark.parametrize(
    ("head", "height"),
    [(40, 300), (50, 320), (80, 900), (120, 1200), (180, 1500)],
    ids=["child", "adult", "waist", "bust", "face"],
)
def test_chin_is_found(head: int, height: int) -> None:
    left, top, right, bottom = find_head(person(drawn(UPRIGHT), 150, 30, head, height) > 0)
    assert top == 30 and 0.85 * head < bottom - top < 1.3 * head
    assert abs((left + right) / 2 - 150) < 3 and right - left > 0.7 * head


def test_raised_arm_beside_the_head_is_no_head_of_its_own() -> None:
    mask = person(drawn(UPRIGHT), 150, 60, 60, 500)
    cv2.rectangle(mask, (215, 75), (235, 200), 1, -1)
    left, _, right, bottom = find_head(mask > 0)
    assert 0.85 * 60 < bottom - 60 < 1.3 * 60 and 120 < left < right < 180


def test_face_that_fills_the_picture_is_all_head() -> None:
    face = drawn(UPRIGHT)
    cv2.ellipse(face, (150, 200), (150, 190), 0, 0, 360, 1, -1)
    for mask in (face, np.ones_like(face)):
        subject, framing = framed(mask, "16:9")
        assert height_of(subject) > 0.9
        assert framing.top + framing.crop_height / 2 == pytest.approx(0.5, abs=0.03), "eyes and mouth, not the forehead"


def test_silhouette_without_a_chin_gets_a_share() -> None:
    cloak = drawn(SQUARE)
    cv2.ellipse(cloak, (150, 300), (150, 250), 0, 180, 360, 1, -1)
    subject, _ = framed(cloak, "16:9")
    assert 0.4 * (subject.bottom - subject.top) < height_of(subject) < 0.8 * (subject.bottom - subject.top)


@pytest.mark.parametrize("aspect", ["9:16", "4:5", "1:1", "16:9"])
@pytest.mark.parametrize("photo", [UPRIGHT, LYING, SQUARE])
@pytest.mark.parametrize("head", [35, 60, 90, 120])
def test_head_that_fits_is_inside_with_room_above(head: int, photo: tuple[int, int], aspect: str) -> None:
    top = 20
    _, framing = framed(person(drawn(photo), 150, top, head, 8 * head), aspect)
    shown = np.array([framing.top, framing.top + framing.crop_height]) * photo[1]
    assert shown[0] <= top and top + head <= shown[1] + 1
    room = min(top, 0.5 * HEADROOM * (shown[1] - shown[0]), (shown[1] - shown[0] - 1.3 * head) / 2)
    assert top - shown[0] >= room - 1


@pytest.mark.parametrize("head", [200, 260, 330])
def test_head_that_is_higher_than_the_crop_is_shown_in_its_middle(head: int) -> None:
    """A bust in an upright photo, cut to 16:9: the crop is 169 px high."""
    top = 30
    _, framing = framed(person(drawn(UPRIGHT), 150, top, head, 8 * head), "16:9")
    eyes, mouth = top + 0.45 * head, top + 0.7 * head
    shown = np.array([framing.top, framing.top + framing.crop_height]) * 400
    assert shown[0] + 20 < eyes < shown[1] - 20 and mouth < shown[1]


def test_upright_crop_of_a_wide_subject_has_its_head() -> None:
    """Somebody who leans far to the side: most of them is where the head is not."""
    mask = drawn(LYING)
    cv2.circle(mask, (80, 100), 40, 1, -1)
    cv2.fillPoly(mask, [np.array([[70, 130], [95, 130], [390, 190], [390, 300], [60, 300]])], 1)
    subject, framing = framed(mask, "9:16")
    assert subject.right - subject.left > framing.crop_width
    shown = np.array([framing.left, framing.left + framing.crop_width]) * 400
    assert shown[0] <= 42 and shown[1] >= 118


def test_lying_animal_is_whole_where_it_fits() -> None:
    mask = drawn(UPRIGHT)
    cv2.ellipse(mask, (150, 250), (130, 45), 0, 0, 360, 1, -1)
    cv2.circle(mask, (50, 210), 30, 1, -1)
    _, framing = framed(mask, "16:9")
    assert framing.top * 400 <= 180 and (framing.top + framing.crop_height) * 400 >= 296


def test_of_several_people_the_highest_head_counts() -> None:
    mask = person(person(drawn(UPRIGHT), 80, 40, 60, 600), 220, 90, 60, 600)
    subject, framing = framed(mask, "16:9")
    assert height_of(subject) * 400 == pytest.approx(60, rel=0.3)
    shown = np.array([framing.top, framing.top + framing.crop_height]) * 400
    assert shown[0] <= 40 and shown[1] >= 90 + 60


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.floats(0.02, 1))
def test_any_silhouette_has_a_head_within_it(h: int, w: int, seed: int, share: float) -> None:
    mask = np.random.default_rng(seed).random((h, w)) < share
    mask[h // 2, w // 2] = True
    left, top, right, bottom = find_head(mask)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert rows[0] == top < bottom <= rows[-1] + 1 and columns[0] <= left < right <= columns[-1] + 1
