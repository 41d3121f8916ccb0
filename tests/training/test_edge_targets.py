"""Edge targets: blurred steps that belong on known outlines."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from training.edge_targets import KNOWN_PX, THIN_PX, sharp_target, thin_things, write


def blurred_square() -> tuple[np.ndarray, np.ndarray]:
    """Blurred disparity of a square before a wall, and the square."""
    order = np.zeros((160, 200), np.uint8)
    order[50:110, 60:140] = 1
    return cv2.GaussianBlur(np.where(order, 0.8, 0.2).astype(np.float32), (0, 0), 3), order


def test_blurred_steps_become_sharp_on_the_outline() -> None:
    disparity, order = blurred_square()
    sharp, known = sharp_target(disparity, order)
    assert sharp.dtype == np.float32
    inside = order == 1
    assert np.abs(sharp[inside & known] - 0.8).max() < 0.06
    assert np.abs(sharp[~inside & known] - 0.2).max() < 0.06
    assert known[50, 60] and not known[5, 5], "far from outlines nothing is told"
    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5)
    assert not known[distance > KNOWN_PX + 2].any()


def test_a_thin_thing_is_as_near_as_its_nearest_spots() -> None:
    order = np.zeros((120, 160), np.uint8)
    order[:, 78:82] = 1
    disparity = cv2.GaussianBlur(np.where(order, 0.8, 0.2).astype(np.float32), (0, 0), 4)
    sharp, _ = sharp_target(disparity, order)
    line = sharp[20:100, 78:82]
    assert line.min() > disparity.max() - 0.02 and sharp[60, 70] < 0.3


def test_where_the_backdrop_has_an_edge_nothing_is_known() -> None:
    disparity, order = blurred_square()
    disparity[:, 165:] = 0.6
    _, known = sharp_target(disparity, order)
    assert known[80, 145] and not known[80, 162]


def test_outlines_without_a_step_tell_nothing() -> None:
    disparity, order = blurred_square()
    steps = np.zeros(order.shape, bool)
    steps[50, 60:140] = True  # the square stands on its foot
    _, known = sharp_target(disparity, order, steps)
    assert known[45, 100] and not known[110, 100]


@pytest.mark.parametrize(("width", "thin"), [(2, True), (THIN_PX - 2, True), (THIN_PX + 2, False)])
def test_what_is_narrow_and_before_both_sides_is_thin(width: int, thin: bool) -> None:
    nearness = np.zeros((80, 120), np.float32)
    nearness[:, 60 : 60 + width] = 1
    found = thin_things(nearness, 0.5)
    assert found[:, 60 : 60 + width].all() == thin and not found[:, :60].any() and not found[:, 60 + width :].any()
    assert not thin_things(nearness, 1.5).any(), "it hardly stands out"


def test_a_strip_beside_something_nearer_is_not_thin() -> None:
    nearness = np.zeros((80, 120), np.float32)
    nearness[:, 60:64], nearness[:, 64:] = 1, 2
    assert not thin_things(nearness, 0.5).any()


def test_what_is_written_tells_what_is_thin_but_not_of_lines_in_photos(tmp_path) -> None:
    order = np.zeros((256, 256), np.uint8)
    rgb = np.full((256, 256, 3), 150, np.uint8)
    rgb[100:104] = 40  # of a photo, who knows
    order[:, 50:54], rgb[:, 50:54] = 1, 20
    photo = order == 0
    photo[:, 128:] = False
    write(tmp_path / "a.npz", rgb, order, thin_things(order.astype(np.float32), 0.5), photo)
    data = np.load(tmp_path / "a.npz")
    assert set(data) == {"rgb", "disparity", "sharp", "known", "thin", "thin_known"}
    assert data["thin"][10, 51] and data["thin_known"][10, 51]
    assert not data["thin_known"][10, [49, 54]].any(), "its rims are mixed"
    assert not data["thin_known"][101, 90] and data["thin_known"][101, 200] and data["thin_known"][10, 90]
    assert data["disparity"].shape == data["sharp"].shape == (256, 256) and not list(tmp_path.glob("*.part"))
