"""The batch benchmark compares the same clips, and notices what a kill does to them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import batch
from benchmarks.batch import Batch, clips_in, half_written
from photo3d_video.output.encoding import VideoSpec
from photo3d_video.output.video import VideoWriter
from tests.scenes import textured_planes


def test_all_figures_of_a_batch(tmp_path, capsys, monkeypatch) -> None:
    for name in "ab":
        Image.fromarray(textured_planes(90, 120).rgb).save(tmp_path / f"{name}.png")
    options = ("--path", "swing,pan", "--size", "96x64", "--seconds", "0.5", "--sample", "1", "--json")
    monkeypatch.setattr(sys, "argv", ["batch", str(tmp_path), *options])
    monkeypatch.setenv("PYTHONPATH", str(Path(batch.__file__).parents[1]))
    batch.main()
    result = json.loads(capsys.readouterr().out)
    assert (result["photos"], result["paths"], result["clips"], result["singles_measured"]) == (2, 2, 4, 1)
    assert result["ratio"] == pytest.approx(result["singles_s"] / result["batch_s"], rel=1e-3)
    assert result["batch_peak_mb"] > 30 and result["single_peak_mb"] > 30
    assert 1 <= result["killed_after_clips"] < 4 and result["resume_s"] > 0
    assert [result[key] for key in ("lost", "half_written", "rendered_twice", "left_over")] == [0, 0, 0, 0]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.png", "b.png"]


def test_single_runs_make_the_clips_of_the_batch(tmp_path) -> None:
    for name in ("000.jpg", "001.png"):
        (tmp_path / name).touch()
    many = Batch(tmp_path, ["pan", "orbit"], {"size": "64x64", "seconds": None, "jobs": 2})
    outputs = [Path(line[line.index("--output") + 1]).name for line in many.single_commands(tmp_path / "clips")]
    assert outputs == ["000_pan.mp4", "000_orbit.mp4", "001_pan.mp4", "001_orbit.mp4"]
    together, single = many.command(tmp_path / "clips", "--skip-existing"), many.single_commands(tmp_path / "clips")[0]
    assert "--jobs" in together and "pan,orbit" in together and "--skip-existing" in together
    assert "--jobs" not in single and "--no-cache" in single and "--seconds" not in single


def test_clips_with_missing_frames_are_half_written(tmp_path) -> None:
    for name, count in (("whole.mp4", 8), ("short.mp4", 5), ("unnoted.mp4", 8)):
        with VideoWriter(tmp_path / name, VideoSpec(64, 48, 30)) as writer:
            for _ in range(count):
                writer.write(np.zeros((48, 64, 3), np.uint8))
    (tmp_path / "cut.mp4").write_bytes((tmp_path / "whole.mp4").read_bytes()[:900])
    (tmp_path / ".hidden.part.mp4").touch()
    names = ["cut.mp4", "short.mp4", "unnoted.mp4", "whole.mp4"]
    assert sorted(clips_in(tmp_path)) == names
    entries = [{"output": name, "status": "done", "frames": 8, "fps": 30} for name in names]
    entries[2] = {"output": "unnoted.mp4", "status": "rendering", "frames": None, "fps": None}
    (tmp_path / "manifest.json").write_text(json.dumps({"clips": entries}))
    assert half_written(tmp_path, names) == ["cut.mp4", "short.mp4"]
