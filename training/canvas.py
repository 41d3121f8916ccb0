"""A picture and its exact depth, drawn together: room, boxes and shapes by ray casting, then haze and blur."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

from training.depth_data import Sample, scale_target
from training.shapes import Shape

Float = npt.NDArray[np.float32]
Rng = np.random.Generator

SHORT_SIDE_PX = 264
SUPERSAMPLING = 4 / 3
FAR = 60.0  # camera heights; the backdrop hangs there


@dataclass(frozen=True)
class Canvas:
    """What is drawn so far. Camera at the origin, x right, y down, z ahead when it looks level."""

    rays: Float  # (H, W, 3) directions whose part along the optical axis is 1: a ray's factor is its depth
    rgb: Float  # (H, W, 3) in 0..255
    depth: Float  # (H, W) along the optical axis


def empty_canvas(rng: Rng, pitch: float | None = None) -> Canvas:
    """A camera of random lens and aspect with nothing before it; `pitch`: radians that it looks down."""
    aspect = rng.choice([1.0, 4 / 3, 3 / 2, 3 / 4])
    short = round(SHORT_SIDE_PX * SUPERSAMPLING)
    h, w = round(short * max(1, 1 / aspect)), round(short * max(1, aspect))
    focal = max(h, w) * rng.uniform(0.7, 1.6)
    y, x = np.mgrid[:h, :w].astype(np.float32)
    level = np.stack([(x - w / 2) / focal, (y - h / 2) / focal, np.ones_like(x)], axis=-1)
    # Mostly about level; now and then down on a table.
    if pitch is None:
        pitch = rng.uniform(0.3, 1.1) if rng.random() < 0.25 else rng.normal(0.08, 0.1)
    roll = rng.normal(0, 0.03)
    turned = cv2.Rodrigues(np.array([-pitch, 0, 0]))[0] @ cv2.Rodrigues(np.array([0, 0, roll]))[0]
    rays = (level @ turned.T.astype(np.float32)).astype(np.float32)
    return Canvas(rays, np.empty((h, w, 3), np.float32), np.full((h, w), FAR, np.float32))


def spot(canvas: Canvas, rng: Rng) -> tuple[float, float]:
    """Where something stands, (x, z): mostly on ground that is in the picture, else anywhere about there."""
    point = canvas.rays * canvas.depth[..., None]
    stage = np.argwhere((np.abs(point[..., 1] - 1) < 0.02) & (canvas.depth > 0.9) & (canvas.depth < 9))
    if len(stage) and rng.random() < 0.75:
        # Evenly over distances: the picture shows much more near ground than far ground.
        depths = canvas.depth[tuple(stage.T)]
        wanted = np.exp(rng.uniform(np.log(depths.min()), np.log(depths.max())))
        some = rng.integers(len(stage), size=200)
        row, column = stage[some[np.abs(depths[some] - wanted).argmin()]]
        return float(point[row, column, 0]), float(point[row, column, 2])
    z = float(1.2 * np.exp(rng.uniform(0, 2.0)))
    return z * float(rng.uniform(-0.5, 0.5)), z


def surface(picture: Float, rng: Rng) -> Float:
    """A picture as a material: as it is, a plain colour with its grain, or a mixture."""
    plain = picture.mean((0, 1)) * rng.uniform(0.6, 1.3, 3).astype(np.float32)
    share = rng.choice([0.0, 0.3, 0.7, 0.95])
    return np.clip(share * plain + (1 - share) * picture, 0, 255).astype(np.float32)


def _sample(texture: Float, u: Float, v: Float) -> Float:
    """Colours of a texture at (u, v) in texture heights, mirrored on and on."""
    x, y = ((a * texture.shape[0]).astype(np.float32) for a in (u, v))
    return cv2.remap(texture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT).astype(np.float32)


def _put(canvas: Canvas, hit: npt.NDArray[np.bool_], depth: Float, rgb: Float) -> None:
    nearer = hit & (depth < canvas.depth)
    canvas.rgb[nearer] = rgb[nearer]
    canvas.depth[nearer] = depth[nearer]


def draw_ground(canvas: Canvas, picture: Callable[[], Float], rng: Rng) -> None:
    """Backdrop, often a sky, and level ground at y = 1."""
    h, w = canvas.depth.shape
    canvas.rgb[:] = cv2.resize(picture(), (w, h), interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:  # a sky: bright, smooth, brighter at the horizon
        tint = rng.uniform(120, 255, 3).astype(np.float32)
        rise = np.linspace(rng.uniform(0.6, 1), 1, h, dtype=np.float32)[:, None, None]
        canvas.rgb[:] = 0.15 * canvas.rgb + 0.85 * tint * rise
    x, y, z = (canvas.rays[..., i] for i in range(3))
    with np.errstate(divide="ignore"):
        ground = np.where(y > 1e-4, 1 / y, np.inf).astype(np.float32)
    near = np.minimum(ground, FAR)
    scale = rng.uniform(0.15, 0.8)
    _put(canvas, ground < FAR, ground, _sample(surface(picture(), rng), x * near * scale, z * near * scale))


def draw_wall(canvas: Canvas, turn: float, away: float, texture: Float, rng: Rng) -> None:
    """An endless wall at the distance `away`, square to the direction `turn` (radians from ahead)."""
    x, y, z = (canvas.rays[..., i] for i in range(3))
    facing = x * np.sin(turn) + z * np.cos(turn)
    with np.errstate(divide="ignore", invalid="ignore"):
        wall = np.where(facing > 1e-4, away / facing, np.inf).astype(np.float32)
    reach = np.minimum(wall, FAR)
    along = (x * np.cos(turn) - z * np.sin(turn)) * reach
    colours = _sample(texture, along * 0.4, y * reach * 0.4)
    _put(canvas, wall < FAR, wall, colours * np.float32(rng.uniform(0.6, 1.1)))


def _shade_ground(canvas: Canvas, x: float, z: float, radius: float) -> None:
    """The dark spot under a thing that stands on the ground at (x, z)."""
    point = canvas.rays * canvas.depth[..., None]
    distance = np.hypot(point[..., 0] - x, point[..., 2] - z) / radius
    on_ground = np.abs(point[..., 1] - 1) < 0.02
    canvas.rgb[on_ground] *= (1 - 0.55 * np.exp(-(distance[on_ground] ** 2)))[:, None]


def draw_box(
    canvas: Canvas, texture: Float, x: float, z: float, rng: Rng, sizes: tuple[float, float] = (0.08, 0.7)
) -> None:
    """A box on the ground, half as wide, high and deep as `sizes` allow; each pair of faces has its own brightness."""
    half = np.exp(rng.uniform(np.log(sizes[0]), np.log(sizes[1]), 3)).astype(np.float32)
    _shade_ground(canvas, x, z, float(np.hypot(half[0], half[2])) * 1.2)
    turn = rng.uniform(0, np.pi)
    about_y = np.array([[np.cos(turn), 0, -np.sin(turn)], [0, 1, 0], [np.sin(turn), 0, np.cos(turn)]], np.float32)
    centre = about_y @ np.array([x, 1 - half[1], z], np.float32)
    rays = canvas.rays @ about_y.T
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = (centre - half) / rays, (centre + half) / rays
        first, last = np.minimum(a, b), np.maximum(a, b)
        depth = first.max(-1)
        hit = (depth < last.min(-1)) & (depth > 0.2)
    face = first.argmax(-1)
    point = np.where(hit[..., None], rays * np.where(hit, depth, 1)[..., None] - centre, 0).astype(np.float32)
    u = np.where(face == 0, point[..., 2], point[..., 0])
    v = np.where(face == 1, point[..., 2], point[..., 1])
    light = rng.uniform(0.45, 1.15, 3).astype(np.float32)
    scale = np.float32(rng.uniform(0.3, 1.2))
    _put(canvas, hit, depth.astype(np.float32), _sample(texture, u * scale + 1, v * scale + 1) * light[face][..., None])


def draw_shape(
    canvas: Canvas,
    shape: Shape,
    x: float,
    z: float,
    rng: Rng,
    heights: tuple[float, float] = (0.3, 1.6),
    foot: float | None = None,
) -> None:
    """A shape upright on the ground (a few hang in the air) or with its `foot` at that y, its relief to the camera."""
    h, w = shape.alpha.shape
    height = float(np.exp(rng.uniform(np.log(heights[0]), np.log(heights[1]))))
    width = height * w / h
    if foot is None:
        foot = 1.0 if rng.random() < 0.85 else float(rng.uniform(0, 1))
    if foot == 1.0:
        _shade_ground(canvas, x, z, width / 2)
    turn = np.arctan2(x, z) + rng.normal(0, 0.25)
    facing = canvas.rays[..., 0] * np.sin(turn) + canvas.rays[..., 2] * np.cos(turn)
    away = x * np.sin(turn) + z * np.cos(turn)
    with np.errstate(divide="ignore", invalid="ignore"):
        depth = np.where(facing > 1e-3, away / facing, np.inf).astype(np.float32)
    reach = np.minimum(depth, FAR)
    along = (canvas.rays[..., 0] * reach - x) * np.cos(turn) - (canvas.rays[..., 2] * reach - z) * np.sin(turn)
    u = ((along / width + 0.5) * w).astype(np.float32)
    v = ((1 - (foot - canvas.rays[..., 1] * reach) / height) * h).astype(np.float32)

    def look_up(a: Float, beyond: int = cv2.BORDER_CONSTANT) -> Float:
        return cv2.remap(a, u, v, cv2.INTER_LINEAR, borderMode=beyond).astype(np.float32)

    depth = depth - look_up(shape.relief) * np.float32(width)
    alpha = np.where((depth < canvas.depth) & (depth > 0.2), look_up(shape.alpha), 0)[..., None]
    canvas.rgb[:] = alpha * look_up(shape.rgb, cv2.BORDER_REPLICATE) + (1 - alpha) * canvas.rgb
    canvas.depth[:] = np.where(alpha[..., 0] > 0.5, depth, canvas.depth)


def with_haze(canvas: Canvas, rng: Rng) -> Float:
    if rng.random() > 0.25:
        return canvas.rgb
    clear = np.exp(-canvas.depth[..., None] * np.float32(rng.uniform(0.01, 0.08)))
    return clear * canvas.rgb + (1 - clear) * rng.uniform(150, 240, 3).astype(np.float32)


def out_of_focus(rgb: Float, disparity: Float, rng: Rng) -> Float:
    """Blur by distance from a focus that lies on something near: slices from far to near, each over the one before."""
    focus = np.percentile(disparity, rng.uniform(50, 98))
    strength = rng.uniform(2, 9) / max(float(disparity.max() - disparity.min()), 1e-6)
    edges = np.linspace(disparity.min(), disparity.max() + 1e-6, 8)
    out = rgb.copy()
    for lo, hi in pairwise(edges):
        sigma = strength * abs((lo + hi) / 2 - focus)
        nearer = (disparity >= lo).astype(np.float32)
        inside = ((disparity >= lo) & (disparity < hi)).astype(np.float32)
        if sigma < 0.4 or not inside.any():
            out = np.where(inside[..., None] > 0, rgb, out)
            continue
        weight = cv2.GaussianBlur(inside, (0, 0), sigma)
        colour = cv2.GaussianBlur(rgb * inside[..., None], (0, 0), sigma) / np.maximum(weight, 1e-4)[..., None]
        # Behind something sharper nothing shows through; before something farther the blur spreads over it.
        cover = np.maximum(np.minimum(cv2.GaussianBlur(nearer, (0, 0), sigma), 1), inside)[..., None]
        cover = np.where(weight[..., None] > 1e-4, cover, 0)
        out = cover * colour + (1 - cover) * out
    return out.astype(np.float32)


def photographed(rgb: Float, depth: Float) -> Sample:
    """Colour averaged over each pixel, disparity of its middle, scaled as the labels are."""
    size = (round(rgb.shape[1] / SUPERSAMPLING), round(rgb.shape[0] / SUPERSAMPLING))
    colour = cv2.resize(np.clip(rgb, 0, 255).astype(np.uint8), size, interpolation=cv2.INTER_AREA)
    disparity = 1 / cv2.resize(depth, size, interpolation=cv2.INTER_NEAREST)
    return Sample(colour.astype(np.uint8), scale_target(disparity), np.zeros(disparity.shape, np.uint8))
