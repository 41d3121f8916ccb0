"""What the benchmark of wires draws and measures."""

from __future__ import annotations

import json
import random
import sys

import cv2
import numpy as np
import pytest

from benchmarks import wires
from benchmarks.wires import BENT_PX, KINDS, bends_px, cover, draw, torn_links

BUDGET_PX = 40.0
POLE = ((0.5, 0.1), (0.5, 0.9), 0.01)
EVERYWHERE = np.ones((100, 200), bool)


def test_what_is_affine_does_not_bend() -> None:
    y, x = np.mgrid[0:100, 0:200].astype(np.float32)
    for thing in (POLE, ((0.1, 0.2), (0.9, 0.7), 0.01)):
        assert (
            bends_px(0.1 + 0.004 * y + 0.002 * x, EVERYWHERE, thing, BUDGET_PX).max() < 0.3
        )  # places are whole pixels


def test_a_break_is_measured_where_it_is() -> None:
    disparity = np.full((100, 200), 0.5, np.float32)
    disparity[45:55] = 0.8
    bends = bends_px(disparity, EVERYWHERE, POLE, BUDGET_PX)
    assert (bends > BENT_PX).sum() == 10
    assert bends.max() == pytest.approx(0.3 * BUDGET_PX, abs=0.1)


def test_what_nobody_sees_does_not_count() -> None:
    seen = EVERYWHERE.copy()
    seen[60:] = False
    disparity = np.full((100, 200), 0.5, np.float32)
    disparity[70:] = 0.8
    bends = bends_px(disparity, seen, POLE, BUDGET_PX)
    assert len(bends) == 50 and bends.max() < 0.1
    assert not len(bends_px(disparity, ~EVERYWHERE, POLE, BUDGET_PX))


def test_what_is_torn_counts_within_a_thing_alone() -> None:
    where = np.zeros((6, 6), bool)
    where[1:5, 2:4] = True
    right, down = np.ones((6, 5), bool), np.ones((5, 6), bool)
    down[2] = False  # a tear across everything
    assert torn_links(right, down, where) == (2, 2, 10)
    assert torn_links(right, np.ones_like(down), where) == (0, 0, 10)
    right[2:5, 2] = False  # and one along it
    assert torn_links(right, down, where) == (5, 3, 10)


@pytest.mark.parametrize("kind", KINDS)
def test_things_are_drawn_where_they_are_said_to_be(kind: str) -> None:
    wall = np.full((200, 300, 3), 128, np.uint8)
    things = KINDS[kind](random.Random(3))
    assert things == KINDS[kind](random.Random(3))
    drawn = draw(wall, cover((200, 300), things), (20, 20, 25))
    for (x0, y0), (x1, y1), _ in things:
        at = np.array([x0 + x1, y0 + y1]) / 2 * (300, 200)
        column, row = np.clip(at.astype(int), 1, (298, 198))
        assert drawn[row - 1 : row + 2, column - 1 : column + 2].min() < 90
    assert np.abs(drawn.astype(int) - wall).max(-1).mean() < 40


def test_the_command_prints_a_row_per_kind_and_map(tmp_path, monkeypatch, capsys) -> None:
    photo = tmp_path / "wall.png"
    cv2.imwrite(str(photo), np.random.default_rng(1).integers(90, 160, (120, 160, 3), dtype=np.uint8))
    monkeypatch.setattr(wires, "SIDE_PX", 240)
    monkeypatch.setattr(sys, "argv", ["wires", str(photo), "--json"])
    wires.main()
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["kind"], row["map"]) for row in rows] == [
        *((kind, name) for kind in (*KINDS, "all") for name in ("depth", "layers")),
        ("photo", "layers"),
    ]
    for row in rows:
        assert (row["longest_torn_px"] is None) == (row["map"] == "depth")
        for key, there in (("bent_share", row["kind"] != "photo"), ("torn_share", row["map"] == "layers")):
            assert (row["kind"] == "photo" and row[key] is None) or (0 <= row[key] <= 1 if there else row[key] is None)
