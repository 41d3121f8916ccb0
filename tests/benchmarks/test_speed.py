"""The speed benchmark measures what a user waits for."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import speed
from benchmarks.speed import command_line, run_fresh
from tests.scenes import textured_planes


def test_time_and_memory_of_a_process_tree() -> None:
    child = "import time; block = b'x' * 80_000_000; time.sleep(0.7)"
    parent = f"import subprocess, sys; block = b'x' * 60_000_000; subprocess.run([sys.executable, '-c', {child!r}])"
    seconds, peak_mb = run_fresh([sys.executable, "-c", parent])
    assert 0.7 < seconds < 20
    assert 140 < peak_mb < 400, "parent and child together"


def test_failing_command_is_an_error_in_words() -> None:
    with pytest.raises(SystemExit, match="exit code 3"):
        run_fresh([sys.executable, "-c", "raise SystemExit(3)"])


def test_command_line_passes_what_is_given_on() -> None:
    line = command_line(Path("a.jpg"), Path("out.mp4"), {"path": "swing", "size": None, "seconds": 2.0, "fps": 24.0})
    assert line[line.index("a.jpg") + 1 :] == [
        *("--path", "swing", "--seconds", "2.0", "--fps", "24.0", "--output", "out.mp4", "--no-cache", "--quiet"),
    ]


def test_all_figures_of_a_clip(tmp_path, capsys, monkeypatch) -> None:
    scene = textured_planes(120, 160)
    photo, depth = tmp_path / "photo.png", tmp_path / "depth.png"
    Image.fromarray(scene.rgb).save(photo)
    Image.fromarray((scene.disparity * 65535).astype(np.uint16)).save(depth)
    options = ("--path", "swing", "--size", "96x64", "--seconds", "0.5", "--fps", "24", "--depth", str(depth), "--json")
    monkeypatch.setattr(sys, "argv", ["speed", str(photo), *options])
    monkeypatch.setenv("PYTHONPATH", str(Path(speed.__file__).parents[1]))
    speed.main()
    result = json.loads(capsys.readouterr().out)
    assert (result["photo"], result["path"], result["size"], result["frames"]) == ("photo.png", "swing", [96, 64], 12)
    stages = result["stages_s"]
    assert list(stages) == ["load", "depth", "layers", "fill", "mesh", "render", "encode"]
    assert all(seconds >= 0 for seconds in stages.values())
    assert result["fps"] == pytest.approx(12 / (stages["render"] + stages["encode"]), rel=1e-3)
    assert result["wall_s"] > 0.1 and result["encode_only_fps"] > 0 and result["peak_rss_mb"] > 30
    assert sorted(p.name for p in tmp_path.iterdir()) == ["depth.png", "photo.png"], "nothing is left behind"
