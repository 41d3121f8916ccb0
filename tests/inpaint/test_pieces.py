"""Straight pieces that go on in one another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.pieces import Pieces, Run, runs

SIDE = 400


def pieces(*ends: tuple[float, float, float, float], colours: tuple[float, ...] | None = None) -> Pieces:
    both = np.array(ends, np.float32).reshape(-1, 2, 2)
    colour = np.repeat(np.array(colours or (0.0,) * len(ends), np.float32)[:, None], 3, 1)
    return Pieces(both[:, 0], both[:, 1], colour, np.ones(len(ends), np.float32))


def found(of: Pieces, seed_px: float = 10, shortest_px: float = 40) -> list[Run]:
    return list(runs(of, SIDE, seed_px, shortest_px))


@settings(max_examples=60, deadline=None)
@given(st.floats(0, 2 * np.pi), st.lists(st.floats(12, 30), min_size=2, max_size=5), st.floats(2, 9))
def test_pieces_of_a_line_become_one_run(angle: float, lengths: list[float], gap: float) -> None:
    along = np.array([np.cos(angle), np.sin(angle)])
    places = np.cumsum([0.0, *[value for length in lengths for value in (length, gap)]])[:-1].reshape(-1, 2)
    ends = np.array([200.0, 150.0]) + places[..., None] * along
    (run,) = found(pieces(*ends.reshape(-1, 4).tolist()), shortest_px=20)
    assert run.length == pytest.approx(places[-1, 1], abs=0.5)
    assert abs(float(run.along @ along)) == pytest.approx(1, abs=1e-4)
    assert len(run.seen) == int(run.length) + 1
    assert run.seen.mean() >= sum(lengths) / places[-1, 1] - 0.05
    assert lengths[run.seed] == pytest.approx(max(lengths), abs=1e-3)


def test_a_run_is_seen_where_its_pieces_are() -> None:
    (run,) = found(pieces((10, 50, 60, 50), (78, 50, 120, 50)))
    x = run.start[0] + np.arange(len(run.seen)) * run.along[0]
    assert not run.seen[(x > 65) & (x < 75)].any()
    assert run.seen[(x < 60) | (x > 80)].all()


@pytest.mark.parametrize(
    "other",
    [(70, 56, 120, 56), (70, 52, 120, 75), (140, 50, 160, 50), (70, 50, 70, 100)],
    ids=["beside it", "turned", "far beyond", "across"],
)
def test_what_does_not_go_on_is_another_line(other: tuple[float, float, float, float]) -> None:
    run = found(pieces((10, 50, 65, 50), other))[0]
    assert run.length == pytest.approx(55, abs=0.5)


def test_pieces_of_other_colours_are_no_part() -> None:
    assert found(pieces((10, 50, 60, 50), (65, 50, 110, 50), colours=(0.1, 0.1)))[0].length > 90
    assert found(pieces((10, 50, 60, 50), (65, 50, 110, 50), colours=(0.1, 0.9)))[0].length < 60


def test_short_pieces_begin_no_run_and_short_runs_are_none() -> None:
    crumbs = pieces((10, 50, 18, 50), (19, 50, 27, 50), (28, 50, 36, 50), (37, 50, 45, 50), (46, 50, 54, 50))
    assert not found(crumbs)
    assert found(crumbs, seed_px=5)
    assert not found(crumbs, seed_px=5, shortest_px=50)
    assert not found(Pieces(*(np.zeros((0, n), np.float32) for n in (2, 2, 3)), np.zeros(0, np.float32)))
