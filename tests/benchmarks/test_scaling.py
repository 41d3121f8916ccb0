"""The scaling benchmark runs the command on ever larger photos and ever longer clips, and its slopes are right."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks import scaling
from benchmarks.scaling import cost, numbers, resized, slopes


def test_slopes_are_the_powers_of_growth() -> None:
    rows = [
        {"grows": "frames", "megapixels": 1.0, "frames": n, "cpu_s": 3.0 * n, "wall_s": 2.0 * n**0.5, "peak_rss_mb": 7}
        for n in (600, 30, 150)
    ]
    found = {row["figure"]: row for row in slopes(rows)}
    for figure, power in (("cpu_s", 1.0), ("wall_s", 0.5), ("peak_rss_mb", 0.0)):
        assert found[figure]["slope"] == pytest.approx(power, abs=1e-9)
        assert found[figure]["steepest"] == pytest.approx(power, abs=1e-9)
    rows[0]["cpu_s"] *= 4
    assert slopes(rows)[0]["steepest"] == pytest.approx(2.0), "between 150 and 600 frames"
    assert all(math.isnan(row["slope"]) and math.isnan(row["steepest"]) for row in slopes(rows[:1]))


def test_copies_have_the_size_that_was_asked_for(tmp_path) -> None:
    Image.fromarray(np.zeros((300, 400, 3), np.uint8)).save(tmp_path / "photo.png")
    file, size = resized(tmp_path / "photo.png", 0.03, tmp_path)
    with Image.open(file) as image:
        assert image.size == size == (200, 150)


def test_processor_time_of_a_command_and_its_children() -> None:
    child = "import time; end = time.process_time() + 0.4\nwhile time.process_time() < end: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); import time; time.sleep(0.3)"
    found = cost([sys.executable, "-c", parent])
    assert found["cpu_s"] > 0.4 and found["wall_s"] > 0.7 and found["peak_rss_mb"] > 5


@pytest.mark.parametrize("text", ["", "1,", "0,2", "a", "2,2"])
def test_lists_that_have_no_slope_are_refused(text) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="positive numbers"):
        numbers(text)


def test_rows_and_slopes_of_a_photo(tmp_path, capsys, monkeypatch) -> None:
    y, x = np.mgrid[0:96, 0:128]
    photo = tmp_path / "photo.png"
    Image.fromarray(np.stack([2 * x, 2 * y, x + y], -1).astype(np.uint8)).save(photo)
    options = ("--megapixels", "0.02", "--frames", "2", "--size", "64x48", "--json")
    monkeypatch.setattr(sys, "argv", ["scaling", str(photo), *options])
    monkeypatch.setenv("PYTHONPATH", str(Path(scaling.__file__).parents[1]))
    scaling.main()
    result = json.loads(capsys.readouterr().out)
    assert [(row["grows"], row["frames"]) for row in result["rows"]] == [("megapixels", 3), ("frames", 2)]
    assert [row["megapixels"] for row in result["rows"]] == pytest.approx([0.02, 0.003072], rel=0.03)
    assert all(row["cpu_s"] > 0.1 and row["wall_s"] > 0.1 and row["peak_rss_mb"] > 30 for row in result["rows"])
    assert [row["slope"] for row in result["slopes"]] == [None] * 6, "of one point each"
    assert list(tmp_path.iterdir()) == [photo], "nothing is left behind"
