"""The label engine: teacher disparity + subject masks -> sharper, better ordered depth targets.

`python -m training.labels DATA OUT` writes one `.npz` per photo: `rgb` (H, W, 3) uint8, `disparity` (H, W) float16
(larger is nearer, about 0..1), `subject` (H, W) uint8 alpha. What it mends in the teacher's labels:

- soft edges: colour-guided filtering (He et al., 2010) puts the teacher's low-resolution edges on colour edges;
- subjects (people, animals, vehicles) that dissolve into the background: each connected subject is lifted to one
  level, at least that of the ground it stands on, keeping a quarter of its own relief;
- the halo that the teacher's blur leaves around subjects: a band outside the mask is refilled from farther out.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.filters import Float, guided_filter
from training.depth_data import scale_target
from training.sources import LabelledPhoto, read_picture, training_photos

SUBJECT_CLASSES = frozenset(range(1, 20)) - {11}  # VOC without table (layout, not subject) and monitor
MIN_SUBJECT_SHARE = 0.004
RELIEF = 0.25
HALO_PX = 8


def subject_alpha(classes: npt.NDArray[np.uint8], guide: Float) -> Float:
    """Half-size VOC classes -> (H, W) mask in 0..1, its border on the photo's colour edges."""
    mask = np.isin(classes, list(SUBJECT_CLASSES)).astype(np.float32)
    full = cv2.resize(mask, guide.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.clip(guided_filter(guide, full, radius=5, eps=2e-4) * 2 - 0.5, 0, 1)


def connected_subjects(classes: npt.NDArray[np.uint8], inside: npt.NDArray[np.bool_]) -> list[npt.NDArray[np.bool_]]:
    """Boolean masks (H, W), one per connected subject larger than `MIN_SUBJECT_SHARE`."""
    full = cv2.resize(classes, inside.shape[::-1], interpolation=cv2.INTER_NEAREST)
    subjects = []
    for label in SUBJECT_CLASSES & set(np.unique(full).tolist()):
        count, parts = cv2.connectedComponents(((full == label) & inside).astype(np.uint8))
        for k in range(1, count):
            part = parts == k
            if part.mean() > MIN_SUBJECT_SHARE:
                subjects.append(part)
    return subjects


def contact_level(disparity: Float, subject: npt.NDArray[np.bool_]) -> float:
    """The level at which a subject stands: its own bulk, its feet, and clearly before what surrounds it."""
    rows = np.nonzero(subject.any(1))[0]
    feet_from = rows[-1] - max(1, round(0.15 * len(rows)))
    feet = disparity[feet_from:][subject[feet_from:]]
    ring = cv2.dilate(subject.astype(np.uint8), np.ones((31, 31), np.uint8)).astype(bool) & ~subject
    level = max(
        float(np.percentile(disparity[subject], 75)),
        0.9 * float(np.percentile(feet, 60)),
        float(np.median(disparity[ring])) + 0.12 if ring.any() else 0.0,
    )
    if rows[-1] >= len(subject) - 3 and subject.mean() > 0.05:  # cut by the bottom: nearer than its surroundings
        level = max(level, 0.85 * float(disparity.max()))
    return level


def remove_halo(disparity: Float, inside: npt.NDArray[np.bool_]) -> Float:
    """Refill the band just outside the subjects from the background beyond it, where that is farther."""
    kernel = np.ones((2 * HALO_PX + 1, 2 * HALO_PX + 1), np.uint8)
    grown = cv2.dilate(inside.astype(np.uint8), kernel).astype(bool)
    trusted = (~grown).astype(np.float32)
    size = (6 * HALO_PX + 1, 6 * HALO_PX + 1)
    weight = cv2.GaussianBlur(trusted, size, 0)
    beyond = cv2.GaussianBlur(disparity * trusted, size, 0) / np.maximum(weight, 1e-6)
    band = grown & ~inside & (weight > 1e-3)
    return np.where(band, np.minimum(disparity, beyond), disparity)


def make_target(
    rgb: npt.NDArray[np.uint8], teacher: Float, classes: npt.NDArray[np.uint8] | None
) -> tuple[Float, Float]:
    """Photo (H, W, 3), teacher disparity (any size), half-size classes -> target disparity, subject alpha (H, W)."""
    guide: Float = rgb.astype(np.float32) / np.float32(255)
    lo, hi = np.percentile(teacher, (2, 98))
    scaled = np.clip((teacher - lo) / max(hi - lo, 1e-6), -0.05, 1.15).astype(np.float32)
    raw = cv2.resize(scaled, rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    disparity = guided_filter(guide, raw, radius=8, eps=1e-3)
    if classes is None:
        return disparity, np.zeros(rgb.shape[:2], np.float32)
    alpha = subject_alpha(classes, guide)
    inside = alpha > 0.5
    subjects = connected_subjects(classes, inside)
    disparity = remove_halo(disparity, inside)
    # Far subjects first, so that a near one keeps its own level where two touch.
    for level, subject in sorted(((contact_level(raw, s), s) for s in subjects), key=lambda pair: pair[0]):
        relief = RELIEF * (disparity[subject] - float(np.median(disparity[subject])))
        disparity[subject] = level + relief
    return disparity, alpha


def write_label(photo: LabelledPhoto, data: Path, out: Path, plain: bool) -> None:
    target = out / f"{photo.name.replace('/', '__')}.npz"
    if target.exists():
        return
    rgb = read_picture(data / "photos" / f"{photo.name}.jpg")
    teacher = read_picture(data / "teacher_disparity" / f"{photo.name}.png")
    masks = data / "subject_masks" / f"{photo.name}.png"
    classes = read_picture(masks) if masks.exists() else None
    log_disparity = photo.log_lo + teacher.astype(np.float32) / 255 * (photo.log_hi - photo.log_lo)
    disparity, alpha = make_target(rgb, np.exp(log_disparity), classes)
    if plain:
        disparity = scale_target(cv2.resize(np.exp(log_disparity), rgb.shape[1::-1], interpolation=cv2.INTER_CUBIC))
    np.savez(
        target, rgb=rgb, disparity=disparity.astype(np.float16),
        subject=np.round(alpha * 255).astype(np.uint8),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument(
        "--plain", action="store_true", help="the teacher's disparity as it is, to see what this is worth"
    )
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    cv2.setNumThreads(1)
    with ProcessPoolExecutor() as pool:
        work = partial(write_label, data=args.data, out=args.out, plain=args.plain)
        done = sum(1 for _ in pool.map(work, training_photos(args.data), chunksize=16))
    print(f"{done} labels in {args.out}")


if __name__ == "__main__":
    main()
