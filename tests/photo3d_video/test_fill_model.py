"""`--fill-model`: from the command to the clip."""

import cv2
import numpy as np
import pytest

from photo3d_video.cli import command as cli
from photo3d_video.errors import InputError
from photo3d_video.fill_model import find_fill_model, load_fill
from photo3d_video.run import render_photo
from tests.onnx_models import FLOAT, lama, node, save
from tests.scenes import two_planes


@pytest.fixture
def photo(tmp_path):
    """A photo and its depth map."""
    scene = two_planes(288, 384)
    assert cv2.imwrite(str(tmp_path / "photo.png"), scene.rgb[..., ::-1])
    assert cv2.imwrite(str(tmp_path / "depth.png"), np.round(scene.disparity * 255).astype(np.uint8))
    return {"photo": tmp_path / "photo.png", "depth": tmp_path / "depth.png"}


def first_frame(photo, tmp_path, **options):
    output = tmp_path / "still.png"
    render_photo(**photo, path="pan", output=output, still="0%", size=(384, 288), cache=False, **options)
    return cv2.imread(str(output)).astype(int)


def test_a_model_paints_what_the_move_uncovers(photo, tmp_path) -> None:
    plain = first_frame(photo, tmp_path, fill="fast")
    model = lama(tmp_path / "model.onnx", 255.0)
    painted = first_frame(photo, tmp_path, fill_model=model)
    differs = np.abs(painted - plain).max(-1) > 20
    assert 0.005 < differs.mean() < 0.3, "what was hidden, and nothing else"
    grey = painted[differs].max(-1) - painted[differs].min(-1)
    assert np.median(grey) < 20, "the model paints grey, the scene has none"


def test_a_changed_file_is_another_model(tmp_path) -> None:
    file = lama(tmp_path / "model.onnx", 255.0)
    first = find_fill_model(file)
    assert first == find_fill_model(file) and load_fill(first) is load_fill(first)
    assert find_fill_model(lama(file, 1.0)) != first


def test_a_missing_file_is_told_before_anything_slow(photo, tmp_path, capsys) -> None:
    arguments = [str(photo["photo"]), "--fill-model", str(tmp_path / "none.onnx"), "-o", str(tmp_path / "clip.mp4")]
    assert cli.main(arguments) == 1
    assert "none.onnx is missing" in capsys.readouterr().err
    assert not (tmp_path / "clip.mp4").exists()


def test_files_that_hold_no_inpainting_model_are_input_errors(tmp_path) -> None:
    text = tmp_path / "text.onnx"
    text.write_text("no model")
    with pytest.raises(InputError, match=r"--fill-model.*text\.onnx is no ONNX model"):
        load_fill(find_fill_model(text))


def test_a_model_that_fails_while_it_paints_is_an_input_error(tmp_path) -> None:
    nodes = [node("ReduceMean", "image", "mean", axes=[1]), node("Mul", "mean mask", "result")]
    file = save(tmp_path / "flat.onnx", nodes, [("image", FLOAT, 3), ("mask", FLOAT, 1)], output_channels=1)
    picture, hole = np.zeros((64, 64, 3), np.float32), np.zeros((64, 64), bool)
    hole[20:30, 20:30] = True
    with pytest.raises(InputError, match="another kind"):
        load_fill(find_fill_model(file))(picture, picture[..., 0], hole, ~hole)


def test_without_onnxruntime_the_extra_is_named(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"photo3d-video\[onnx\]"):
        find_fill_model(lama(tmp_path / "model.onnx", 255.0))
