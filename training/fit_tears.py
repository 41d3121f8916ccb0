"""Which tears are real: what `inpaint.slopes` goes by, fitted to pictures with true depth.

`python -m training.fit_tears DATA` estimates the depth of the pairs whose true depth has sharp steps, tears it as the
layers do, looks up which tears are true, and fits a logistic regression of that on what `tear_evidence` finds.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.chains import find_tears
from inpaint.edges import sharpen
from inpaint.evidence import tear_evidence
from inpaint.filters import Bool, Float, far_and_span, widened
from inpaint.layers import separate_surfaces
from inpaint.sight import Sight
from inpaint.tears import steepest_steps, torn_pairs
from photo3d_video.depth.builtin import estimate_depth
from photo3d_video.pipeline import FAR_DISPARITY, parallax_budget_px
from training.sources import read_picture, training_pairs

SHARP = ("tartanair_indoor", "replica_office0", "depthy_samples", "sod_stereo_movies80", "stereo_objects")
PER_FOLDER = 40
RANGE = (1, 99.5)  # percentiles of true disparity that become 0 and 1, as estimates are
TRUE_PX, FALSE_PX = 5.0, 2.0  # a tear is true, or false, where the truth steps by more, or less, nearby
NEARBY_PX, NEARBY_SHARE = 4, 0.012  # an outline may be off by so much: px, or of the long side
ODDS = 1 / 3  # tears stay where they are as likely to be true as one in four
STRENGTH = 7 / 6  # of the move that opens the tears: fitted to smaller ones, too many true ones went
STEPS = 50


def fit(evidence: Float, true: Bool, weight: Float) -> tuple[float, float, float]:
    """Logistic regression of `true` (N,) on `evidence` (N, 2): its weights, and its constant, by Newton's method."""
    inputs = np.column_stack([evidence, np.ones(len(evidence))]).astype(np.float64)
    weights = np.zeros(3)
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (weight * (true - likely))
        curvature = (inputs * (weight * likely * (1 - likely))[:, None]).T @ inputs
        weights += np.linalg.solve(curvature + 1e-9 * np.eye(3), slope)
    return float(weights[0]), float(weights[1]), float(weights[2])


def true_steps_px(truth: Float, known: Bool, budget_px: float) -> Float:
    """(H, W) the largest step of `truth` (H, W) near each pixel, px; NaN where not all is `known` (H, W)."""
    reach = max(NEARBY_PX, round(NEARBY_SHARE * max(truth.shape)))
    steps = widened(far_and_span(truth, 1)[1], reach) * np.float32(budget_px)
    return np.where(widened((~known).astype(np.uint8), reach) > 0, np.float32(np.nan), steps)


def judged_tears(rgb: npt.NDArray[np.uint8], truth: Float) -> tuple[Float, Float]:
    """The evidence (N, 2) of each tear of a picture (H, W, 3), and the true step (N,) there, px; NaN if unknown.

    `truth` (H, W) true disparity of any scale, 0 where unknown.
    """
    h, w = truth.shape
    known = truth > 0
    low, high = np.percentile(truth[known], RANGE)
    truth = cv2.medianBlur(np.clip((truth - low) / max(high - low, 1e-6), 0, 1).astype(np.float32), 5)
    estimate = cv2.resize(estimate_depth(rgb).disparity, (w, h), interpolation=cv2.INTER_CUBIC).clip(0, 1)
    budget = parallax_budget_px(w, h, STRENGTH)
    blurred = np.asarray(FAR_DISPARITY + (1 - FAR_DISPARITY) * estimate, np.float32)
    colour = rgb.astype(np.float32) / np.float32(255)
    q = separate_surfaces(sharpen(Sight(rgb, blurred), budget), steepest_steps(blurred), colour, budget)
    pairs = torn_pairs(find_tears(q, budget), q)
    evidence = tear_evidence(q, pairs, colour)
    return evidence, true_steps_px(truth, known, budget).ravel()[pairs.first]


def sharp_pairs(data: Path) -> Iterator[Path]:
    """The pairs with sharp true depth, a few of each folder."""
    pairs = list(training_pairs(data))
    for folder in SHARP:
        paths = [path for path in pairs if path.parent.name == folder]
        yield from paths[:: -(-len(paths) // PER_FOLDER) or 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    evidence, true, weight = [], [], []
    for path in sharp_pairs(parser.parse_args().data):
        truth = read_picture(path.with_suffix(".png")).astype(np.float32)
        if not (truth > 0).any():
            continue
        found, step = judged_tears(read_picture(path), truth)
        clear = (step > TRUE_PX) | (step < FALSE_PX)
        evidence.append(found[clear])
        true.append(step[clear] > TRUE_PX)
        n_clear = int(np.count_nonzero(clear))
        weight.append(np.full(n_clear, 1 / max(n_clear, 1)))  # each picture counts as much
    tears, real, share = np.concatenate(evidence), np.concatenate(true), np.concatenate(weight)
    of_step, of_colour, constant = fit(tears, real, share)
    power, limit = of_colour / of_step, np.exp((np.log(ODDS) - constant) / of_step)
    stay = tears @ np.array([1, power]) > np.log(limit)
    kept, mended = (np.average(x, weights=share * which) for x, which in ((stay, real), (~stay, ~real)))
    print(f"{len(true)} pictures, {len(real)} tears, {np.average(real, weights=share):.0%} of them true")
    print(f"POWER {power:.2f}, REAL {limit:.4f}: {kept:.0%} of the true tears stay, {mended:.0%} of the false ones go")


if __name__ == "__main__":
    main()
