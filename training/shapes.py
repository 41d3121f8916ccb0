"""Flat pictures of things with a mask and a relief: cut-outs of photos, and made vases, stones, plants and rods."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.depth_data import Sample

Float = npt.NDArray[np.float32]
Rng = np.random.Generator

SIDE_PX = 192
LIGHT = np.array([-0.5, -0.6, 0.62], np.float32)


@dataclass(frozen=True)
class Shape:
    """A thing seen from the front; arrays of one (h, w)."""

    rgb: Float  # (h, w, 3) in 0..255
    alpha: Float  # 0..1
    relief: Float  # how far it stands out, in its own widths


def cut_out(photo: Sample, rng: Rng) -> Shape:
    """The photo's subjects, with a low relief."""
    rows, columns = np.nonzero(photo.subject > 127)
    box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    flip = slice(None, None, -1 if rng.random() < 0.5 else 1)
    alpha = photo.subject[box][:, flip].astype(np.float32) / 254
    rgb = photo.rgb[box][:, flip].astype(np.float32)
    return Shape(np.ascontiguousarray(rgb), np.ascontiguousarray(alpha), _round_relief(alpha > 0.5, 0.08))


def random_shape(texture: Float, rng: Rng) -> Shape:
    """A vase, a stone, a plant or rods, covered with `texture` and lit from one side."""
    make = (_vase, _vase, _stone, _stone, _plant, _rods)[rng.integers(6)]
    return _covered(make(rng), texture, make in (_plant, _rods), rng)


def random_plant(texture: Float, rng: Rng) -> Shape:
    """Leaves or branches covered with `texture`."""
    return _covered(_plant(rng), texture, True, rng)


def _covered(inside: npt.NDArray[np.bool_], texture: Float, thin: bool, rng: Rng) -> Shape:
    relief = _round_relief(inside, 0.03 if thin else float(rng.uniform(0.1, 0.4)))
    rgb = cv2.resize(texture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    alpha = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.7)
    return Shape((rgb * _shading(relief)[..., None]).astype(np.float32), alpha, relief)


def _round_relief(inside: npt.NDArray[np.bool_], depth: float) -> Float:
    """Rises from the outline like a ball: the square root of how far inside a place is."""
    distance = cv2.distanceTransform(np.pad(inside, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    share = distance / max(float(distance.max()), 1)
    return (depth * np.sqrt(np.maximum(2 * share - share**2, 0))).astype(np.float32)


def _shading(relief: Float) -> Float:
    dy, dx = np.gradient(cv2.GaussianBlur(relief, (0, 0), 2) * SIDE_PX)
    normal = np.stack([-dx, -dy, np.ones_like(dx)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return (0.35 + 0.8 * np.maximum(normal @ LIGHT, 0)).astype(np.float32)


def _smooth_noise(n: int, knots: int, rng: Rng) -> Float:
    """(n,) values about 0, as smooth as `knots` random ones allow."""
    return cv2.resize(rng.normal(0, 1, (1, knots)).astype(np.float32), (n, 1), interpolation=cv2.INTER_CUBIC)[0]


def _vase(rng: Rng) -> npt.NDArray[np.bool_]:
    """Mirror-symmetric with a wavy profile: bottles, lamps, cups, figures on a lathe."""
    profile = np.clip(0.55 + 0.25 * _smooth_noise(SIDE_PX, int(rng.integers(2, 7)), rng), 0.08, 1)
    x = np.abs(np.linspace(-1, 1, SIDE_PX, dtype=np.float32))
    return x[None, :] < profile[:, None] * rng.uniform(0.35, 0.95)


def _stone(rng: Rng) -> npt.NDArray[np.bool_]:
    """A star-shaped blob, round to ragged."""
    y, x = np.mgrid[-1 : 1 : SIDE_PX * 1j, -1 : 1 : SIDE_PX * 1j]
    angle, radius = np.arctan2(y, x), np.hypot(x * rng.uniform(1, 2), y * rng.uniform(1, 1.6))
    limit = np.full_like(radius, 0.8)
    for k in range(1, int(rng.integers(2, 12))):
        limit += rng.normal(0, 0.25 / k) * np.cos(k * angle + rng.uniform(0, 6.3))
    return radius < limit


def _plant(rng: Rng) -> npt.NDArray[np.bool_]:
    """Leaves or branches that fan out from the foot."""
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    steps = np.linspace(0, 1, 24)
    for _ in range(int(rng.integers(4, 16))):
        angle, bend, length = rng.normal(0, 0.6), rng.normal(0, 0.7), rng.uniform(0.4, 0.95) * SIDE_PX
        heading = angle + bend * steps
        x = SIDE_PX / 2 + np.cumsum(np.sin(heading)) * length / len(steps)
        y = SIDE_PX - 1 - np.cumsum(np.cos(heading)) * length / len(steps)
        width = rng.uniform(2, 16) * np.sin(np.pi * np.clip(steps * 0.9 + 0.1, 0, 1)) + 1
        for i in range(len(steps) - 1):
            ends = (int(x[i]), int(y[i])), (int(x[i + 1]), int(y[i + 1]))
            cv2.line(mask, *ends, 1, max(1, round(width[i])))
    return mask.astype(bool)


def _rods(rng: Rng) -> npt.NDArray[np.bool_]:
    """A rack, a fence or a frame of straight rods."""
    mask = np.zeros((SIDE_PX, SIDE_PX), np.uint8)
    for _ in range(int(rng.integers(2, 9))):
        ends = rng.integers(0, SIDE_PX, 4)
        if rng.random() < 0.7:  # upright or level
            axis = rng.integers(2)
            ends[axis + 2] = ends[axis]
            ends[1 - axis], ends[3 - axis] = 0, SIDE_PX - 1
        cv2.line(mask, (int(ends[0]), int(ends[1])), (int(ends[2]), int(ends[3])), 1, int(rng.integers(2, 9)))
    return mask.astype(bool)
