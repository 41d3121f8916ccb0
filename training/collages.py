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

from inpaint.network_edges import SIDE_PX
from inpaint.tiles import network_size
from training.edge_targets import Float, Rng, UInt8, write, write_in_parts

ASPECTS = (1.0, 4 / 3, 4 / 3, 3 / 2, 3 / 2, 3 / 4, 2 / 3, 16 / 9)
CUT_OUT_SHARE = 0.6  # of pieces; the rest is drawn
LARGEST_GAIN = 1.5  # cut-outs are not enlarged more


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
    draw = (_blob, _polygon, _polygon, _bars, _wires, _stalks, _stalks)[rng.integers(7)]
    mask = np.zeros((2 * h, 2 * w), np.uint8)  # twice as large, then averaged
    draw(mask, size, rng)
    alpha = cv2.resize(mask, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    if rng.random() < 0.5:
        rgb = _crop(_photo(backdrops, rng), w, h, rng)
    else:
        rgb = np.full((h, w, 3), rng.uniform(0, 255, 3), np.float32)
        rgb += rng.normal(0, 1.5, rgb.shape).astype(np.float32)
    if rng.random() < 0.7:  # lit from one side
        slope = rng.normal(0, 0.35, 2)
        y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
        rgb = rgb * (1 + slope[0] * x + slope[1] * y).astype(np.float32)[..., None]
    if draw is _blob and rng.random() < 0.7:  # and round
        distance = cv2.distanceTransform((alpha > 0.5).astype(np.uint8), cv2.DIST_L2, 5)
        rgb = rgb * (0.45 + 0.55 * np.sqrt(np.clip(distance / max(float(distance.max()), 1), 0, 1)))[..., None]
    return Piece(rgb.astype(np.float32), alpha)


def _blob(mask: UInt8, size: float, rng: Rng) -> None:
    h, w = mask.shape
    angle = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    radius = np.ones_like(angle)
    for k in range(1, int(rng.integers(2, 14))):
        radius += rng.normal(0, 0.22 / k) * np.cos(k * angle + rng.uniform(0, 6.3))
    radius *= size * h / 2
    x = rng.uniform(0, w) + radius * np.cos(angle) * rng.uniform(0.5, 1)
    y = rng.uniform(0.2, 1) * h + radius * np.sin(angle)
    cv2.fillPoly(mask, [np.stack([x, y], 1).astype(np.int32)], 255)


def _polygon(mask: UInt8, size: float, rng: Rng) -> None:
    """A quadrangle or triangle: boards, screens, books, roofs."""
    h, w = mask.shape
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)[: 4 if rng.random() < 0.8 else 3]
    corners += rng.normal(0, 0.15, corners.shape)
    corners *= np.array([rng.uniform(0.3, 1.2), rng.uniform(0.15, 0.7)]) * size * h
    turn = rng.normal(0, 0.3) if rng.random() < 0.7 else rng.uniform(0, 6.3)
    corners = corners @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners += (rng.uniform(0, w), rng.uniform(0.2, 1) * h)
    cv2.fillPoly(mask, [corners.astype(np.int32)], 255)


def _bars(mask: UInt8, size: float, rng: Rng) -> None:
    """Poles, rails, fences, window frames."""
    h, w = mask.shape
    for upright in rng.permutation([True, False])[: rng.integers(1, 3)]:
        width = max(2, round(float(np.exp(rng.uniform(np.log(3), np.log(60)))) * size + 1))
        gap = rng.uniform(3, 25) * width
        extent = w if upright else h
        lean = rng.normal(0, 0.08) * h
        for at in np.arange(rng.uniform(0, min(gap, extent)), extent, gap)[: rng.integers(1, 9)]:
            ends = np.array([[at, -9], [at + lean, h + 9]] if upright else [[-9, at], [w + 9, at + lean]])
            cv2.polylines(mask, [ends.astype(np.int32)], False, 255, width, cv2.LINE_AA)


def _wires(mask: UInt8, size: float, rng: Rng) -> None:
    """Wires, cords, ropes, rims of glasses."""
    h, w = mask.shape
    for _ in range(rng.integers(1, 5)):
        turn, bend = rng.uniform(0, 6.3), rng.normal(0, 1.5)
        along = turn + np.cumsum(rng.normal(0, 0.03, 80) + bend / 80)
        step = rng.uniform(0.3, 1.6) * size * h / 80 + 2
        x, y = rng.uniform(0, w) + np.cumsum(np.cos(along)) * step, rng.uniform(0, h) + np.cumsum(np.sin(along)) * step
        thick = max(2, round(np.exp(rng.uniform(np.log(2.5), np.log(14)))))
        cv2.polylines(mask, [np.stack([x, y], 1).astype(np.int32)], False, 255, thick, cv2.LINE_AA)


def _stalks(mask: UInt8, size: float, rng: Rng) -> None:
    """Grass, leaves, branches or hair that fan out from a foot."""
    h, w = mask.shape
    foot = np.array([rng.uniform(0, w), rng.uniform(0.4, 1.05) * h])
    steps, spread, thick = np.linspace(0, 1, 24), rng.uniform(0, 0.3) * w * size, rng.uniform(1, 22) * size + 1.5
    for _ in range(int(rng.integers(3, 40))):
        heading = rng.normal(0, 0.6) + rng.normal(0, 0.8) * steps
        length = rng.uniform(0.3, 1.0) * size * h
        x = foot[0] + rng.normal(0, spread) + np.cumsum(np.sin(heading)) * length / 24
        y = foot[1] - np.cumsum(np.cos(heading)) * length / 24
        widths = thick * rng.uniform(0.5, 1.5) * np.sin(np.pi * np.clip(steps * 0.9 + 0.1, 0, 1)) + 1.5
        for i in range(23):
            ends = (int(x[i]), int(y[i])), (int(x[i + 1]), int(y[i + 1]))
            cv2.line(mask, *ends, 255, max(1, round(widths[i])), cv2.LINE_AA)


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
            write(path, collage.rgb, collage.order)
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
