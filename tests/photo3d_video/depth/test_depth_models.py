"""Depth models of the transformers library: tiny ones with random weights, saved and loaded as the large ones are."""

from __future__ import annotations

import json
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from photo3d_video import Picture, WeightsError, estimate_depth, frame_photo, frame_picture
from photo3d_video.depth import models, transformers_depth
from photo3d_video.depth.models import find_model
from photo3d_video.photo import photo_from_array
from tests.depth_models import FAMILIES, SIZE, copy_of, drop_weights, make, ranks


@pytest.fixture
def rgb(two_planes) -> np.ndarray:
    return two_planes(*SIZE).rgb


@pytest.mark.parametrize(("family", "gives_distance"), FAMILIES.items())
def test_random_weights_give_what_the_model_gives(saved, rgb, family, gives_distance) -> None:
    import torch

    depth = estimate_depth(rgb, str(saved(family)))
    assert depth.disparity.dtype == np.float32 and depth.disparity.ndim == 2 and min(depth.disparity.shape) >= 42
    assert (depth.disparity.min(), depth.disparity.max()) == (0, 1)
    assert depth.source == str(saved(family)) and depth.subject is None

    network, processor = make(family)
    network = type(network).from_pretrained(saved(family)).eval()
    with torch.inference_mode():
        output = network(**processor(images=Image.fromarray(rgb), return_tensors="pt"))
    raw = output.predicted_depth
    if family == "zoedepth":
        raw = processor.post_process_depth_estimation(output, source_sizes=[rgb.shape[:2]])[0]["predicted_depth"]
    raw = raw.squeeze().numpy()
    assert raw.shape == depth.disparity.shape
    inner = (depth.disparity > 0) & (depth.disparity < 1)
    agreement = np.corrcoef(ranks(raw[inner]), ranks(depth.disparity[inner]))[0, 1]
    assert agreement == pytest.approx(-1 if gives_distance else 1, abs=0.01)


@pytest.mark.parametrize(("family", "gives_distance"), FAMILIES.items())
def test_metres_become_inverse_depth(saved, rgb, monkeypatch, family, gives_distance) -> None:
    import torch

    loaded = transformers_depth.load(find_model(str(saved(family))))
    values = torch.linspace(1, 10, 60).expand(1, 40, 60)
    monkeypatch.setattr(loaded.network, "forward", lambda pixel_values: SimpleNamespace(predicted_depth=values))
    monkeypatch.setattr(loaded.processor, "do_pad", False, raising=False)
    disparity = estimate_depth(rgb, str(saved(family))).disparity
    row = np.linspace(1, 10, 60)
    expected = (1 / row - 0.1) / 0.9 if gives_distance else (row - 1) / 9
    assert disparity[20] == pytest.approx(expected, abs=0.01)


def test_opengl_may_be_open_before_the_library_is_imported(saved) -> None:
    code = (
        "import sys, numpy as np; from photo3d_video import estimate_depth, open_context; context = open_context();"
        "print(estimate_depth(np.zeros((64, 96, 3), np.uint8), sys.argv[1]).disparity.shape)"
    )
    done = subprocess.run([sys.executable, "-c", code, saved("dpt")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "(64, 64)\n"), done.stderr


def test_configuration_decides_not_the_name(saved, rgb, tmp_path) -> None:
    folder = copy_of(saved("depth-anything-metric"), tmp_path / "relative-model")
    assert transformers_depth.load(find_model(str(folder))).gives_distance
    config = json.loads((folder / models.CONFIG).read_text())
    (folder / models.CONFIG).write_text(json.dumps(config | {"depth_estimation_type": "relative"}))
    transformers_depth.load.cache_clear()
    assert not transformers_depth.load(find_model(str(folder))).gives_distance


@pytest.mark.parametrize(("degrees", "widths"), [(60.0, 0.866), (90.0, 0.5), (0.1, None), (float("nan"), None)])
def test_field_of_view_gives_the_focal_length(saved, rgb, monkeypatch, degrees, widths) -> None:
    import torch

    loaded = transformers_depth.load(find_model(str(saved("depth-pro"))))
    output = SimpleNamespace(predicted_depth=torch.rand(1, 40, 40), field_of_view=torch.tensor([degrees]))
    monkeypatch.setattr(loaded.network, "forward", lambda pixel_values: output)
    depth = estimate_depth(rgb, str(saved("depth-pro")))
    assert depth.focal_widths == (None if widths is None else pytest.approx(widths, abs=1e-3))

    def picture(focal_px: float | None) -> Picture:
        photo = photo_from_array(rgb, focal_px)
        return frame_picture(photo, depth, frame_photo(*SIZE))

    assert picture(None).focal_px == pytest.approx(SIZE[0] if widths is None else widths * SIZE[0], rel=1e-3)
    assert picture(77.0).focal_px == pytest.approx(77)


def test_long_pictures_stay_small(saved, rgb) -> None:
    depth = estimate_depth(np.repeat(rgb, 8, axis=1), str(saved("depth-anything")))
    assert depth.disparity.shape[1] <= 3.3 * depth.disparity.shape[0]


def test_missing_weights_are_found_where_they_matter(saved, rgb, tmp_path) -> None:
    folder = copy_of(saved("dpt"), tmp_path / "dpt")
    whole = estimate_depth(rgb, str(saved("dpt"))).disparity
    assert drop_weights(folder, "neck.fusion_stage.layers.0.residual_layer1"), "the model never uses these"
    assert np.array_equal(estimate_depth(rgb, str(folder)).disparity, whole)
    (name, *_) = drop_weights(folder, "head.head.2.bias")
    transformers_depth.load.cache_clear()
    with pytest.raises(WeightsError, match=f"lacks weights .{name} and .* more"):
        estimate_depth(rgb, str(folder))


def test_what_is_no_model_is_refused_in_a_line(saved, rgb, tmp_path) -> None:
    folder = copy_of(saved("dpt"), tmp_path / "dpt")

    def refuses(text: str) -> None:
        transformers_depth.load.cache_clear()
        with pytest.raises(WeightsError, match=text) as caught:
            estimate_depth(rgb, str(folder))
        assert "\n" not in str(caught.value) and str(folder) in str(caught.value)

    config = (folder / models.CONFIG).read_text()
    (folder / models.CONFIG).write_text(config.replace('"dpt"', '"vit"'))
    refuses("type vit: give one of depth_anything")
    (folder / models.CONFIG).write_text(config.replace('"fusion_hidden_size": 8', '"fusion_hidden_size": 16'))
    refuses("cannot be loaded")
    (folder / models.CONFIG).write_text("{")
    refuses("cannot be loaded")
    (folder / models.CONFIG).write_text(config)
    (folder / models.WEIGHTS).write_bytes(b"damaged")
    refuses("cannot be loaded")
    (folder / models.WEIGHTS).rename(folder / "pytorch_model.bin")
    refuses("holds no model.safetensors, only weights in forms that may run code")
    (folder / "pytorch_model.bin").unlink()
    refuses("lacks model.safetensors")
    (folder / models.INDEX).write_text('{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}')
    (folder / "model-1.safetensors").touch()
    refuses("lacks model-2.safetensors")
    (folder / models.INDEX).write_text("[]")
    refuses("damaged")
    (folder / models.PROCESSOR).unlink()
    refuses("preprocessor_config.json is missing")
    (folder / models.CONFIG).unlink()
    refuses("config.json is missing")


def test_pickles_beside_safetensors_are_not_read(saved, rgb, tmp_path) -> None:
    folder = copy_of(saved("dpt"), tmp_path / "dpt")
    (folder / "pytorch_model.bin").write_bytes(b"would fail")
    assert estimate_depth(rgb, str(folder)).disparity.shape == (64, 64)
