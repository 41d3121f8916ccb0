"""Depth edges by the network: what it is asked, and what becomes of its answer."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from inpaint import network_edges
from inpaint.edge_network import EdgeNetwork
from inpaint.filters import far_and_span
from inpaint.loading import MissingWeightsError
from inpaint.network_edges import REACH_PX, RIM_PX, places, see_edges
from tests.scenes import FAR, NEAR, blurred, two_planes


class Answer(torch.nn.Module):
    """Says of places what it is told to, and keeps what it was asked."""

    def __init__(self, say) -> None:
        super().__init__()
        self.say = say

    def forward(self, inputs):
        self.asked = inputs
        return self.say(inputs[:, 3])


@pytest.fixture
def answer(monkeypatch):
    """Make the network give an answer."""

    def give(say) -> Answer:
        network = Answer(say)
        monkeypatch.setattr(network_edges, "load_network", lambda weights: network)
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
    np.testing.assert_allclose(see_edges(np.zeros((576, 576, 3), np.uint8), q), q, atol=1e-6)


def test_a_step_that_the_network_sees_is_made(answer) -> None:
    network = answer(lambda place: (place > 0.5).float())
    sharp = see_edges(np.full((576, 576, 3), 51, np.uint8), ramp(576, 576, 240, 252))
    assert sharp.dtype == np.float32 and sharp.shape == (576, 576)
    np.testing.assert_allclose(sharp[:, 230:246], 0.2, atol=1e-6)
    np.testing.assert_allclose(sharp[:, 247:260], 0.7, atol=1e-6)
    assert network.asked.shape == (1, 5, 576 + 2 * RIM_PX, 576 + 2 * RIM_PX), "mirrored around"
    assert network.asked[:, :3].unique().item() == pytest.approx(0.2)
    assert network.asked[:, 4].max().item() == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize(("height", "width"), [(90, 160), (1200, 800), (64, 1000)])
def test_pictures_of_any_size_are_seen_at_one(answer, height: int, width: int) -> None:
    answer(lambda place: place)
    seen = see_edges(np.zeros((height, width, 3), np.uint8), ramp(height, width, width // 2, width // 2 + 20))
    assert all(side % 32 == 0 for side in seen.shape)
    assert seen.size == pytest.approx(576**2, rel=0.1)
    assert (seen.shape[0] < seen.shape[1]) == (height < width)


def test_untrained_the_network_changes_nothing() -> None:
    inputs = torch.rand(1, 5, 64, 96) * 0.9 + 0.05
    with torch.no_grad():
        out = EdgeNetwork().eval()(inputs)
    torch.testing.assert_close(out, inputs[:, 3], atol=1e-4, rtol=0)


@pytest.mark.parametrize("offset_px", [-8, 0, 8])
def test_it_finds_the_outline_that_a_blurred_step_misses(offset_px: int) -> None:
    scene = two_planes(480, 640)
    guess = blurred(np.roll(scene.disparity, offset_px, axis=1), 5)
    seen = cv2.resize(see_edges(scene.rgb, guess), (640, 480))
    near = seen > (NEAR + FAR) / 2
    assert (near != scene.near).sum() < 0.3 * ((guess > (NEAR + FAR) / 2) != scene.near).sum() + 150


def test_missing_weights_say_what_to_do(tmp_path) -> None:
    with pytest.raises(MissingWeightsError, match="reinstall"):
        network_edges.load_network(tmp_path / "none.safetensors")
