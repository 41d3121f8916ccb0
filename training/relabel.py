"""Self-training: better depth targets from a trained student and the labels it was trained on.

`python -m training.relabel LABELS WEIGHTS OUT` predicts each photo at several sizes and mirrored, and blends that
with its label. What the teacher got wrong in one photo, it got right in others of the kind, and the student has learned
that. A label that its student contradicts as a whole counts for nothing; the others keep most of their edges and
subjects, for the student's are softer.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from inpaint.filters import Float, guided_filter
from photo3d_video.depth.builtin import load_network, predict
from photo3d_video.depth.disparity import standardise_disparity
from training.depth_data import load_label, scale_target

SIDES_PX = (256, 384)  # layout from the small one, shape from the large one
LABEL_SHARE = 0.4


def blend(label: Float, predicted: Float, guide: Float, label_share: float = LABEL_SHARE) -> Float:
    """A target (H, W) from a label and a prediction, both of any scale and shift; guide (H, W, 3) in 0..1.

    `label_share`: how much a label counts that its student agrees with.
    """
    agreement = float(np.corrcoef(label.ravel(), predicted.ravel())[0, 1]) if label.std() > 0 else 0.0
    share = label_share * float(np.clip((agreement - 0.3) / 0.5, 0, 1))
    sharper = guided_filter(guide, standardise_disparity(predicted), radius=6, eps=1e-3)
    mixed = share * standardise_disparity(label) + (1 - share) * sharper
    return scale_target(mixed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("labels", type=Path)
    parser.add_argument("weights", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--label-share", type=float, default=LABEL_SHARE, help="of a label that its student agrees with"
    )
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    network = load_network(args.weights)
    paths = sorted(args.labels.glob("*.npz"))
    for path in paths:
        if not (target := args.out / path.name).exists():
            label = load_label(path)
            guide = label.rgb.astype(np.float32) / np.float32(255)
            predicted, _ = predict(network, label.rgb, sides_px=SIDES_PX)
            predicted = cv2.resize(predicted, label.rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
            disparity = blend(label.disparity, np.asarray(predicted, np.float32), guide, args.label_share)
            np.savez(target, rgb=label.rgb, disparity=disparity.astype(np.float16), subject=label.subject)
    print(f"{len(paths)} labels in {args.out}")


if __name__ == "__main__":
    main()
