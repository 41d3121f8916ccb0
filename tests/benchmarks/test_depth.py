"""The depth benchmark on sets drawn by code."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks import depth
from benchmarks.depth import METRICS, compare, evaluate, find_samples, read_sample, vertical_ramp


def write_disparity(file: Path, disparity: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), np.round(disparity * 60000).astype(np.uint16))


def write_picture(file: Path, disparity: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(file), np.dstack([np.round(disparity * 255)] * 3).astype(np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two depth sets, in one of which depth is the brightness, and a stereo set."""
    ramp = np.repeat(np.linspace(0.2, 0.9, 40)[:, None], 50, axis=1)
    side = np.repeat(np.linspace(0.2, 0.9, 50)[None], 40, axis=0)
    for name, disparity in (("down/a", ramp), ("down/b", ramp**2), ("across/a", side)):
        write_picture(tmp_path / f"{name}.jpg", disparity)
        write_disparity(tmp_path / f"{name}.png", disparity)
    write_picture(tmp_path / "stereo/scene1/left.png", side)
    write_picture(tmp_path / "stereo/scene1/right.png", side)
    write_disparity(tmp_path / "stereo/scene1/disparity.png", side)
    (tmp_path / "down" / "alone.jpg").write_bytes(b"no depth beside it")
    return tmp_path


def test_both_forms_are_found(folder) -> None:
    assert [(s.dataset, s.picture.name) for s in find_samples(folder)] == [
        ("across", "a.jpg"), ("down", "a.jpg"), ("down", "b.jpg"), ("stereo", "left.png"),
    ]  # fmt: skip
    assert [s.dataset for s in find_samples(folder / "down")] == ["down", "down"]
    assert [s.dataset for s in find_samples(folder / "stereo")] == ["stereo"]
    assert [s.dataset for s in find_samples(folder / "stereo" / "scene1")] == ["scene1"]


def test_perfect_depth_up_to_scale_and_shift_is_perfect() -> None:
    truth = np.random.default_rng(0).uniform(0.3, 1, (40, 50)).astype(np.float32)
    truth[:, 20:] *= 0.5
    scores = compare(5 * truth - 2, truth)
    assert scores["absrel"] == pytest.approx(0, abs=1e-5) and scores["bad125"] == 0
    assert [scores[m] for m in ("pearson", "spearman", "boundary_f1")] == pytest.approx([1, 1, 1])
    flipped = compare(-truth, truth)
    assert flipped["pearson"] == pytest.approx(-1)


def test_unknown_pixels_do_not_count() -> None:
    truth = np.tile(np.linspace(0.3, 1, 50, dtype=np.float32), (40, 1))
    guess = truth.copy()
    guess[10:20] = 7
    known = truth.copy()
    known[8:22] = 0
    assert compare(guess, known)["absrel"] == pytest.approx(0, abs=1e-5)
    assert compare(guess, truth)["absrel"] > 0.05


def test_constant_depth_gets_no_correlation() -> None:
    truth = np.tile(np.linspace(0.1, 1, 50, dtype=np.float32), (40, 1))
    scores = compare(np.ones_like(truth), truth)
    assert scores["pearson"] == 0 and scores["bad125"] > 0.3
    far = 0.55 / truth  # the mean of disparity is the best constant
    assert scores["bad125"] == pytest.approx((np.maximum(far, 1 / far) > 1.25).mean(), abs=0.02)


def test_rows_are_datasets_and_their_mean(folder) -> None:
    rows = list(evaluate("ramp", vertical_ramp, find_samples(folder)))
    assert [(row["dataset"], row["n"]) for row in rows] == [("across", 1), ("down", 2), ("stereo", 1), ("mean", 4)]
    by_name = {row["dataset"]: row for row in rows}
    assert by_name["down"]["spearman"] == pytest.approx(1, abs=1e-3) and abs(by_name["across"]["pearson"]) < 0.01
    expected = np.mean([by_name[name]["pearson"] for name in ("across", "down", "stereo")])
    assert by_name["mean"]["pearson"] == pytest.approx(expected)
    assert list(rows[0]) == ["model", "dataset", "n", *METRICS]


def test_command_prints_one_json_object(folder, capsys, monkeypatch) -> None:
    monkeypatch.setitem(depth.MODELS, "built-in", lambda rgb: rgb[::2, ::2, 0].astype(np.float32))
    monkeypatch.setattr(sys, "argv", ["depth", str(folder), "--model", "built-in", "--model", "ramp", "--json"])
    depth.main()
    out, err = capsys.readouterr()
    rows = json.loads(out)["rows"]
    assert [row["model"] for row in rows] == ["built-in"] * 4 + ["ramp"] * 4
    assert all(row["pearson"] > 0.99 for row in rows[:4]), "here depth is the brightness"
    assert "4 of 4" in err


def test_trained_weights_can_be_measured() -> None:
    from photo3d_video.depth.builtin import WEIGHTS, estimate_depth

    rgb = np.random.default_rng(0).integers(0, 256, (96, 128, 3)).astype(np.uint8)
    of_file = depth.from_weights(WEIGHTS)(rgb)
    assert np.corrcoef(of_file.ravel(), estimate_depth(rgb).disparity.ravel())[0, 1] > 0.99


def test_models_of_transformers_can_be_measured(folder, tmp_path, capsys, monkeypatch) -> None:
    from photo3d_video.depth.builtin import without_triton

    with without_triton():  # earlier tests may have opened OpenGL
        from transformers import DPTConfig, DPTForDepthEstimation, DPTImageProcessor

    config = DPTConfig(
        hidden_size=16, num_hidden_layers=4, num_attention_heads=2, intermediate_size=32, image_size=64,
        backbone_out_indices=[0, 1, 2, 3], neck_hidden_sizes=[4, 4, 8, 8], fusion_hidden_size=8,
    )  # fmt: skip
    DPTForDepthEstimation(config).save_pretrained(tmp_path / "tiny")
    DPTImageProcessor(size={"height": 64, "width": 64}).save_pretrained(tmp_path / "tiny")
    arguments = ["depth", str(folder / "down"), "--model", str(tmp_path / "tiny"), "--json"]
    monkeypatch.setattr(sys, "argv", arguments)
    depth.main()
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["model"], row["dataset"], row["n"]) for row in rows] == [
        (str(tmp_path / "tiny"), "down", 2), (str(tmp_path / "tiny"), "mean", 2),
    ]  # fmt: skip
    monkeypatch.setattr(sys, "argv", [*arguments[:3], "moonshot"])
    with pytest.raises(SystemExit, match=r"moonshot is unknown.*ramp"):
        depth.main()


def test_folder_without_samples_is_an_error_in_words(tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(sys, "argv", ["depth", str(tmp_path)])
    with pytest.raises(SystemExit):
        depth.main()
    assert "name.jpg with name.png" in capsys.readouterr().err


def test_damaged_reference_is_named(tmp_path) -> None:
    write_picture(tmp_path / "a.jpg", np.zeros((40, 50)))
    write_disparity(tmp_path / "a.png", np.zeros((20, 50)))
    with pytest.raises(SystemExit, match=r"a\.png"):
        read_sample(find_samples(tmp_path)[0])
