"""Which tears are real, fitted: on evidence that the test makes up, and on a picture that it draws."""

import numpy as np
import pytest

from tests.scenes import two_planes
from training.fit_tears import fit, judged_tears, true_steps_px


def test_the_regression_finds_what_made_the_data() -> None:
    rng = np.random.default_rng(3)
    evidence = rng.normal(-1.5, 1, (20_000, 2)).astype(np.float32)
    likely = 1 / (1 + np.exp(-(1.2 * evidence[:, 0] + 0.8 * evidence[:, 1] + 2)))
    true = rng.random(len(likely)) < likely
    found = fit(evidence, true, np.full(len(true), 1 / len(true)))
    assert found == pytest.approx((1.2, 0.8, 2), abs=0.1)


def test_true_steps_are_looked_for_nearby_and_where_depth_is_known() -> None:
    truth = np.zeros((100, 200), np.float32)
    truth[:, 100:] = 0.5
    known = np.ones(truth.shape, bool)
    known[:, 150:] = False
    steps = true_steps_px(truth, known, 40.0)
    np.testing.assert_allclose(steps[:, 97:103], 20)
    assert (steps[:, :90] == 0).all() and (steps[:, 110:140] == 0).all()
    assert np.isnan(steps[:, 150:]).all()


def test_each_tear_of_a_picture_has_evidence_and_a_true_step() -> None:
    scene = two_planes(150, 200)
    truth = scene.disparity + 0.1  # known throughout
    evidence, step = judged_tears(scene.rgb, truth)
    assert evidence.shape == (len(step), 2) and len(step) > 0
    assert np.isfinite(evidence).all() and np.isfinite(step).all() and (step >= 0).all()
