"""How straight thin straight things stay when a camera moves: `python -m benchmarks.wires PHOTO...`.

Wires, poles, fences and masts are drawn over photos, so that it is known where they are. A straight thing in space has
a disparity that is affine along its picture; what is off from that bends by so many pixels.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.coverage import find_photos
from benchmarks.table import add_json_option, note, print_rows

Float = npt.NDArray[np.float64]
UInt8 = npt.NDArray[np.uint8]
Thing = tuple[tuple[float, float], tuple[float, float], float]
"""Two ends, x and y in widths and heights of the picture, and how wide it is, of the long side."""

SIDE_PX = 960
BENT_PX = 2.0
SHORTEST_PX = 40
FINE = 4  # times as fine are things drawn
SEEN = 40  # levels of 255 by which a thing must differ from what it hides
COLOURS = ((20, 20, 25), (40, 40, 45), (225, 225, 220), (90, 60, 40), (150, 150, 155))


def wires(pick: random.Random) -> list[Thing]:
    y, slope = pick.uniform(0.1, 0.6), pick.uniform(-0.4, 0.4)
    starts = [y + k * pick.uniform(0.03, 0.07) for k in range(pick.randint(1, 4))]
    return [((0, start), (1, start + slope), pick.uniform(0.0015, 0.004)) for start in starts]


def poles(pick: random.Random) -> list[Thing]:
    feet = [pick.uniform(0.1, 0.9) for _ in range(pick.randint(1, 3))]
    return [
        ((x, 1), (x + pick.uniform(-0.03, 0.03), pick.uniform(0.05, 0.5)), pick.uniform(0.004, 0.012)) for x in feet
    ]


def fence(pick: random.Random) -> list[Thing]:
    left, right, top = pick.uniform(0, 0.4), pick.uniform(0.6, 1), pick.uniform(0.3, 0.7)
    posts = np.linspace(left, right, pick.randint(4, 9)).tolist()
    return [((left, top), (right, top), 0.005), *(((x, 1), (x, top), pick.uniform(0.003, 0.006)) for x in posts)]


def mast(pick: random.Random) -> list[Thing]:
    x, y, width = pick.uniform(0.2, 0.8), pick.uniform(0.05, 0.3), pick.uniform(0.003, 0.006)
    stays: list[Thing] = [((x, y), (x + side * pick.uniform(0.1, 0.3), 0.95), width * 0.6) for side in (-1, 1)]
    return [((x, 0.95), (x, y), width * 1.6), *stays]


KINDS = {kind.__name__: kind for kind in (wires, poles, fence, mast)}


def draw(rgb: UInt8, things: list[Thing], colour: tuple[int, int, int]) -> UInt8:
    """The photo with the things in front."""
    h, w = rgb.shape[:2]
    fine = np.zeros((h * FINE, w * FINE), np.uint8)
    for start, end, width in things:
        first, last = ((round(x * w * FINE), round(y * h * FINE)) for x, y in (start, end))
        cv2.line(fine, first, last, 255, max(1, round(width * max(h, w) * FINE)), cv2.LINE_AA)
    share = cv2.resize(fine, (w, h), interpolation=cv2.INTER_AREA)[..., None] / 255
    return np.rint(rgb * (1 - share) + np.array(colour) * share).astype(np.uint8)


def bends_px(disparity: npt.NDArray[np.float32], seen: npt.NDArray[np.bool_], thing: Thing, budget_px: float) -> Float:
    """(N,) how far a move bends a thing, at the pixels of its axis at which it is `seen` (H, W)."""
    size = np.array(disparity.shape[::-1])
    start, end = (np.array(point) * size for point in thing[:2])
    place = np.linspace(0, 1, int(np.linalg.norm(end - start)) + 1)
    at = np.floor(start + place[:, None] * (end - start)).astype(int)
    inside = ((at >= 2) & (at < size - 2)).all(1)
    at, place = at[inside], place[inside]
    shown = seen[at[:, 1], at[:, 0]]
    if shown.sum() < SHORTEST_PX:
        return np.zeros(0)
    level = disparity[at[:, 1], at[:, 0]][shown] * float(budget_px)
    x = np.stack([np.ones(shown.sum()), place[shown]], 1)
    off = level - level.mean()
    for _ in range(40):  # the line that most of it is on
        weight = np.sqrt(1 / np.maximum(np.abs(off), 0.2))
        off = level - x @ np.linalg.lstsq(x * weight[:, None], level * weight, rcond=None)[0]
    return np.abs(off)


def measure_photo(file: Path, seed: int) -> Iterator[dict[str, Any]]:
    """What a thing of each kind bends by, in the sharp depth map and in the layers."""
    from inpaint.edges import sharpen
    from photo3d_video import pipeline
    from photo3d_video.depth.builtin import estimate_depth
    from photo3d_video.photo import load_photo

    photo = load_photo(file)
    scale = SIDE_PX / max(photo.rgb.shape[:2])
    rgb = cv2.resize(
        photo.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    )
    rgb = np.ascontiguousarray(rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2]).astype(np.uint8)
    size = rgb.shape[1], rgb.shape[0]
    for kind, things_of in KINDS.items():
        pick = random.Random(f"{seed} {kind}")
        things = things_of(pick)
        drawn = draw(rgb, things, pick.choice(COLOURS))
        seen = np.abs(drawn.astype(int) - rgb).max(-1) > SEEN
        with_things = replace(photo, rgb=drawn)
        depth = estimate_depth(drawn)
        picture = pipeline.frame_picture(with_things, depth, pipeline.place(with_things, depth, size))
        budget_px = pipeline.parallax_budget_px(*size, 1.0)
        layers = pipeline.make_layers(picture, budget_px, fill="fast")
        inside = np.s_[layers.border_px : -layers.border_px]
        maps = {
            "depth": sharpen(picture.disparity, picture.rgb, budget_px),
            "layers": layers.layers[0].disparity[inside, inside],
        }
        for name, disparity in maps.items():
            bends = np.concatenate([bends_px(disparity, seen, thing, budget_px) for thing in things])
            yield {"kind": kind, "map": name, "bent": int((bends > BENT_PX).sum()), "length": len(bends)}
        note(f"{file.name} {kind}")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wires", description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="photo, or folder of photos")
    add_json_option(parser)
    args = parser.parse_args()
    found = [row for seed, file in enumerate(find_photos(args.photos)) for row in measure_photo(file, seed)]
    rows = []
    for kind in (*KINDS, "all"):
        for name in ("depth", "layers"):
            of = [row for row in found if row["map"] == name and kind in (row["kind"], "all")]
            length = sum(row["length"] for row in of)
            rows.append({"kind": kind, "map": name, "bent_share": sum(row["bent"] for row in of) / max(length, 1)})
    print_rows(rows, args.json)


if __name__ == "__main__":
    main()
