"""What the network is asked, what becomes of its answer, and what it knows of depth edges and thin things."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from inpaint import sight
from inpaint.edge_network import EdgeNetwork
from inpaint.filters import far_and_span
from inpaint.loading import MissingWeightsError
from inpaint.sight import REACH_PX, RIM_PX, Sight, places
from tests.scenes import FAR, NEAR, blurred, two_planes


class Answer(torch.nn.Module):
    """Says of places what it is told to, and keeps what it was asked."""

    def __init__(self, say) -> None:
        super().__init__()
        self.say = say

    def forward(self, inputs):
        self.asked = inputs
        place = self.say(inputs[:, 3])
        return torch.stack([place, torch.full_like(place, 0.25)], 1)


@pytest.fixture
def answer(monkeypatch):
    """Make the network give an answer."""

    def give(say) -> Answer:
        network = Answer(say)
        monkeypatch.setattr(sight, "load_network", lambda weights: network)
        return network

    return give


def ramp(h: int, w: int, start: int, stop: int) -> np.ndarray:
    return np.tile(np.interp(np.arange(w), [start, stop], [0.2, 0.7]).astype(np.float32), (h, 1))


def test_surroundings_are_the_extremes_within_reach() -> None:
    q = np.zeros((80, 90), np.float32)
    q[40, 45] = 1
    far, span = far_and_span(q, REACH_PX)
    near = far + span
    rows, columns = np.nonzero(near)
    assert (rows.min(), rows.max()) == (40 - REACH_PX, 40 + REACH_PX)
    assert (columns.min(), columns.max()) == (45 - REACH_PX, 45 + REACH_PX)
    assert far.max() == 0


def test_places_are_shares_and_nothing_where_all_is_flat() -> None:
    q = ramp(4, 90, 40, 50)
    place = places(q, *far_and_span(q, REACH_PX))
    assert place.dtype == np.float32 and place.min() == 0 and place.max() == 1
    assert place[0, 45] == pytest.approx(0.5, abs=0.01)
    flat = np.full((4, 4), 0.3, np.float32)
    assert not places(flat, flat, np.zeros_like(flat)).any()


def test_what_the_network_leaves_is_left(answer) -> None:
    answer(lambda place: place)
    q = ramp(576, 576, 240, 252)
    np.testing.assert_allclose(Sight(np.zeros((576, 576, 3), np.uint8), q).edges, q, atol=1e-6)


def test_a_step_that_the_network_sees_is_made(answer) -> None:
    network = answer(lambda place: (place > 0.5).float())
    seen = Sight(np.full((576, 576, 3), 51, np.uint8), ramp(576, 576, 240, 252))
    sharp, thin = seen.edges, seen.thin
    assert sharp.dtype == thin.dtype == np.float32 and sharp.shape == thin.shape == (576, 576)
    assert (thin == 0.25).all()
    np.testing.assert_allclose(sharp[:, 230:246], 0.2, atol=1e-6)
    np.testing.assert_allclose(sharp[:, 247:260], 0.7, atol=1e-6)
    assert network.asked.shape == (1, 5, 576 + 2 * RIM_PX, 576 + 2 * RIM_PX), "mirrored around"
    assert network.asked[:, :3].unique().item() == pytest.approx(0.2)
    assert network.asked[:, 4].max().item() == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(("height", "width"), [(90, 160), (1200, 800), (64, 1000)])
def test_pictures_of_any_size_are_seen_at_one(answer, height: int, width: int) -> None:
    answer(lambda place: place)
    seen = Sight(np.zeros((height, width, 3), np.uint8), ramp(height, width, width // 2, width // 2 + 20)).edges
    assert all(side % 32 == 0 for side in seen.shape)
    assert seen.size == pytest.approx(576**2, rel=0.1)
    assert (seen.shape[0] < seen.shape[1]) == (height < width)


def test_untrained_the_network_changes_nothing() -> None:
    inputs = torch.rand(1, 5, 64, 96) * 0.9 + 0.05
    with torch.no_grad():
        out = EdgeNetwork().eval()(inputs)[:, 0]
    torch.testing.assert_close(out, inputs[:, 3], atol=1e-4, rtol=0)


@pytest.mark.parametrize("offset_px", [-8, 0, 8])
def test_it_finds_the_outline_that_a_blurred_step_misses(offset_px: int) -> None:
    scene = two_planes(480, 640)
    guess = blurred(np.roll(scene.disparity, offset_px, axis=1), 5)
    seen = cv2.resize(Sight(scene.rgb, guess).edges, (640, 480))
    near = seen > (NEAR + FAR) / 2
    assert (near != scene.near).sum() < 0.3 * ((guess > (NEAR + FAR) / 2) != scene.near).sum() + 150


def test_the_network_is_asked_once_and_not_before_it_must(answer) -> None:
    network = answer(lambda place: place)
    seen = Sight(np.zeros((576, 576, 3), np.uint8), ramp(576, 576, 240, 252))
    assert not hasattr(network, "asked")
    assert seen.edges is seen.edges
    del network.asked
    assert seen.thin.shape == (576, 576) and not hasattr(network, "asked")


def wall() -> np.ndarray:
    """(480, 640, 3) a mottled wall."""
    rng = np.random.default_rng(1)
    return cv2.resize(rng.integers(60, 160, (24, 32, 3), dtype=np.uint8), (640, 480), interpolation=cv2.INTER_CUBIC)


def thin_in(rgb: np.ndarray, disparity: np.ndarray) -> np.ndarray:
    thin = Sight(rgb, blurred(disparity, 5)).thin
    assert thin.min() >= 0 and thin.max() <= 1
    return cv2.resize(thin, (640, 480))


@pytest.mark.parametrize("colour", [(20, 20, 25), (235, 235, 225)])
def test_it_is_surer_of_a_wire_than_of_a_line_that_is_painted_on_a_board(colour) -> None:
    rgb, (wire, paint) = wall(), np.zeros((2, 480, 640), np.uint8)
    cv2.line(wire, (0, 60), (639, 100), 1, 4)
    rgb[180:420, 150:500] = 120, 90, 60
    cv2.line(paint, (150, 300), (499, 300), 1, 4)
    rgb[(wire | paint) > 0] = colour
    disparity = np.full((480, 640), FAR, np.float32)
    disparity[180:420, 150:500] = NEAR
    thin = thin_in(rgb, disparity)
    assert thin[wire > 0].mean() > 0.7
    assert thin[paint > 0].mean() < 0.85 * thin[wire > 0].mean()
    assert thin[cv2.dilate(wire | paint, np.ones((13, 13), np.uint8)) == 0].mean() < 0.02


def test_a_wheel_has_spokes_whatever_the_size_of_the_photo() -> None:
    for scale in (0.5, 3):
        wheel = np.zeros((480, 640), np.uint8)
        cv2.circle(wheel, (320, 240), 150, 1, 7)
        for angle in np.arange(0, 2 * np.pi, np.pi / 6):
            cv2.line(wheel, (320, 240), (int(320 + 150 * np.cos(angle)), int(240 + 150 * np.sin(angle))), 1, 3)
        rgb = np.where(wheel[..., None] > 0, np.uint8(30), wall())
        large = cv2.resize(rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        thin = Sight(large, np.full(large.shape[:2], FAR, np.float32)).thin
        assert cv2.resize(thin, (640, 480))[wheel > 0].mean() > 0.6


def test_missing_weights_say_what_to_do(tmp_path) -> None:
    with pytest.raises(MissingWeightsError, match="reinstall"):
        sight.load_network(tmp_path / "none.safetensors")
