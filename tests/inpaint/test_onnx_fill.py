"""Fill models: what they are shown and what they may change, in every published convention."""

import sys

import numpy as np
import pytest

from inpaint.onnx_fill import FillModelError, load_model, onnx_fill
from tests.onnx_models import FLOAT, lama, migan, node, pipeline, save

BRIGHT, DARK, PAINTED = 0.8, 0.4, 0.4  # sRGB of the context's pattern, and half of the brightest

MODELS = {
    "lama 0..255": lambda file: lama(file, 255.0),
    "lama 0..1": lambda file: lama(file, 1.0),
    "lama fixed": lambda file: lama(file, 255.0, (48, 64)),
    "migan pipeline": pipeline,
    "migan": migan,
    "migan fixed": lambda file: migan(file, (64, 64)),
}


@pytest.fixture(params=MODELS)
def model(request, tmp_path):
    return MODELS[request.param](tmp_path / "model.onnx")


@pytest.fixture
def pattern():
    y, x = np.mgrid[0:90, 0:150] // 5
    return np.repeat(np.where((x + y) % 2, BRIGHT, DARK)[..., None], 3, -1).astype(np.float32)


@pytest.fixture
def scene(pattern):
    """A narrow hole, and hidden white pixels that no fill may see."""
    unknown, context = np.zeros((90, 150), bool), np.ones((90, 150), bool)
    unknown[10:80, 60:66] = True
    context[10:80, 60:90] = False
    rgb = np.where(context[..., None], pattern, 1).astype(np.float32)
    return rgb, np.full((90, 150), 0.5, np.float32), unknown, context


def test_every_convention_gets_its_ranges_and_its_mask(model, scene) -> None:
    rgb, disparity, unknown, context = scene
    painted, same = onnx_fill(model)(rgb, disparity, unknown, context)
    assert painted.dtype == np.float32 and painted.shape == rgb.shape
    np.testing.assert_allclose(painted[unknown], PAINTED, atol=0.004)
    assert np.array_equal(painted[~unknown], rgb[~unknown]) and same is disparity


def test_hidden_pixels_are_not_seen_and_fills_repeat(model, scene) -> None:
    rgb, disparity, unknown, context = scene
    fill = onnx_fill(model)
    first, _ = fill(rgb, disparity, unknown, context)
    other, _ = fill(np.where(context[..., None], rgb, 0.1).astype(np.float32), disparity, unknown, context)
    assert np.array_equal(first[unknown], other[unknown])
    assert np.array_equal(first, onnx_fill(model)(rgb, disparity, unknown, context)[0])


def test_deep_holes_are_filled_on_a_smaller_canvas(tmp_path, pattern) -> None:
    unknown = np.zeros(pattern.shape[:2], bool)
    unknown[15:75, 30:120] = True
    model = lama(tmp_path / "model.onnx", 255.0, (48, 48), share=0.75)  # the context's mean: no step at the seam
    painted, _ = onnx_fill(model)(pattern, pattern[..., 0], unknown, ~unknown)
    assert np.array_equal(painted[~unknown], pattern[~unknown])
    assert painted.min() >= 0 and painted.max() <= 1
    assert np.abs(painted[40:50, 60:90] - (BRIGHT + DARK) / 2).max() < 0.06


def test_nothing_to_paint_or_to_learn_from_changes_nothing(tmp_path, scene) -> None:
    rgb, disparity, unknown, context = scene
    fill = onnx_fill(lama(tmp_path / "model.onnx", 255.0))
    nowhere = np.zeros_like(unknown)
    for where, seen in ((nowhere, context), (unknown, nowhere)):
        assert np.array_equal(fill(rgb, disparity, where, seen)[0], rgb)


def test_other_files_are_errors_in_words(tmp_path) -> None:
    with pytest.raises(FillModelError, match=r"none\.onnx is missing"):
        load_model(tmp_path / "none.onnx")
    text = tmp_path / "text.onnx"
    text.write_text("no model")
    with pytest.raises(FillModelError, match=r"text\.onnx is no ONNX model") as caught:
        load_model(text)
    assert "\n" not in str(caught.value)
    nodes = [node("Mul", "picture half", "result")]
    other = save(tmp_path / "other.onnx", nodes, [("picture", FLOAT, 3)], half=0.5)
    with pytest.raises(FillModelError, match=r"other\.onnx takes picture tensor\(float\).*LaMa"):
        load_model(other)


def test_answers_of_another_shape_are_errors_in_words(tmp_path, scene) -> None:
    nodes = [node("ReduceMean", "image", "mean", axes=[1]), node("Mul", "mean mask", "result")]
    file = save(tmp_path / "flat.onnx", nodes, [("image", FLOAT, 3), ("mask", FLOAT, 1)], output_channels=1)
    with pytest.raises(FillModelError, match="another kind"):
        onnx_fill(file)(*scene)


def test_without_onnxruntime_the_extra_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(FillModelError, match=r"pip install 'photo3d-video\[onnx\]'"):
        load_model(tmp_path / "model.onnx")
