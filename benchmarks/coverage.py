"""Whether a clip shows holes, its picture is the photo, and its subject stays in: `python -m benchmarks.coverage`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.framing import Sheet, subject_in_frame
from benchmarks.metrics import psnr, sharpness
from benchmarks.table import add_json_option, note, parse_size, print_rows
from camera_paths import PRESETS, CameraPath, View, reach_px, relative_parallax_px
from render.specks import speck_limit, specks

if TYPE_CHECKING:
    from photo3d_video.depth.builtin import DepthMap
    from photo3d_video.photo import Photo
    from photo3d_video.pipeline import Picture
    from render.renderer import Renderer
    from render.scene import Scene

UInt8 = npt.NDArray[np.uint8]

FRAMES = 24  # looked at per path, besides those that move farthest
COVERED = 230  # of 255: blending in 8 bits loses a few levels, a real hole has none
STILL = (np.eye(4), 1.0, np.zeros(2))  # the source view
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".heic", ".avif")


def uncovered_share(frame: UInt8) -> float:
    """Share of the pixels of an RGBA frame that no surface covers."""
    return float((frame[..., 3] < COVERED).mean())


def without_layer(scene: Scene, number: int) -> Scene:
    """The scene without the triangles of one layer."""
    opaque, soft = (triangles[scene.texcoord[triangles[:, 0], 2] != number] for triangles in (scene.opaque, scene.soft))
    return replace(scene, opaque=opaque, soft=soft)


def worst_frames(path: CameraPath, view: View) -> list[int]:
    """Frames of a path worth looking at: evenly spread, and those that open the widest gaps and look farthest out."""
    spread = np.linspace(0, len(path) - 1, min(FRAMES, len(path))).round().astype(int)
    extremes = [int(measure(path, view).argmax()) for measure in (relative_parallax_px, reach_px)]
    return sorted({*spread.tolist(), *extremes})


def draw(renderer: Renderer, path: CameraPath, frame: int) -> UInt8:
    """One frame of a path as (H, W, 4) colour and coverage."""
    renderer.draw(path.world_to_camera[frame], float(path.focal_factor[frame]), path.shift[frame])
    return renderer.read(4)


def measure_path(
    renderer: Renderer, without_backdrop: Renderer, path: CameraPath, view: View, picture: Picture
) -> dict[str, float]:
    """The figures of one path."""
    frames = worst_frames(path, view)
    first = draw(renderer, path, 0)[..., :3]
    limit = speck_limit(picture.rgb, view.budget_px)
    looked_at = [draw(renderer, path, k) for k in frames]
    return {
        "uncovered_share": max(map(uncovered_share, looked_at)),
        "speck_px": max(int(specks(frame[..., :3], limit).sum()) for frame in looked_at),
        "sharpness_ratio": sharpness(first) / max(sharpness(picture.rgb), 1e-9),
        "backdrop_share": max(uncovered_share(draw(without_backdrop, path, k)) for k in frames),
        **subject_in_frame(picture, path, view),
    }


def measure_photo(
    context: Any,
    photo: Photo,
    depth: DepthMap,
    aspect: str | None,
    paths: list[str],
    strength: float,
    size: tuple[int, int],
    sheet: Sheet | None = None,
) -> Iterator[dict[str, Any]]:
    """A row per path for one crop of a photo; `sheet` gets a frame of each."""
    from photo3d_video import moves, pipeline
    from photo3d_video.gaps import close_gaps
    from photo3d_video.output.formats import DEFAULT_FPS
    from render.renderer import Renderer

    picture = pipeline.frame_picture(photo, depth, pipeline.place(photo, depth, size))
    budget_px = pipeline.parallax_budget_px(*size, strength)
    view = pipeline.make_view(picture, budget_px)
    layers = pipeline.make_layers(picture, budget_px)
    scene = close_gaps(context, picture, layers, pipeline.make_scene(picture, layers))
    bare = without_layer(scene, len(layers.layers) - 1)
    name = photo.path.name if photo.path else ""
    with (
        Renderer(context, scene, scene.width_px, scene.height_px) as renderer,
        Renderer(context, bare, scene.width_px, scene.height_px) as without_backdrop,
    ):
        renderer.draw(*STILL)
        identity = psnr(renderer.read(), picture.rgb)
        for path_name in paths:
            path = moves.make_path(path_name, view, moves.frame_count(path_name, None, DEFAULT_FPS))
            figures = measure_path(renderer, without_backdrop, path, view, picture)
            if sheet is not None:
                widest = int(relative_parallax_px(path, view).argmax())
                sheet.add(f"{name} {aspect or ''} {path_name}", draw(renderer, path, widest)[..., :3])
            note(f"{name} {aspect or ''} {path_name}")
            yield {
                "photo": name,
                "path": path_name,
                "aspect": aspect or "source",
                "identity_psnr_db": identity,
            } | figures


def measure_all(context: Any, args: argparse.Namespace, sheet: Sheet | None) -> Iterator[dict[str, Any]]:
    """A row per photo, aspect and path."""
    from photo3d_video.depth.builtin import estimate_depth
    from photo3d_video.framing import clip_size
    from photo3d_video.output.formats import shrink
    from photo3d_video.photo import load_photo

    paths = list(PRESETS) if args.path == "all" else args.path.split(",")
    for file in find_photos(args.photos):
        photo = load_photo(file)
        depth = estimate_depth(photo.rgb)
        for aspect in args.aspect.split(",") if args.aspect else [None]:
            size = args.size or clip_size(photo.rgb.shape[1], photo.rgb.shape[0], aspect)
            if args.side is not None:
                size = shrink(size, args.side)
            yield from measure_photo(context, photo, depth, aspect, paths, args.strength, size, sheet)


def find_photos(given: list[Path]) -> list[Path]:
    """The photos among files and folders."""
    found = []
    for path in given:
        if path.is_dir():
            found += sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURES)
        else:
            found.append(path)
    return found


def main() -> None:
    from photo3d_video.pipeline import open_context

    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage", description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="photo, or folder of photos")
    parser.add_argument("--path", default="dolly-zoom", help="camera paths, or `all` presets (default: %(default)s)")
    parser.add_argument("--strength", type=float, default=1.0, help="of the camera move (default: %(default)s)")
    parser.add_argument("--aspect", metavar="LIST", help="crops to look at, e.g. 9:16,1:1,16:9 (default: the photo's)")
    parser.add_argument("--size", type=parse_size, metavar="WxH", help="of the clip (default: as the command)")
    parser.add_argument("--side", type=int, metavar="PX", help="long side of the clip at most")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="write the widest frame of each row to look at")
    add_json_option(parser)
    args = parser.parse_args()
    sheet = Sheet() if args.sheet else None
    with open_context() as context:
        rows = list(measure_all(context, args, sheet))
    if sheet is not None:
        sheet.write(args.sheet, columns=len(PRESETS) if args.path == "all" else len(args.path.split(",")))
    print_rows(rows, args.json)


if __name__ == "__main__":
    main()
