"""Collages with known outlines: cut-outs and drawn shapes before photos, and what the depth network makes of them.

`python -m training.collages BACKDROPS CUTOUTS OUT --count 4000` writes one file of `training.edge_targets` per collage.
BACKDROPS holds photos, CUTOUTS pictures with an alpha channel.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import cv2
import numpy as np

from inpaint.sight import SIDE_PX
from inpaint.tiles import network_size
from training.edge_targets import Float, Rng, UInt8, thin_things, write, write_in_parts
from training.silhouettes import PRINTS, SILHOUETTES, Silhouette, blob

ASPECTS = (1.0, 4 / 3, 4 / 3, 3 / 2, 3 / 2, 3 / 4, 2 / 3, 16 / 9)
CUT_OUT_SHARE = 0.5  # of pieces; the rest is drawn
LARGEST_GAIN = 1.5  # cut-outs are not enlarged more
PRINTED = 0.3  # of what is drawn; it has lines that are only painted on it


@dataclass(frozen=True)
class Piece:
    """A thing to lay over a picture."""

    rgb: Float  # (h, w, 3) in 0..255
    alpha: Float  # (h, w) in 0..1


@dataclass(frozen=True)
class Collage:
    """A picture and which piece each of its pixels shows: 0 is the backdrop, later pieces are nearer."""

    rgb: UInt8  # (H, W, 3)
    order: UInt8  # (H, W)


def make_collage(backdrops: list[Path], cut_outs: list[Path], rng: Rng) -> Collage:
    aspect = ASPECTS[rng.integers(len(ASPECTS))]
    w, h = network_size(aspect, 1, SIDE_PX)
    rgb = _crop(_photo(backdrops, rng), w, h, rng)
    if rng.random() < 0.3:
        rgb = cv2.GaussianBlur(rgb, (0, 0), rng.uniform(0.8, 6))
    order = np.zeros((h, w), np.uint8)
    count = int(rng.integers(1, 7))
    for k, size in enumerate(np.sort(np.exp(rng.uniform(np.log(0.12), np.log(0.95), count))), 1):
        if rng.random() < CUT_OUT_SHARE:
            piece = _cut_out(cut_outs[rng.integers(len(cut_outs))], size * h, rng)
        else:
            piece = _drawn(backdrops, (h, w), size, rng)
        _lay(rgb, order, piece, k, rng)
    return Collage(np.clip(rgb, 0, 255).astype(np.uint8), order)


def _lay(rgb: Float, order: UInt8, piece: Piece, k: int, rng: Rng) -> None:
    """The piece over the picture, somewhere; it may stick out of it."""
    h, w = order.shape
    ph, pw = piece.alpha.shape
    if (ph, pw) == (h, w):
        top = left = 0
    else:
        left = round(rng.uniform(-0.3 * pw, w - 0.7 * pw))
        top = (
            h - ph + round(rng.uniform(0, 0.2) * ph) if rng.random() < 0.5 else round(rng.uniform(-0.2, 0.9) * (h - ph))
        )
    alpha, colour = np.zeros((h, w), np.float32), np.zeros((h, w, 3), np.float32)
    y0, x0, y1, x1 = max(0, top), max(0, left), min(h, top + ph), min(w, left + pw)
    if y1 - y0 < 4 or x1 - x0 < 4:
        return
    alpha[y0:y1, x0:x1] = piece.alpha[y0 - top : y1 - top, x0 - left : x1 - left]
    colour[y0:y1, x0:x1] = piece.rgb[y0 - top : y1 - top, x0 - left : x1 - left]
    inside = alpha > 0.5
    if inside.sum() < 30:
        return
    beside = (cv2.dilate(inside.astype(np.uint8), np.ones((15, 15), np.uint8)) > 0) & ~inside
    around = rgb[beside].mean(0) if beside.any() else rgb.mean((0, 1))
    mean = colour[inside].mean(0)
    kind = rng.random()
    if kind < 0.25:  # as what is behind: outlines that are hard to see
        colour += (around - mean) * np.float32(rng.uniform(0.6, 1.0))
    elif kind < 0.6:  # as bright
        colour *= np.float32(np.clip(around.mean() / max(float(mean.mean()), 1), 0.5, 1.6) ** rng.uniform(0.2, 0.8))
    if rng.random() < 0.4:
        shift = np.array([[1, 0, rng.normal(0, 8)], [0, 1, rng.normal(2, 8)]], np.float32)
        shade = cv2.GaussianBlur(cv2.warpAffine(alpha, shift, (w, h)), (0, 0), rng.uniform(1, 14))
        rgb *= (1 - np.float32(rng.uniform(0.1, 0.6)) * shade)[..., None]
    if rng.random() < 0.15:
        sigma = rng.uniform(0.6, 3)
        colour = cv2.GaussianBlur(colour * alpha[..., None], (0, 0), sigma)
        alpha = cv2.GaussianBlur(alpha, (0, 0), sigma)
        colour /= np.maximum(alpha, 1e-3)[..., None]
    rgb *= 1 - alpha[..., None]
    rgb += alpha[..., None] * colour
    order[alpha > 0.5] = k


def _cut_out(path: Path, height: float, rng: Rng) -> Piece:
    rgba = _read_rgba(path)
    if rng.random() < 0.5:
        rgba = rgba[:, ::-1]
    scale = min(height / rgba.shape[0], LARGEST_GAIN)
    turn = cv2.getRotationMatrix2D((0, 0), rng.normal(0, 12 if rng.random() < 0.8 else 60), scale)
    corners = turn[:, :2] @ (np.array([[0, 1, 0, 1], [0, 0, 1, 1]]) * np.array([[rgba.shape[1]], [rgba.shape[0]]]))
    turn[:, 2] = 1 - corners.min(1)
    size = [int(n) for n in np.ceil(np.ptp(corners, axis=1)) + 2]
    premultiplied = np.dstack([rgba[..., :3] * (rgba[..., 3:] / 255), rgba[..., 3]]).astype(np.float32)
    if scale < 0.6:  # what is shrunk is averaged first
        premultiplied = cv2.GaussianBlur(premultiplied, (0, 0), 0.4 / scale)
    out = cv2.warpAffine(premultiplied, turn, size, flags=cv2.INTER_LINEAR)
    alpha = np.clip(out[..., 3] / 255, 0, 1)
    return Piece(out[..., :3] / np.maximum(alpha, 1e-2)[..., None], alpha)


def _drawn(backdrops: list[Path], shape: tuple[int, int], size: float, rng: Rng) -> Piece:
    """A shape over the whole picture (H, W), plain or covered with a photo."""
    h, w = shape
    draw = SILHOUETTES[rng.integers(len(SILHOUETTES))]
    alpha = _averaged(draw, shape, size, rng)
    if rng.random() < 0.5:
        rgb = _crop(_photo(backdrops, rng), w, h, rng)
    else:
        rgb = np.full((h, w, 3), rng.uniform(0, 255, 3), np.float32)
        rgb += rng.normal(0, 1.5, rgb.shape).astype(np.float32)
    if rng.random() < 0.7:  # lit from one side
        slope = rng.normal(0, 0.35, 2)
        y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        rgb = rgb * (1 + slope[0] * x + slope[1] * y).astype(np.float32)[..., None]
    if draw is blob and rng.random() < 0.7:  # and round
        distance = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
        rgb = rgb * (0.45 + 0.55 * np.sqrt(np.clip(distance / max(float(distance.max()), 1), 0, 1)))[..., None]
    if rng.random() < PRINTED:  # lines on a surface are not thin things: they end where it does
        print_ = PRINTS[rng.integers(len(PRINTS))]
        ink = _averaged(print_, shape, size, rng)[..., None]
        rgb = rgb * (1 - ink) + ink * rng.uniform(0, 255, 3).astype(np.float32)
    return Piece(rgb.astype(np.float32), alpha)


def _averaged(draw: Silhouette, shape: tuple[int, int], size: float, rng: Rng) -> Float:
    """(H, W) in 0..1 what of each pixel is drawn: twice as large, then averaged."""
    h, w = shape
    mask = np.zeros((2 * h, 2 * w), np.uint8)
    draw(mask, size, rng)
    return cv2.resize(mask, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def _photo(paths: list[Path], rng: Rng) -> UInt8:
    return _read_rgb(paths[rng.integers(len(paths))])


@lru_cache(maxsize=64)
def _read_rgb(path: Path) -> UInt8:
    picture = np.asarray(cv2.imread(str(path), cv2.IMREAD_COLOR_RGB))
    shrink = max(1.0, min(picture.shape[:2]) / 1000)
    size = (round(picture.shape[1] / shrink), round(picture.shape[0] / shrink))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _read_rgba(path: Path) -> UInt8:
    return np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.uint8)[..., [2, 1, 0, 3]]


def _crop(picture: UInt8, w: int, h: int, rng: Rng) -> Float:
    """(h, w, 3) most of the picture, or a part that is at most shown as large as it is."""
    ph, pw = picture.shape[:2]
    whole = min(ph / h, pw / w)
    scale = rng.uniform(min(1.0, whole), whole) if rng.random() < 0.5 else whole
    ch, cw = int(h * scale), int(w * scale)
    y, x = rng.integers(0, ph - ch + 1), rng.integers(0, pw - cw + 1)
    part = picture[y : y + ch, x : x + cw]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    how = cv2.INTER_AREA if scale > 1 else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(part), (w, h), interpolation=how).astype(np.float32)


def write_collages(numbers: range, backdrops: list[Path], cut_outs: list[Path], out: Path) -> int:
    """Collages of these numbers, each from its own seed, those excepted that are there. Returns how many."""
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    for number in numbers:
        path = out / f"collage__{number:05d}.npz"
        if not path.exists():
            collage = make_collage(backdrops, cut_outs, np.random.default_rng((11, number)))
            order = collage.order
            write(path, collage.rgb, order, thin_things(order.astype(np.float32), 0.5), order == 0)
    return len(numbers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("backdrops", type=Path)
    parser.add_argument("cut_outs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=4000)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    backdrops, cut_outs = (
        sorted(p for p in folder.rglob("*") if p.suffix in (".jpg", ".jpeg", ".png", ".webp"))
        for folder in (args.backdrops, args.cut_outs)
    )
    work = partial(write_collages, backdrops=backdrops, cut_outs=cut_outs, out=args.out)
    print(f"{write_in_parts(work, args.count, 20)} collages in {args.out}")


if __name__ == "__main__":
    main()
