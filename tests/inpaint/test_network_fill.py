"""The network fill with an untrained network, which starts as a smooth fill: what it may see and what it may change."""

import sys

import numpy as np
import pytest

from inpaint import network_fill
from inpaint.loading import MissingWeightsError
from inpaint.tiles import scale_for


@pytest.fixture
def untrained(monkeypatch):
    # Triton's LLVM must not be loaded after Mesa's, which other tests bring in; nothing here compiles kernels.
    if "triton" not in sys.modules:
        monkeypatch.setitem(sys.modules, "triton", None)
    import torch

    from inpaint.network import InpaintingNetwork

    torch.manual_seed(0)
    network = InpaintingNetwork()
    torch.nn.init.normal_(network.head.weight, std=0.02)  # as new it adds nothing, and could not leak anything
    network.eval()
    monkeypatch.setattr(network_fill, "load_network", lambda weights: network)


@pytest.fixture
def scene():
    rng = np.random.default_rng(0)
    rgb = rng.random((96, 128, 3), dtype=np.float32)
    disparity = np.tile(np.linspace(0.2, 0.6, 128, dtype=np.float32), (96, 1))
    unknown, context = np.zeros((2, 96, 128), bool)
    unknown[30:60, 50:70] = True
    context[:, 70:] = True
    return rgb, disparity, unknown, context


def test_only_unknown_pixels_change_and_stay_in_range(untrained, scene) -> None:
    rgb, disparity, unknown, context = scene
    painted, depth = network_fill.network_fill(rgb, disparity, unknown, context)
    assert np.array_equal(painted[~unknown], rgb[~unknown]) and np.array_equal(depth[~unknown], disparity[~unknown])
    assert not np.array_equal(painted[unknown], rgb[unknown])
    for values in (painted, depth):
        assert np.isfinite(values).all() and values.min() >= 0 and values.max() <= 1


def test_hidden_pixels_are_not_seen(untrained, scene) -> None:
    rgb, disparity, unknown, context = scene
    first = network_fill.network_fill(rgb, disparity, unknown, context)
    other = np.where(context[..., None], rgb, 1 - rgb), np.where(context, disparity, 1 - disparity)
    second = network_fill.network_fill(*other, unknown, context)
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a[unknown], b[unknown])


def test_deep_holes_are_filled_on_a_smaller_canvas(untrained, scene) -> None:
    rgb, disparity, _, _ = scene
    big, deep = np.tile(rgb, (3, 3, 1)), np.tile(disparity, (3, 3))
    unknown = np.zeros(deep.shape, bool)
    unknown[40:240, 60:300] = True
    assert scale_for(unknown, ~unknown, network_fill.REACH_PX) < 0.7
    painted, _ = network_fill.network_fill(big, deep, unknown, ~unknown)
    assert np.array_equal(painted[~unknown], big[~unknown]) and np.isfinite(painted).all()


def test_nothing_to_paint_or_to_learn_from_changes_nothing(scene) -> None:
    rgb, disparity, unknown, context = scene
    nowhere = np.zeros_like(unknown)
    for where, seen in ((nowhere, context), (unknown, nowhere)):
        painted, depth = network_fill.network_fill(rgb, disparity, where, seen)
        assert np.array_equal(painted, rgb) and np.array_equal(depth, disparity)


def test_missing_weights_say_what_to_do(tmp_path) -> None:
    with pytest.raises(MissingWeightsError, match="reinstall"):
        network_fill.load_network(tmp_path / "none.safetensors")


def test_specks_are_continued_smoothly_without_the_network(tmp_path) -> None:
    rgb = np.full((200, 200, 3), 0.25, np.float32)
    rgb[:, 100:] = 0.75
    disparity = np.full((200, 200), 0.5, np.float32)
    hole = np.zeros((200, 200), bool)
    hole[50:53, 99:102] = hole[120:123, 20:23] = True
    secret = np.where(hole[..., None], np.float32(9), rgb)
    colour, depth = network_fill.network_fill(secret, disparity, hole, ~hole, tmp_path / "there is no such file")
    assert np.array_equal(colour[~hole], rgb[~hole]) and np.array_equal(depth, disparity)
    np.testing.assert_allclose(colour[120:123, 20:23], 0.25, atol=1e-6)
    assert 0.25 < colour[51, 100].min() <= colour[51, 100].max() < 0.75
