"""Rendered views against real ones, with true depth: `python -m benchmarks.view_synthesis DIR`."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.metrics import psnr, ssim_map
from benchmarks.table import add_json_option, note, print_rows

if TYPE_CHECKING:
    from inpaint.fill import Fill

UInt8 = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]

METRICS = ("psnr_all", "ssim_all", "psnr_visible", "psnr_disoccluded", "ssim_disoccluded")
LANDS_PX = 0.5  # a right pixel is visible in the left picture if a left pixel lands this close to its centre


@dataclass(frozen=True)
class StereoScene:
    """A rectified pair: the left picture's column x is the right picture's column x - disparity."""

    name: str
    left: UInt8  # (H, W, 3) sRGB
    right: UInt8  # (H, W, 3) sRGB
    disparity_px: Float  # (H, W) of the left picture, 0 = unknown


def read_scene(folder: Path) -> StereoScene:
    left, right = (cv2.imread(str(folder / f"{side}.png")) for side in ("left", "right"))
    raw = cv2.imread(str(folder / "disparity.png"), cv2.IMREAD_UNCHANGED)
    if left is None or right is None or raw is None or not left.shape == right.shape == (*raw.shape, 3):
        raise SystemExit(f"{folder} needs left.png, right.png and disparity.png of one size")
    return StereoScene(
        folder.name,
        np.ascontiguousarray(left[..., ::-1]).astype(np.uint8),
        np.ascontiguousarray(right[..., ::-1]).astype(np.uint8),
        raw.astype(np.float32) / 256,
    )


def fill_unknown(disparity_px: Float) -> Float:
    """Unknown pixels (0) take the farther of the next known values in their row: what stereo misses is mostly behind.

    Rows that know nothing take the nearest row that does.
    """
    known = disparity_px > 0
    if not known.any():
        raise ValueError("no pixel of the disparity map is known")
    h, w = disparity_px.shape
    column = np.arange(w)
    before = np.maximum.accumulate(np.where(known, column, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, column, w)[:, ::-1], axis=1)[:, ::-1]
    row = np.arange(h)[:, None]
    from_left = np.where(before >= 0, disparity_px[row, before], np.inf)
    from_right = np.where(after < w, disparity_px[row, np.minimum(after, w - 1)], np.inf)
    filled = np.minimum(from_left, from_right)
    rows = np.flatnonzero(known.any(1))
    nearest = rows[np.abs(np.arange(h)[:, None] - rows).argmin(1)]
    return filled[nearest].astype(np.float32)


def disoccluded(disparity_px: Float) -> Bool:
    """(H, W) pixels of the right picture on which no known pixel of the left picture lands."""
    h, w = disparity_px.shape
    y, x = np.nonzero(disparity_px > 0)
    landing = x - disparity_px[y, x]
    seen = np.zeros((h, w), bool)
    # A landing halfway between two pixels is within half a pixel of both.
    for column in (np.ceil(landing - LANDS_PX), np.floor(landing + LANDS_PX)):
        inside = (column >= 0) & (column < w)
        seen[y[inside], column[inside].astype(int)] = True
    return ~seen


def render_right(context: Any, scene: Any, shift_px: float) -> UInt8:
    """The view of a camera so far to the right that a surface at inverse depth 1 moves left by `shift_px`."""
    from render.renderer import Renderer

    pose = np.eye(4)
    pose[0, 3] = -shift_px / scene.focal_px
    with Renderer(context, scene, scene.width_px, scene.height_px) as renderer:
        renderer.draw(pose, 1.0, np.zeros(2))
        return renderer.read()


def layered_scene(left: UInt8, disparity: Float, budget_px: float, fill: Fill) -> Any:
    """The product's scene: layers behind tears, painted by `fill`. `disparity` (H, W) in 0..1."""
    from inpaint.edges import sharpen
    from inpaint.layers import build_layers
    from inpaint.sight import Sight
    from photo3d_video.pipeline import Picture, make_scene

    sight = Sight(left, disparity)
    layers = build_layers(left, sharpen(sight, budget_px), budget_px, fill, sight)
    return make_scene(Picture(left, disparity, None, focal_px=float(left.shape[1])), layers)


def stretched_scene(left: UInt8, disparity: Float, budget_px: float) -> Any:
    """The baseline: one sheet without tears, which stretches over what it should uncover."""
    from inpaint.canvas import extend
    from inpaint.tears import Links
    from render.mesh import Surface, build_mesh
    from render.scene import build_scene

    border = int(np.ceil(budget_px)) + 1
    q = extend(disparity, border)
    links = Links.all(q.shape)
    opaque = np.ones_like(q)
    mesh = build_mesh(Surface(q, links.right, links.down, opaque > 0), opaque, budget_px)
    rgba = np.dstack([left, np.full(left.shape[:2], 255, np.uint8)])
    texture = np.pad(rgba, ((border, border), (border, border), (0, 0)), mode="edge")
    return build_scene([mesh], border, 1.0, texture[None], border, float(left.shape[1]), budget_px)


def compare(rendered: UInt8, scene: StereoScene) -> dict[str, float]:
    """The `METRICS` of a rendered right picture."""
    hidden = disoccluded(scene.disparity_px)
    similarity = ssim_map(rendered, scene.right)
    return {
        "psnr_all": psnr(rendered, scene.right),
        "ssim_all": float(similarity.mean()),
        "psnr_visible": psnr(rendered, scene.right, ~hidden),
        "psnr_disoccluded": psnr(rendered, scene.right, hidden),
        "ssim_disoccluded": float(similarity[hidden].mean()) if hidden.any() else float("nan"),
    }


def evaluate(context: Any, scenes: list[StereoScene]) -> list[dict[str, Any]]:
    """A row per method."""
    from inpaint.fill import FILLS

    scores: dict[str, list[dict[str, float]]] = {name: [] for name in (*FILLS, "stretched")}
    for scene in scenes:
        filled = fill_unknown(scene.disparity_px)
        widest_px = float(filled.max())
        q = (filled / widest_px).astype(np.float32)
        for name in scores:
            note(f"{scene.name}: {name}")
            if name == "stretched":
                made = stretched_scene(scene.left, q, widest_px)
            else:
                made = layered_scene(scene.left, q, widest_px, FILLS[name])
            scores[name].append(compare(render_right(context, made, widest_px), scene))
    return [
        {"method": name, "n": len(found), **{m: float(np.nanmean([s[m] for s in found])) for m in METRICS}}
        for name, found in scores.items()
    ]


def main() -> None:
    from inpaint.network_fill import WEIGHTS, load_network
    from photo3d_video.depth.builtin import without_triton
    from photo3d_video.pipeline import open_context

    parser = argparse.ArgumentParser(prog="python -m benchmarks.view_synthesis", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="stereo set: a folder of scenes, or one scene")
    parser.add_argument("--scenes", type=int, metavar="N", help="only the first N scenes")
    add_json_option(parser)
    args = parser.parse_args()
    folders = sorted(p.parent for p in args.folder.rglob("left.png"))[: args.scenes]
    if not folders:
        parser.error(f"{args.folder} holds no folder with left.png, right.png and disparity.png")
    with without_triton():
        load_network(WEIGHTS)  # before OpenGL
    with open_context() as context:
        rows = evaluate(context, [read_scene(folder) for folder in folders])
    print_rows(rows, args.json)


if __name__ == "__main__":
    main()
