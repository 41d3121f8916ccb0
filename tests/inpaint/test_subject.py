"""The subject stays in one piece: steps of depth within it are slopes, its outline stays a step."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inpaint.chains import find_tears
from inpaint.subject import INNER_STEP, in_one_piece
from tests.scenes import cases

HEIGHT, WIDTH = 240, 320
BUDGET_PX = 22.0
BODY, ARM = np.s_[60:240, 100:220], np.s_[110:150, 60:170]  # the arm lies before the body and beyond it


def figure(step: float) -> tuple[np.ndarray, np.ndarray]:
    """Disparity of an arm before a body before a wall, and the probability of subject."""
    q = np.full((HEIGHT, WIDTH), 0.1, np.float32)
    q[BODY] = 0.9 - step
    q[ARM] = 0.9
    return q, (q > 0.1).astype(np.float32) * 0.9


def test_an_arm_is_not_torn_off() -> None:
    q, subject = figure(step=0.25)
    inner = np.s_[112:148, 165:175]  # the arm's end before the body
    assert not find_tears(q, BUDGET_PX).right[inner].all()
    links = find_tears(in_one_piece(q, subject), BUDGET_PX)
    assert links.right[inner].all()


def test_the_outline_stays_where_it_is() -> None:
    q, subject = figure(step=0.25)
    whole = in_one_piece(q, subject)
    np.testing.assert_array_equal(whole[subject == 0], q[subject == 0])
    before, after = find_tears(q, BUDGET_PX), find_tears(whole, BUDGET_PX)
    outline = (subject[:, 1:] > 0) != (subject[:, :-1] > 0)
    assert not before.right[outline].any() and not after.right[outline].any()
    assert whole[subject > 0].min() > 0.6


def test_a_spot_at_the_outline_that_lies_between_belongs_to_the_subject() -> None:
    q, subject = figure(step=0.0)
    q[80:100, 100:104] = 0.5
    whole = in_one_piece(q, subject)
    assert whole[80:100, 100:104].min() > 0.8
    np.testing.assert_array_equal(whole[80:100, :100], q[80:100, :100])


@pytest.mark.parametrize("probability", [0.0, 0.3])
def test_where_nothing_is_subject_nothing_changes(probability: float) -> None:
    q, _ = figure(step=0.25)
    np.testing.assert_array_equal(in_one_piece(q, np.full_like(q, probability)), q)


def test_one_before_another_is_still_torn() -> None:
    q, subject = figure(step=INNER_STEP + 0.15)
    assert not find_tears(in_one_piece(q, subject), BUDGET_PX).right[np.s_[112:148, 169]].any()


@given(cases(), st.floats(0, 1))
@settings(max_examples=40, deadline=None)
def test_depth_stays_within_its_range(case, probability: float) -> None:
    q = case.disparity
    out = in_one_piece(q, np.full_like(q, probability))
    assert out.shape == q.shape and out.dtype == np.float32 and np.isfinite(out).all()
    assert out.min() >= q.min() - 1e-6 and out.max() <= q.max() + 1e-6
