"""How straight thin straight things stay when a camera moves: `python -m benchmarks.wires PHOTO...`.

Wires, poles, fences and masts are drawn over photos, so that it is known where they are. A straight thing in space has
a disparity that is affine along its picture; what is off from that bends by so many pixels. What is thin must not be
torn, either: neighbouring pixels of it stay linked.
"""

from __future__ import annotations

import argparse
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.coverage import find_photos
from benchmarks.table import add_json_option, note, print_rows

if TYPE_CHECKING:
    from photo3d_video.photo import Photo

Float = npt.NDArray[np.float64]
Bool = npt.NDArray[np.bool_]
UInt8 = npt.NDArray[np.uint8]
Thing = tuple[tuple[float, float], tuple[float, float], float]
"""Two ends, x and y in widths and heights of the picture, and how wide it is, of the long side."""

SIDE_PX = 960
BENT_PX = 2.0
SHORTEST_PX = 40
FINE = 4  # times as fine are things drawn
WHOLLY = 0.9  # a pixel is a thing's if that covers so much of it, or is so likely
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


def cover(shape: tuple[int, int], things: list[Thing]) -> Float:
    """(H, W) how much in 0..1 of each pixel the things cover."""
    h, w = shape
    fine = np.zeros((h * FINE, w * FINE), np.uint8)
    for start, end, width in things:
        first, last = ((round(x * w * FINE), round(y * h * FINE)) for x, y in (start, end))
        cv2.line(fine, first, last, 255, max(1, round(width * max(h, w) * FINE)), cv2.LINE_AA)
    return np.asarray(cv2.resize(fine, (w, h), interpolation=cv2.INTER_AREA) / 255)


def draw(rgb: UInt8, share: Float, colour: tuple[int, int, int]) -> UInt8:
    """The photo (H, W, 3) with things of this colour in front, which cover so much (H, W) of each pixel."""
    return np.rint(rgb * (1 - share[..., None]) + np.array(colour) * share[..., None]).astype(np.uint8)


def bends_px(disparity: npt.NDArray[np.float32], seen: Bool, thing: Thing, budget_px: float) -> Float:
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


def torn_links(right: Bool, down: Bool, where: Bool) -> tuple[int, int, int]:
    """How many links between pixels `where` (H, W) are torn, over how many pixels the longest tear goes there, and how
    many links there are; `right` (H, W - 1) and `down` (H - 1, W) tell which are whole.
    """
    across, along = where[:, 1:] & where[:, :-1], where[1:] & where[:-1]
    torn = across & ~right, along & ~down
    at = np.zeros(where.shape, np.uint8)
    at[:, :-1] |= torn[0]
    at[:-1] |= torn[1]
    stats = cv2.connectedComponentsWithStats(at, connectivity=8)[2][1:]
    longest = stats[:, [cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT]].max(initial=0)
    return int(torn[0].sum() + torn[1].sum()), int(longest), int(across.sum() + along.sum())


@dataclass(frozen=True)
class Cut:
    """A picture of (H, W) pixels, cut into layers."""

    sharp: npt.NDArray[np.float32]  # (H, W) disparity, its edges sharp
    front: npt.NDArray[np.float32]  # (H, W) disparity of the front layer
    right: Bool  # (H, W - 1) its links
    down: Bool  # (H - 1, W)
    thin: npt.NDArray[np.float32]  # (H, W) how likely a thin thing is there
    budget_px: float


def cut(photo: Photo, rgb: UInt8) -> Cut:
    """The picture `rgb` (H, W, 3) with what belongs to a photo, cut as by the command."""
    from inpaint.edges import sharpen
    from inpaint.sight import Sight
    from photo3d_video import pipeline
    from photo3d_video.depth.builtin import estimate_depth

    size = rgb.shape[1], rgb.shape[0]
    shown, depth = replace(photo, rgb=rgb), estimate_depth(rgb)
    picture = pipeline.frame_picture(shown, depth, pipeline.place(shown, depth, size))
    budget_px = pipeline.parallax_budget_px(*size, 1.0)
    layers = pipeline.make_layers(picture, budget_px, fill="fast")
    inside, links = slice(layers.border_px, -layers.border_px), layers.layers[0].links
    sight = Sight(picture.rgb, picture.disparity)
    return Cut(
        sharpen(sight, budget_px),
        layers.layers[0].disparity[inside, inside],
        links.right[inside, inside],
        links.down[inside, inside],
        np.asarray(cv2.resize(sight.thin, size)),
        budget_px,
    )


def measure_photo(file: Path, seed: int) -> Iterator[dict[str, Any]]:
    """How much of a thing of each kind bends, in the sharp depth map and in the layers, and is torn in those; and of
    what the network takes for thin in the photo itself.
    """
    from photo3d_video.photo import load_photo

    photo = load_photo(file)
    scale = SIDE_PX / max(photo.rgb.shape[:2])
    rgb = cv2.resize(
        photo.rgb, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    )
    rgb = np.ascontiguousarray(rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2]).astype(np.uint8)
    for kind, things_of in KINDS.items():
        pick = random.Random(f"{seed} {kind}")
        things = things_of(pick)
        share = cover(rgb.shape[:2], things)
        drawn = draw(rgb, share, pick.choice(COLOURS))
        seen = np.abs(drawn.astype(int) - rgb).max(-1) > SEEN
        made = cut(photo, drawn)
        for name, disparity in (("depth", made.sharp), ("layers", made.front)):
            bends = np.concatenate([bends_px(disparity, seen, thing, made.budget_px) for thing in things])
            yield {"kind": kind, "map": name, "bent": int((bends > BENT_PX).sum()), "length": len(bends)}
        yield _torn(kind, made, seen & (share > WHOLLY))
        note(f"{file.name} {kind}")
    made = cut(photo, rgb)
    yield _torn("photo", made, made.thin > WHOLLY)
    note(file.name)


def _torn(kind: str, made: Cut, where: Bool) -> dict[str, Any]:
    torn, longest, links = torn_links(made.right, made.down, where)
    return {"kind": kind, "map": "layers", "torn": torn, "longest": longest, "links": links}


def _share(rows: list[dict[str, Any]], some: str, every: str) -> float:
    """NaN where there is nothing."""
    total = sum(row.get(every, 0) for row in rows)
    return sum(row.get(some, 0) for row in rows) / total if total else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wires", description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="photo, or folder of photos")
    add_json_option(parser)
    args = parser.parse_args()
    found = [row for seed, file in enumerate(find_photos(args.photos)) for row in measure_photo(file, seed)]
    kinds = {kind: {kind} for kind in KINDS} | {"all": set(KINDS), "photo": {"photo"}}
    rows = []
    for kind, members in kinds.items():
        for name in ("layers",) if kind == "photo" else ("depth", "layers"):
            of = [row for row in found if row["map"] == name and row["kind"] in members]
            bent, torn = _share(of, "bent", "length"), _share(of, "torn", "links")
            longest = max((row["longest"] for row in of if "longest" in row), default=float("nan"))
            rows.append({"kind": kind, "map": name, "bent_share": bent, "torn_share": torn, "longest_torn_px": longest})
    print_rows(rows, args.json)


if __name__ == "__main__":
    main()
