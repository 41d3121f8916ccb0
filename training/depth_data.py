"""Training samples for the depth network: photos with made labels, pairs with measured depth, made scenes."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from training.sources import read_picture, training_pairs

Float = npt.NDArray[np.float32]
UInt8 = npt.NDArray[np.uint8]

PAIR_SHARE = 0.22  # of samples from measured depth
SCENE_SHARE = 0.3  # of samples from scenes with exact depth, where there are any
PASTE_SHARE = 0.25  # of photo samples get a cut-out subject of another photo
SUBJECT_UNKNOWN = 255  # pairs and scenes have no subject mask


@dataclass(frozen=True)
class Sample:
    """One picture with its target; arrays of one (H, W)."""

    rgb: UInt8  # (H, W, 3) sRGB
    disparity: Float  # larger is nearer; NaN where unknown
    subject: UInt8  # alpha 0..254, or SUBJECT_UNKNOWN


def load_label(path: Path) -> Sample:
    """What `training.labels`, `training.relabel` or `training.scenes` wrote."""
    data = np.load(path)
    disparity = data["disparity"].astype(np.float32)
    if "subject" in data:
        return Sample(data["rgb"], disparity, np.minimum(data["subject"], SUBJECT_UNKNOWN - 1))
    return Sample(data["rgb"], disparity, np.full(disparity.shape, SUBJECT_UNKNOWN, np.uint8))


def scale_target(disparity: Float) -> Float:
    """(H, W) of any scale and shift -> 0..1 between its 2nd and 98th percentile, a little beyond at the ends."""
    lo, hi = np.percentile(disparity, (2, 98))
    return np.clip((disparity - lo) / max(hi - lo, 1e-6), -0.1, 1.3).astype(np.float32)


def load_pair(path: Path, short_side: int) -> Sample:
    """A photo with 16-bit disparity beside it, shrunk to `short_side`, scaled by robust percentiles."""
    rgb = read_picture(path)
    raw = read_picture(path.with_suffix(".png"))
    scale = min(1.0, short_side / min(rgb.shape[:2]))
    size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
    values = cv2.resize(raw, size, interpolation=cv2.INTER_NEAREST).astype(np.float32)
    known = values > 0
    lo, hi = np.percentile(values[known], (2, 98))
    disparity = np.where(known, np.clip((values - lo) / max(hi - lo, 1e-6), -0.1, 1.2), np.nan)
    return Sample(rgb, disparity.astype(np.float32), np.full(values.shape, SUBJECT_UNKNOWN, np.uint8))


class DepthSamples:
    """Draws augmented samples. All pictures are kept in memory; each draw is seeded by its index."""

    def __init__(
        self,
        data: Path,
        labels: Path,
        scenes: Path | None = None,
        pair_share: float = PAIR_SHARE,
        paste_share: float = PASTE_SHARE,
        short_side: int = 264,
        seed: int = 0,
    ) -> None:
        self.seed = seed
        self.scenes = [load_label(path) for path in sorted(scenes.glob("*.npz"))] if scenes else []
        self.scene_share = SCENE_SHARE if self.scenes else 0.0
        self.pair_share, self.paste_share = pair_share, paste_share
        self.photos: dict[str, list[Sample]] = defaultdict(list)
        for path in sorted(labels.glob("*.npz")):
            self.photos[path.name.split("__")[0]].append(load_label(path))
        self.pairs: dict[str, list[Sample]] = defaultdict(list)
        for path in training_pairs(data):
            self.pairs[path.parent.name].append(load_pair(path, short_side))
        self.photo_folders = sorted(self.photos)
        # Between uniform over photos (a few big folders dominate) and uniform over folders.
        weights = np.array([len(self.photos[f]) ** 0.75 for f in self.photo_folders])
        self.folder_weights = weights / weights.sum()
        self.pair_folders = sorted(self.pairs)  # one scene each, mostly: many photos of it tell little more than a few
        pair_weights = np.array([len(self.pairs[f]) ** 0.5 for f in self.pair_folders])
        self.pair_weights = pair_weights / pair_weights.sum()
        self.cut_outs = [
            s for group in self.photos.values() for s in group
            if 0.04 < (s.subject > 127).mean() < 0.5 and not (s.subject[0] > 127).any()
        ]  # fmt: skip

    def draw(self, index: int, size: tuple[int, int]) -> Sample:
        """Sample number `index`, (H, W) = `size`, the same whenever and wherever it is drawn."""
        rng = np.random.default_rng((self.seed, index))
        kind = rng.random()
        if kind < self.scene_share:
            sample = self.scenes[rng.integers(len(self.scenes))]
        elif kind < self.scene_share + self.pair_share:
            group = self.pairs[rng.choice(self.pair_folders, p=self.pair_weights)]
            sample = group[rng.integers(len(group))]
        else:
            group = self.photos[rng.choice(self.photo_folders, p=self.folder_weights)]
            sample = group[rng.integers(len(group))]
            if rng.random() < self.paste_share:
                sample = paste(sample, self.cut_outs[rng.integers(len(self.cut_outs))], rng)
        sample = crop(sample, size, rng)
        return Sample(degrade(sample.rgb, rng), sample.disparity, sample.subject)


def paste(scene: Sample, donor: Sample, rng: np.random.Generator) -> Sample:
    """A subject cut out of `donor`, standing in `scene` on the ground at its feet, before all that is behind it."""
    rows, columns = np.nonzero(donor.subject > 127)
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    H, W = scene.disparity.shape
    height = int(H * rng.uniform(0.3, 0.95))
    scale = height / (rows.max() + 1 - rows.min())
    width = max(2, round((columns.max() + 1 - columns.min()) * scale))
    if scale > 2.5 or width > 0.9 * W:
        return scene
    flip = slice(None, None, -1 if rng.random() < 0.5 else 1)
    rgb, disparity, alpha = (
        cv2.resize(np.ascontiguousarray(a[box][:, flip]), (width, height), interpolation=cv2.INTER_AREA)
        for a in (donor.rgb, donor.disparity, donor.subject.astype(np.float32) / 254)
    )
    top = H - height if rng.random() < 0.5 else int(rng.integers(0, H - height + 1))
    left = int(rng.integers(0, W - width + 1))
    place = np.s_[top : top + height, left : left + width]
    inside = alpha > 0.5
    behind = scene.disparity[place][inside]
    if not inside.any():
        return scene
    feet = scene.disparity[max(0, top + height - 6) : top + height, left : left + width]
    level = max(float(np.median(feet)), float(np.percentile(behind, 90)) + rng.uniform(0.05, 0.25))
    relief = 0.25 * (disparity - np.median(disparity[inside]))
    out = Sample(scene.rgb.copy(), scene.disparity.copy(), scene.subject.copy())
    gain = np.clip(scene.rgb.mean() / max(float(rgb[inside].mean()), 1), 0.6, 1.6) ** 0.5
    pasted = np.clip(rgb.astype(np.float32) * gain, 0, 255)
    out.rgb[place] = np.round(alpha[..., None] * pasted + (1 - alpha[..., None]) * scene.rgb[place])
    out.disparity[place] = np.where(inside, level + relief, scene.disparity[place])
    out.subject[place] = np.where(inside, 254, scene.subject[place])
    return out


def crop(sample: Sample, size: tuple[int, int], rng: np.random.Generator) -> Sample:
    """A crop of 70-100 % of the picture, near the aspect of `size`, resized to it, mirrored half of the time."""
    H, W = sample.disparity.shape
    h, w = size
    share = rng.uniform(0.7, 1.0)
    aspect = (w / h) * np.exp(rng.uniform(-0.2, 0.2))
    ch = int(np.clip(share * min(H, W / aspect), 32, H))
    cw = int(np.clip(ch * aspect, 32, W))
    y, x = rng.integers(0, H - ch + 1), rng.integers(0, W - cw + 1)
    flip = slice(None, None, -1 if rng.random() < 0.5 else 1)
    part = [np.ascontiguousarray(a[y : y + ch, x : x + cw][:, flip])
            for a in (sample.rgb, sample.disparity, sample.subject)]  # fmt: skip
    smooth = cv2.INTER_AREA if ch > h else cv2.INTER_CUBIC
    return Sample(
        cv2.resize(part[0], (w, h), interpolation=smooth),
        cv2.resize(part[1], (w, h), interpolation=cv2.INTER_NEAREST),  # keeps steps and NaNs
        cv2.resize(part[2], (w, h), interpolation=cv2.INTER_NEAREST),
    )


def degrade(rgb: UInt8, rng: np.random.Generator) -> UInt8:
    """Brightness, contrast, colour, grey, blur, noise and JPEG, each now and then."""
    x = rgb.astype(np.float32)
    x = x * rng.uniform(0.75, 1.25) + rng.uniform(-20, 20)
    x = (x - x.mean()) * rng.uniform(0.75, 1.25) + x.mean()
    grey = x.mean(2, keepdims=True)
    x = grey + (x - grey) * (0 if rng.random() < 0.05 else rng.uniform(0.6, 1.3))
    x = x * rng.uniform(0.9, 1.1, 3).astype(np.float32)
    if rng.random() < 0.15:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.25:
        x = x + rng.normal(0, rng.uniform(1, 8), x.shape).astype(np.float32)
    out = np.clip(x, 0, 255).astype(np.uint8)
    if rng.random() < 0.2:
        quality = int(rng.integers(30, 90))
        _, data = cv2.imencode(".jpg", out, [cv2.IMWRITE_JPEG_QUALITY, quality])
        out = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return out
