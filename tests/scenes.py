"""Scenes drawn by code, so that the truth about them is known, and random depth maps for property tests."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from hypothesis import strategies as st

from inpaint.filters import push_pull
from inpaint.tears import Links

NEAR, FAR = 0.9, 0.2
RED, GREEN, BLUE = (200, 40, 40), (40, 160, 60), (50, 70, 190)


@dataclass(frozen=True)
class Scene:
    """A picture with its true depth."""

    rgb: np.ndarray
    """(H, W, 3) uint8."""
    disparity: np.ndarray
    """(H, W) float32 in 0..1."""
    near: np.ndarray
    """(H, W) bool: pixels of the nearer surface."""


def plain(height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def checker(height: int, width: int, cell: int, dark: tuple[int, ...], light: tuple[int, ...]) -> np.ndarray:
    """(H, W, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width] // cell
    return np.where(((x + y) % 2)[..., None] == 0, dark, light).astype(np.uint8)


def compose(near: np.ndarray, front: np.ndarray, back: np.ndarray, q_near: float = NEAR, q_far: float = FAR) -> Scene:
    """Two planes that face the camera."""
    rgb = np.where(near[..., None], front, back).astype(np.uint8)
    return Scene(rgb, np.where(near, q_near, q_far).astype(np.float32), near)


def two_planes(height: int = 96, width: int = 128, q_near: float = NEAR, q_far: float = FAR) -> Scene:
    """A plain red rectangle in front of a plain green wall."""
    near = np.zeros((height, width), bool)
    near[height // 4 : height - height // 4, width // 3 : width - width // 3] = True
    return compose(near, plain(height, width, RED), plain(height, width, GREEN), q_near, q_far)


def textured_planes(height: int = 96, width: int = 128) -> Scene:
    """A disc with a checker pattern in front of a wall with another."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    near = np.hypot(x - 0.5 * width, y - 0.5 * height) < 0.3 * min(height, width)
    return compose(
        near,
        checker(height, width, 5, (220, 60, 50), (160, 30, 40)),
        checker(height, width, 7, (40, 120, 70), (70, 180, 110)),
    )


def staircase(height: int = 96, width: int = 128) -> Scene:
    """Three nested rectangles, each nearer than the one around it, each of its own colour."""
    disparity = np.full((height, width), 0.15, np.float32)
    rgb = plain(height, width, GREEN)
    for k, (q, colour) in enumerate(((0.45, BLUE), (0.95, RED))):
        inset_y, inset_x = round(height * (0.15 + 0.15 * k)), round(width * (0.15 + 0.15 * k))
        disparity[inset_y : height - inset_y, inset_x : width - inset_x] = q
        rgb[inset_y : height - inset_y, inset_x : width - inset_x] = colour
    return Scene(rgb, disparity, disparity > 0.9)


def thin_pole(height: int = 96, width: int = 128, pole_px: int = 3) -> Scene:
    """A near pole from top to bottom in front of a wall."""
    near = np.zeros((height, width), bool)
    near[:, width // 2 : width // 2 + pole_px] = True
    return compose(near, plain(height, width, RED), checker(height, width, 8, (40, 120, 70), (70, 180, 110)))


def ramp(height: int = 96, width: int = 128, low: float = 0.1, high: float = 0.9) -> np.ndarray:
    """(H, W) float32 disparity of a floor: nearer towards the bottom."""
    return np.repeat(np.linspace(low, high, height, dtype=np.float32)[:, None], width, axis=1)


def slanted_plane_with_hole(height: int = 96, width: int = 128) -> Scene:
    """A slanted near sheet with a round hole through which a far wall shows."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    near = np.hypot(x - 0.5 * width, y - 0.5 * height) > 0.25 * min(height, width)
    slant = (0.6 + 0.35 * x / width).astype(np.float32)
    scene = compose(near, checker(height, width, 6, (190, 80, 60), (150, 50, 40)), plain(height, width, BLUE))
    return Scene(scene.rgb, np.where(near, slant, 0.1).astype(np.float32), near)


def blurred(disparity: np.ndarray, sigma_px: float) -> np.ndarray:
    """What a network makes of sharp depth edges."""
    return cv2.GaussianBlur(disparity, (0, 0), sigma_px)


SCENES = {
    "two planes": two_planes,
    "textured planes": textured_planes,
    "staircase": staircase,
    "thin pole": thin_pole,
    "slanted plane with hole": slanted_plane_with_hole,
}


def calm_fill(
    rgb: np.ndarray, disparity: np.ndarray, unknown: np.ndarray, context: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The simplest fill that uses the context (H, W) alone: smooth colours; as `inpaint.fill.Fill`."""
    return np.where(unknown[..., None], push_pull(rgb, context), rgb), disparity


def likely(thin: np.ndarray) -> np.ndarray:
    """(H, W) how likely a thin thing is where one is (H, W), as the network sees it, from a smaller picture."""
    return 0.9 * cv2.GaussianBlur(thin.astype(np.float32), (0, 0), 0.7)


KINDS = ("constant", "ramp", "noise", "steps", "specks", "stripes", "blurred steps")


def draw_depth(kind: str, height: int, width: int, seed: int) -> np.ndarray:
    """(H, W) float32 disparity in 0..1 of one of `KINDS`."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    if kind == "constant":
        q = np.full((height, width), rng.choice([0.0, 0.5, 1.0]))
    elif kind == "ramp":
        q = rng.uniform(-1, 1) * x / width + rng.uniform(-1, 1) * y / height + 0.5
    elif kind == "noise":
        q = rng.uniform(0, 1, (height, width))
    elif kind == "stripes":  # features of one pixel
        q = (x if rng.integers(2) else y) % 2
    elif kind == "specks":
        q = np.where(rng.uniform(0, 1, (height, width)) < 0.03, 1.0, rng.uniform(0, 0.5))
    else:
        q = np.full((height, width), rng.uniform(0, 1))
        for _ in range(rng.integers(1, 7)):
            top, left = rng.integers(0, height), rng.integers(0, width)
            bottom, right = rng.integers(top + 1, height + 1), rng.integers(left + 1, width + 1)
            q[top:bottom, left:right] = rng.uniform(0, 1)
        if kind == "blurred steps":
            q = cv2.GaussianBlur(q, (0, 0), 2.0)
    return np.clip(q, 0, 1).astype(np.float32)


class Case:
    """A picture (H, W, 3) uint8 and its disparity (H, W) float32 in 0..1, printed as the recipe that draws it."""

    def __init__(self, kind: str, height: int, width: int, seed: int, colour_follows_depth: bool) -> None:
        self.recipe = (kind, height, width, seed, colour_follows_depth)
        self.seed = seed
        self.disparity = draw_depth(kind, height, width, seed)
        q, rng = self.disparity, np.random.default_rng(seed + 1)
        if colour_follows_depth:
            rgb = np.stack([255 * q, 255 * (1 - q), np.full(q.shape, 90)], -1) + rng.integers(-8, 9, (*q.shape, 3))
        else:
            rgb = rng.integers(0, 256, (*q.shape, 3))
        self.rgb = rgb.clip(0, 255).astype(np.uint8)

    def __repr__(self) -> str:
        return f"Case{self.recipe}"


@st.composite
def cases(draw: st.DrawFn, min_side: int = 16, max_side: int = 56) -> Case:
    """Random pictures: all kinds of depth, odd and tiny sizes, now and then a very long picture."""
    height, width = draw(st.integers(min_side, max_side)), draw(st.integers(min_side, max_side))
    longer = draw(st.sampled_from(["neither", "neither", "neither", "height", "width"]))
    height, width = height * (12 if longer == "height" else 1), width * (12 if longer == "width" else 1)
    return Case(draw(st.sampled_from(KINDS)), height, width, draw(st.integers(0, 2**16)), draw(st.booleans()))


def tear_band(links: Links, radius: int) -> np.ndarray:
    """(H, W) pixels within `radius` (square) of a torn link."""
    h, w = links.down.shape[0] + 1, links.down.shape[1]
    edge = np.zeros((h, w), np.uint8)
    edge[:, :-1] |= ~links.right
    edge[:-1] |= ~links.down
    return cv2.dilate(edge, np.ones((2 * radius + 1,) * 2, np.uint8)).astype(bool)
