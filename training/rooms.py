"""Rooms with exact depth: furniture and other models in 3D on grounds, before walls and on tables, lit, with shadows.

`python -m training.rooms BACKDROPS FURNITURE OUT --count 2000` writes one file of `training.edge_targets` per room.
BACKDROPS holds photos that cover walls and grounds, FURNITURE the unpacked catalogues (`.sh3f`) of Sweet Home 3D, each
in its own folder.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from inpaint.sight import SIDE_PX
from inpaint.tiles import network_size
from training.edge_targets import Bool, Float, Floats, Rng, UInt8, thin_things, write, write_in_parts
from training.models import Model, Surface, catalogue, load
from training.stage import Stage

ASPECTS = (1.0, 4 / 3, 3 / 2, 3 / 4, 16 / 9)
SUPERSAMPLING = 2
NEAR, FAR = 0.15, 60.0  # metres
TABLE_TOP = 0.75
SPREAD, CLOSE_SPREAD = (2.0, 1.8), (0.5, 0.28)  # metres to the sides and in depth
STANDS = 0.05  # what is thin is nearer than what is beside it by this share
TORN, BENT = 0.03, 0.004  # shares of depth and disparity between neighbouring pixels that make a step


def _quad(corners: Sequence[tuple[float, float, float]], repeat: float, picture: UInt8, shade: float) -> Surface:
    """A quadrangle covered with a picture that fills `repeat`ed metres."""
    a, b, c, d = np.asarray(corners, float)
    normal = np.cross(b - a, d - a)
    normal /= np.linalg.norm(normal)
    u, v = np.linalg.norm(b - a) * repeat, np.linalg.norm(d - a) * repeat
    uvs = ((0, 0), (u, 0), (u, v), (0, v))
    rows = [np.concatenate([p, normal, uv]) for p, uv in zip((a, b, c, d), uvs, strict=True)]
    rgba = np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    return Surface(np.array([rows[i] for i in (0, 1, 2, 0, 2, 3)], np.float32), rgba, np.full(3, shade, np.float32))


def _material(backdrops: list[Path], rng: Rng) -> UInt8:
    """A plain colour, a pattern, or a photo that repeats itself mirrored."""
    kind = rng.random()
    if kind < 0.45:
        return np.full((2, 2, 3), rng.uniform(60, 250, 3) if rng.random() < 0.5 else rng.uniform(120, 250), np.uint8)
    if kind < 0.65:
        picture = np.empty((64, 64, 3), np.uint8)
        picture[:] = rng.uniform(30, 250, 3)
        for _ in range(int(rng.integers(1, 4))):
            x, y, w, h = rng.integers(0, 64, 4)
            wide = rng.random(2) < 0.5
            picture[y : 64 if wide[1] else y + h // 3, x : 64 if wide[0] else x + w // 3] = rng.uniform(30, 250, 3)
        return picture
    photo = cv2.imread(str(backdrops[rng.integers(len(backdrops))]), cv2.IMREAD_COLOR_RGB)
    part = cv2.resize(photo, (256, 256), interpolation=cv2.INTER_AREA)
    part = np.vstack([part, part[::-1]])
    return np.hstack([part, part[:, ::-1]])


def _placed(model: Model, foot: tuple[float, float, float], turn: float, scale: float, owner: int) -> list[Surface]:
    c, s = np.cos(turn), np.sin(turn)
    about = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
    out = []
    for surface in load(model):
        v = surface.vertices.copy()
        v[:, :3] = v[:, :3] @ about.T * scale + np.array(foot, np.float32)
        v[:, 3:6] = v[:, 3:6] @ about.T
        out.append(replace(surface, vertices=v, owner=owner))
    return out


def _look_at(eye: Floats, target: Floats) -> Floats:
    ahead = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(ahead, [0, 1, 0])
    right /= np.linalg.norm(right)
    turn = np.stack([right, np.cross(right, ahead), -ahead])
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = turn, -turn @ eye
    return out.astype(np.float32)


def _perspective(focal: float, aspect: float) -> Floats:
    """`focal` in half heights."""
    a, b = (FAR + NEAR) / (NEAR - FAR), 2 * FAR * NEAR / (NEAR - FAR)
    return np.array([[focal / aspect, 0, 0, 0], [0, focal, 0, 0], [0, 0, a, b], [0, 0, -1, 0]], np.float32)


@dataclass(frozen=True)
class Camera:
    """Where the camera is and how it sees."""

    eye: Floats  # (3,)
    view: Floats  # (4, 4) from the room to clip space


def make_room(stage: Stage, models: list[Model], backdrops: list[Path], rng: Rng) -> tuple[UInt8, Float, Float]:
    """(H, W, 3), disparity (H, W), 1 over metres, and (H, W) numbers of the things that are seen."""
    aspect = ASPECTS[rng.integers(len(ASPECTS))]
    w, h = network_size(aspect, 1, SIDE_PX)
    close = rng.random() < 0.4  # what stands on a table, or about a room
    planes, back = _planes(close, backdrops, rng)
    surfaces = _things(close, models, back, rng)
    surfaces += [replace(plane, owner=1 + k) for k, plane in enumerate(planes)]
    camera = _camera(close, w / h, rng)
    sun = np.array([rng.normal(), rng.uniform(0.6, 2), rng.uniform(-0.3, 1.5)])
    sun /= np.linalg.norm(sun)
    size = (SUPERSAMPLING * w, SUPERSAMPLING * h)
    rgb, buffer, owner = stage.draw(surfaces, camera.view, camera.eye, _light(close, sun), sun, size, rng)
    depth = 2 * FAR * NEAR / (FAR + NEAR - (2 * buffer - 1) * (FAR - NEAR))
    nothing = buffer >= 1
    if nothing.any():
        sky = cv2.imread(str(backdrops[rng.integers(len(backdrops))]), cv2.IMREAD_COLOR_RGB)
        rgb[nothing] = cv2.resize(sky, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)[nothing]
    step = np.s_[::SUPERSAMPLING, ::SUPERSAMPLING]
    small = cv2.resize(rgb, (w, h), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8), (1 / depth[step]).astype(np.float32), owner[step]


def _planes(close: bool, backdrops: list[Path], rng: Rng) -> tuple[list[Surface], float]:
    """Ground, walls and, if things are `close`, the top and the front of a table; and how far behind the wall is."""

    def covered(*corners: tuple[float, float, float]) -> Surface:
        return _quad(corners, rng.uniform(0.2, 1), _material(backdrops, rng), rng.uniform(0.6, 1.0))

    planes = [covered((-30, 0, 30), (30, 0, 30), (30, 0, -30), (-30, 0, -30))]
    back = float(rng.uniform(1.5, 6))
    if rng.random() < 0.75:
        turn = rng.normal(0, 0.3)
        x, z = 30 * np.cos(turn), 30 * np.sin(turn)
        planes.append(covered((-x, 0, -back - z), (x, 0, -back + z), (x, 9, -back + z), (-x, 9, -back - z)))
    if rng.random() < 0.4:
        side = rng.uniform(2, 5) * (1 if rng.random() < 0.5 else -1)
        planes.append(covered((side, 0, 20), (side, 0, -20), (side, 9, -20), (side, 9, 20)))
    if close:
        half, deep, top = rng.uniform(0.5, 1.2), rng.uniform(0.3, 0.6), TABLE_TOP
        picture, shade = _material(backdrops, rng), rng.uniform(0.6, 1.0)
        left, right, under = (-half, top, deep), (half, top, deep), top - 0.04
        planes.append(_quad((left, right, (half, top, -deep), (-half, top, -deep)), 1, picture, shade))
        planes.append(_quad(((-half, under, deep), (half, under, deep), right, left), 1, picture, 0.8 * shade))
    return planes, back


def _things(close: bool, models: list[Model], back: float, rng: Rng) -> list[Surface]:
    """Three to eight models side by side, before the wall."""
    surfaces: list[Surface] = []
    taken: list[tuple[float, float, float]] = []
    spread = CLOSE_SPREAD if close else SPREAD
    for _ in range(int(rng.integers(3, 9))):
        model = models[rng.integers(len(models))]
        biggest, scale = max(model.size), 1.0
        if close:
            scale = min(1.0, float(rng.uniform(0.08, 0.5)) / biggest)
        elif biggest < 0.5 or biggest > 4:
            scale = float(rng.uniform(0.4, 1.5)) / biggest
        reach = scale * max(model.size[0], model.size[2]) / 2
        for _ in range(12):
            x, z = rng.normal(0, spread[0] * 0.7), rng.normal(0, spread[1] * 0.7)
            if all(np.hypot(x - a, z - b) > 0.8 * (reach + r) for a, b, r in taken) and z - reach > -back:
                break
        else:
            continue
        taken.append((x, z, reach))
        foot = TABLE_TOP if close else model.lift if scale == 1.0 and model.lift < 2 else 0.0
        surfaces += _placed(model, (x, foot, z), rng.uniform(0, 2 * np.pi), scale, 10 + len(taken))
    return surfaces


def _camera(close: bool, aspect: float, rng: Rng) -> Camera:
    """It looks at things from the front, level or from above."""
    top, spread = (TABLE_TOP, CLOSE_SPREAD) if close else (0.0, SPREAD)
    target = np.array(
        [rng.normal(0, 0.2 * spread[0]), top + rng.uniform(0, 0.25 if close else 0.9), rng.normal(0, 0.2)]
    )
    away = rng.uniform(0.6, 1.6) if close else rng.uniform(2.0, 5.5)
    around, up = rng.normal(0, 0.5), rng.uniform(0.03, 0.7)
    eye = target + away * np.array([np.sin(around) * np.cos(up), np.sin(up), np.cos(around) * np.cos(up)])
    eye[1] = max(eye[1], 0.15)
    return Camera(eye, _perspective(rng.uniform(1.2, 3.2), aspect) @ _look_at(eye, target))


def _light(close: bool, sun: Floats) -> Floats:
    """(4, 4) from the room to what the sun sees of it, in -1..1."""
    wide, middle = (1.2, np.array([0, TABLE_TOP, 0])) if close else (5.0, np.zeros(3))
    light = np.diag([1 / wide, 1 / wide, -1 / (4 * wide), 1]) @ _look_at(middle + 3 * wide * sun + 0.01, middle)
    light[2, 3] -= 0.75
    return light.astype(np.float32)


def surfaces_of(disparity: Float, owner: Float) -> tuple[npt.NDArray[np.int32], Bool]:
    """(H, W) which pieces of one thing hang together without a step, and (H, W) where steps are."""
    torn = [
        np.abs(np.diff(1 / disparity, axis=a)) > TORN / np.maximum(_after(disparity, a), _before(disparity, a))
        for a in (0, 1)
    ]
    # On planes that recede depth changes fast but evenly: a step is where its change changes.
    for a in (0, 1):
        bend = np.abs(np.diff(disparity, n=2, axis=a))
        bend = np.concatenate([np.take(bend, [0], a), bend, np.take(bend, [-1], a)], axis=a)
        torn[a] &= np.maximum(_after(bend, a), _before(bend, a)) > BENT * _after(disparity, a)
    same = [_after(owner, a) == _before(owner, a) for a in (0, 1)]
    # Links as a picture of twice the size: pixels at even places, links between them.
    h, w = disparity.shape
    grid = np.zeros((2 * h - 1, 2 * w - 1), np.uint8)
    grid[::2, ::2] = 1
    grid[::2, 1::2], grid[1::2, ::2] = same[1] & ~torn[1], same[0] & ~torn[0]
    _, label = cv2.connectedComponents(grid, connectivity=4)
    steps = np.zeros((h, w), bool)
    steps[1:] |= torn[0]
    steps[:, 1:] |= torn[1]
    return label[::2, ::2], steps


def _after(x: Float, axis: int) -> Float:
    return x[1:] if axis == 0 else x[:, 1:]


def _before(x: Float, axis: int) -> Float:
    return x[:-1] if axis == 0 else x[:, :-1]


def write_rooms(numbers: range, models: list[Model], backdrops: list[Path], out: Path) -> int:
    """Rooms of these numbers, each from its own seed, those excepted that are there. Returns how many."""
    import torch

    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    stage = Stage()
    for number in numbers:
        path = out / f"room__{number:05d}.npz"
        if not path.exists():
            rgb, disparity, owner = make_room(stage, models, backdrops, np.random.default_rng((13, number)))
            surfaces, steps = surfaces_of(disparity, owner)
            write(path, rgb, surfaces, thin_things(np.log(disparity), STANDS), np.zeros(owner.shape, bool), steps)
    return len(numbers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("backdrops", type=Path)
    parser.add_argument("furniture", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--count", type=int, default=2000)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    work = partial(
        write_rooms, models=catalogue(args.furniture), backdrops=sorted(args.backdrops.iterdir()), out=args.out
    )
    print(f"{write_in_parts(work, args.count, 50)} rooms in {args.out}")


if __name__ == "__main__":
    main()
