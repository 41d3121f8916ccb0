"""Scenes with exact depth: photo-textured grounds, walls and boxes, cut-out subjects and made shapes standing on them.

`python -m training.scenes LABELS OUT --kind field --count 200` writes one `.npz` per scene: `rgb` (H, W, 3) uint8 and
`disparity` (H, W) float16, as `training.labels` does. Pictures for surfaces and cut-outs come from LABELS. What photos
with made labels cannot teach is here: edges exact to the pixel, the order of overlapping things of any kind, blur that
comes with distance. `mixed` scenes are the most; the other kinds show what networks get wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from training.canvas import (
    Canvas,
    Float,
    Rng,
    draw_box,
    draw_ground,
    draw_shape,
    draw_wall,
    empty_canvas,
    out_of_focus,
    photographed,
    spot,
    surface,
    with_haze,
)
from training.depth_data import Sample, load_label
from training.shapes import Shape, cut_out, random_plant, random_shape


@dataclass(frozen=True)
class Stock:
    """What scenes are made of."""

    pictures: list[Sample]  # cover surfaces
    subjects: list[Sample]  # stand in the scene

    def picture(self, rng: Rng) -> Float:
        return self.pictures[rng.integers(len(self.pictures))].rgb.astype(np.float32)

    def material(self, rng: Rng) -> Float:
        return surface(self.picture(rng), rng)

    def subject(self, rng: Rng) -> Shape:
        """A cut-out, or a made shape where there are none."""
        if not self.subjects:
            return random_shape(self.material(rng), rng)
        return cut_out(self.subjects[rng.integers(len(self.subjects))], rng)


def make_scene(kind: str, stock: Stock, rng: Rng) -> Sample:
    """A scene of a kind of `KINDS` drawn from `rng`."""
    canvas = KINDS[kind](stock, rng)
    rgb = with_haze(canvas, rng)
    if rng.random() < 0.4:
        rgb = out_of_focus(rgb, (1 / canvas.depth).astype(np.float32), rng)
    return photographed(rgb, canvas.depth)


def _ground(stock: Stock, rng: Rng, pitch: float | None = None) -> Canvas:
    canvas = empty_canvas(rng, pitch)
    draw_ground(canvas, partial(stock.picture, rng), rng)
    return canvas


def _mixed(stock: Stock, rng: Rng) -> Canvas:
    """Up to three walls, boxes, cut-outs and shapes anywhere."""
    canvas = _ground(stock, rng)
    yaw, distance = rng.uniform(-0.5, 0.5), rng.uniform(2.5, 14)
    sides = (yaw + np.pi / 2, rng.uniform(1.5, 5)), (yaw - np.pi / 2, rng.uniform(1.5, 5))
    for turn, away in ((yaw, distance), *sides):
        if rng.random() >= 0.45:
            draw_wall(canvas, turn, away, stock.material(rng), rng)
    spots = sorted((spot(canvas, rng) for _ in range(rng.integers(2, 11))), key=lambda spot: -spot[1])
    for x, z in spots:
        kind = rng.random()
        if kind < 0.3:
            draw_box(canvas, stock.material(rng), x, z, rng)
        else:
            cut = kind < 0.55 and stock.subjects
            draw_shape(canvas, stock.subject(rng) if cut else random_shape(stock.material(rng), rng), x, z, rng)
    return canvas


def _row(stock: Stock, rng: Rng) -> Canvas:
    """Subjects side by side close to a wall."""
    canvas = _ground(stock, rng, pitch=rng.normal(0.0, 0.08))
    z, tall = rng.uniform(1.0, 3.0), rng.uniform(0.6, 1.7)
    draw_wall(canvas, rng.normal(0, 0.2), z + rng.uniform(0.4, 2.5), stock.material(rng), rng)
    step = tall * rng.uniform(0.3, 0.7)
    for k in rng.permutation(np.arange(-4, 5)):
        draw_shape(
            canvas, stock.subject(rng), k * step, z + rng.normal(0, 0.12), rng, heights=(0.8 * tall, tall), foot=1.0
        )
    return canvas


def _clutter(stock: Stock, rng: Rng) -> Canvas:
    """Many things hanging on a wall or heaped before it: hardly any depth, all of it in their order."""
    canvas = _ground(stock, rng, pitch=rng.normal(0, 0.08))
    wall, deep = rng.uniform(1.2, 3.0), rng.uniform(0.1, 0.5)
    draw_wall(canvas, rng.normal(0, 0.25), wall, stock.material(rng), rng)
    material, alike = stock.material(rng), rng.random() < 0.5
    big = rng.uniform(0.25, 0.9)
    for near in np.sort(rng.uniform(0, deep, rng.integers(20, 50))):
        shape = random_shape(material if alike else stock.material(rng), rng)
        z = wall * (1 - near)
        x, foot = rng.uniform(-0.8, 0.8) * z, rng.uniform(-0.6, 1.0)
        draw_shape(canvas, shape, x, z, rng, heights=(big / 2, big), foot=foot)
    return canvas


def _field(stock: Stock, rng: Rng) -> Canvas:
    """Open ground with plants or stones on it, in rows or strewn, to the horizon."""
    canvas = _ground(stock, rng, pitch=rng.normal(0.15, 0.12))
    material, rows = stock.material(rng), rng.random() < 0.6
    gap, turn, big = rng.uniform(0.4, 1.2), rng.normal(0, 0.4), rng.uniform(0.2, 0.9)
    for z in -np.sort(-np.exp(rng.uniform(np.log(0.8), np.log(12), rng.integers(20, 60)))):
        x = gap * np.round(rng.normal(0, 3)) + z * np.tan(turn) if rows else rng.normal(0, 0.5 * z)
        x += rng.normal(0, 0.05)
        make = random_plant if rng.random() < 0.8 else random_shape
        draw_shape(canvas, make(material, rng), float(x), float(z), rng, heights=(big / 2, big), foot=1.0)
    return canvas


def _foliage(stock: Stock, rng: Rng) -> Canvas:
    """Leaves and branches at all distances that fill the picture."""
    canvas = _ground(stock, rng)
    materials = [stock.material(rng) for _ in range(3)]
    for z in -np.sort(-np.exp(rng.uniform(np.log(0.7), np.log(6), rng.integers(15, 50)))):
        shade = rng.uniform(0.4, 1.1)
        plant = random_plant((shade * materials[rng.integers(3)]).astype(np.float32), rng)
        x, foot = rng.uniform(-0.7, 0.7) * z, float(rng.uniform(-0.2, 1.0 + 0.3 * z))
        draw_shape(canvas, plant, float(x), float(z), rng, heights=(0.3, 1.5), foot=min(foot, 1.0))
    return canvas


def _buildings(stock: Stock, rng: Rng) -> Canvas:
    """Large boxes before the sky, with people and things in the street."""
    canvas = _ground(stock, rng, pitch=rng.normal(-0.05, 0.12))
    for _ in range(rng.integers(1, 6)):
        z = rng.uniform(5, 25)
        draw_box(canvas, stock.material(rng), float(rng.normal(0, 0.6) * z), float(z), rng, sizes=(1.0, 4.0))
    for _ in range(rng.integers(0, 5)):
        x, z = spot(canvas, rng)
        draw_shape(canvas, stock.subject(rng), x, z, rng)
    return canvas


def _table(stock: Stock, rng: Rng) -> Canvas:
    """Things on a table or on the floor, seen from above."""
    canvas = _ground(stock, rng, pitch=rng.uniform(0.5, 1.4))
    for _ in range(rng.integers(2, 14)):
        x, z = spot(canvas, rng)
        if rng.random() < 0.6:
            draw_box(canvas, stock.material(rng), x, z, rng, sizes=(0.03, 0.25))
        else:
            draw_shape(canvas, random_shape(stock.material(rng), rng), x, z, rng, heights=(0.1, 0.5), foot=1.0)
    return canvas


KINDS: dict[str, Callable[[Stock, Rng], Canvas]] = {
    "mixed": _mixed,
    "row": _row,
    "clutter": _clutter,
    "field": _field,
    "foliage": _foliage,
    "buildings": _buildings,
    "table": _table,
}


def write_scenes(numbers: range, kind: str, labels: Path, out: Path) -> int:
    """Scenes of these numbers, each from its own seed, those excepted that are there. Returns how many."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(numbers.start)
    paths = sorted(labels.glob("*.npz"))
    chosen = [load_label(paths[i]) for i in rng.permutation(len(paths))[:400]]
    stock = Stock(chosen, [s for s in chosen if 0.03 < (s.subject > 127).mean() < 0.6])
    for number in numbers:
        path = out / f"{kind}__{number:05d}.npz"
        if not path.exists():
            scene = make_scene(kind, stock, np.random.default_rng((7, number)))
            np.savez(path, rgb=scene.rgb, disparity=scene.disparity.astype(np.float16))
    return len(numbers)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("labels", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--kind", choices=KINDS, default="mixed")
    parser.add_argument("--count", type=int, default=2000)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    parts = [range(k, min(k + 250, args.count)) for k in range(0, args.count, 250)]
    with ProcessPoolExecutor() as pool:
        done = sum(pool.map(partial(write_scenes, kind=args.kind, labels=args.labels, out=args.out), parts))
    print(f"{done} {args.kind} scenes in {args.out}")


if __name__ == "__main__":
    main()
