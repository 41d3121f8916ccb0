"""Silhouettes of things: what a drawing of them covers.

Each one draws with 255 into an empty mask (H, W), about `size` times as high as that.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from training.edge_targets import Floats, Rng, UInt8

Silhouette = Callable[[UInt8, float, Rng], None]


def blob(mask: UInt8, size: float, rng: Rng) -> None:
    h, w = mask.shape
    angle = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    radius = np.ones_like(angle)
    for k in range(1, int(rng.integers(2, 14))):
        radius += rng.normal(0, 0.22 / k) * np.cos(k * angle + rng.uniform(0, 6.3))
    radius *= size * h / 2
    x = rng.uniform(0, w) + radius * np.cos(angle) * rng.uniform(0.5, 1)
    y = rng.uniform(0.2, 1) * h + radius * np.sin(angle)
    cv2.fillPoly(mask, [np.stack([x, y], 1).astype(np.int32)], 255)


def polygon(mask: UInt8, size: float, rng: Rng) -> None:
    """A quadrangle or triangle: boards, screens, books, roofs."""
    h, w = mask.shape
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], float)[: 4 if rng.random() < 0.8 else 3]
    corners += rng.normal(0, 0.15, corners.shape)
    corners *= np.array([rng.uniform(0.3, 1.2), rng.uniform(0.15, 0.7)]) * size * h
    turn = rng.normal(0, 0.3) if rng.random() < 0.7 else rng.uniform(0, 6.3)
    corners = corners @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners += (rng.uniform(0, w), rng.uniform(0.2, 1) * h)
    cv2.fillPoly(mask, [corners.astype(np.int32)], 255)


def bars(mask: UInt8, size: float, rng: Rng) -> None:
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


def wires(mask: UInt8, size: float, rng: Rng) -> None:
    """Wires, cords, ropes, rims of glasses."""
    h, w = mask.shape
    for _ in range(rng.integers(1, 5)):
        turn, bend = rng.uniform(0, 6.3), rng.normal(0, 1.5)
        along = turn + np.cumsum(rng.normal(0, 0.03, 80) + bend / 80)
        step = rng.uniform(0.3, 1.6) * size * h / 80 + 2
        x, y = rng.uniform(0, w) + np.cumsum(np.cos(along)) * step, rng.uniform(0, h) + np.cumsum(np.sin(along)) * step
        thick = max(2, round(np.exp(rng.uniform(np.log(2.5), np.log(14)))))
        cv2.polylines(mask, [np.stack([x, y], 1).astype(np.int32)], False, 255, thick, cv2.LINE_AA)


def stalks(mask: UInt8, size: float, rng: Rng) -> None:
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


def spans(mask: UInt8, size: float, rng: Rng) -> None:
    """Power lines, cables, ropes and rails: side by side across the picture, straight or sagging."""
    h, w = mask.shape
    left, right = (-0.05, 1.05) if rng.random() < 0.7 else np.sort(rng.uniform(0, 1, 2))
    x = np.linspace(left, right, 60)
    sag = abs(rng.normal(0, 0.08)) if rng.random() < 0.4 else 0.0
    slope, fan = rng.normal(0, 0.35), rng.normal(0, 0.05)
    first, gap, upright = rng.uniform(0.05, 0.85), rng.uniform(0.012, 0.09), rng.random() < 0.25
    for k in range(int(rng.integers(1, 6))):
        y = first + k * (gap + fan * x) + slope * (x - 0.5) + sag * (2 * x - 1) ** 2
        _stroke(mask, np.stack([y, x] if upright else [x, y], 1) * (w, h), _thickness(rng))


def mast(mask: UInt8, size: float, rng: Rng) -> None:
    """A pole, often leaning, with arms or with stays that run down from its top."""
    h, w = mask.shape
    foot = np.array([rng.uniform(0.05, 0.95) * w, rng.uniform(0.5, 1.05) * h])
    top = foot + np.array([rng.normal(0, 0.06), -rng.uniform(0.5, 1.2)]) * size * h
    thick = _thickness(rng) * rng.uniform(1, 2.5)
    _stroke(mask, np.stack([foot, top]), thick)
    kind = rng.random()
    for _ in range(int(rng.integers(1, 5))):
        at = top + rng.uniform(0, 0.3 if kind < 0.5 else 0.9) * (foot - top)
        if kind < 0.5:  # stays
            _stroke(mask, np.stack([at, foot + np.array([rng.normal(0, 0.4) * size * h, 0])]), 0.5 * thick)
        elif kind < 0.8:  # arms
            arm = np.array([rng.uniform(0.03, 0.2) * size * h, rng.normal(0, 0.03) * size * h])
            _stroke(mask, np.stack([at - arm * (rng.random() < 0.7), at + arm]), 0.7 * thick)


def fence(mask: UInt8, size: float, rng: Rng) -> None:
    """Posts and rails, a railing, a grating or a mesh, as seen at a slant."""
    h, w = mask.shape
    left, right = np.sort(rng.uniform(-0.1, 1.1, 2)) * w
    tops = rng.uniform(0.1, 0.9) * h + rng.normal(0, 0.1, 2) * h
    heights = np.abs(rng.uniform(0.1, 0.8) * size * h * (1 + rng.normal(0, 0.3, 2)))
    posts, rails = int(rng.integers(2, 24)), int(rng.integers(1, 4) if rng.random() < 0.7 else rng.integers(4, 14))
    thick = _thickness(rng)

    def corner(u: float, v: float) -> Floats:
        return np.array([left + u * (right - left), tops @ (1 - u, u) + v * heights @ (1 - u, u)])

    for u in np.linspace(0, 1, posts):
        _stroke(mask, np.stack([corner(u, 0), corner(u, 1)]), thick)
    for v in np.linspace(rng.uniform(0, 0.2), rng.uniform(0.3, 1), rails):
        _stroke(mask, np.stack([corner(0, v), corner(1, v)]), thick * rng.uniform(0.7, 1.5))


def wheel(mask: UInt8, size: float, rng: Rng) -> None:
    """A rim with spokes, from any side."""
    h, w = mask.shape
    middle = np.array([rng.uniform(0, w), rng.uniform(0.2, 1) * h])
    axes = np.array([1, rng.uniform(0.3, 1)]) * rng.uniform(0.15, 0.5) * size * h
    turn, thick = rng.uniform(0, 6.3), _thickness(rng)
    about = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])

    def at(angle: Floats) -> Floats:
        return middle + (np.stack([np.cos(angle), np.sin(angle)], -1) * axes) @ about.T

    _stroke(mask, at(np.linspace(0, 2 * np.pi, 90)), thick * rng.uniform(1, 3))
    for angle in np.linspace(0, 2 * np.pi, int(rng.integers(3, 30)), endpoint=False):
        _stroke(mask, np.stack([middle, at(angle)]), thick)


def _thickness(rng: Rng) -> float:
    return float(np.exp(rng.uniform(np.log(2.2), np.log(12))))


def _stroke(mask: UInt8, points: Floats, thick: float) -> None:
    cv2.polylines(mask, [np.rint(points).astype(np.int32)], False, 255, max(2, round(thick)), cv2.LINE_AA)


SILHOUETTES: tuple[Silhouette, ...] = (
    *(blob, polygon, polygon, bars, wires, stalks, stalks),
    *(spans, spans, mast, fence, wheel),
)
PRINTS: tuple[Silhouette, ...] = (bars, wires, spans, fence)
