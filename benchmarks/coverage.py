"""Whether a clip shows holes, and whether its picture is the photo: `python -m benchmarks.coverage PHOTO...`."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from benchmarks.metrics import psnr, sharpness
from benchmarks.table import add_json_option, note, parse_size, print_rows
from camera_paths import PRESETS, CameraPath, View, reach_px, relative_parallax_px

if TYPE_CHECKING:
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
    return {
        "uncovered_share": max(uncovered_share(draw(renderer, path, k)) for k in frames),
        "backdrop_share": max(uncovered_share(draw(without_backdrop, path, k)) for k in frames),
        "sharpness_ratio": sharpness(first) / max(sharpness(picture.rgb), 1e-9),
    }


def measure_photo(
    context: Any, photo_file: Path, paths: list[str], strength: float, size: tuple[int, int] | None
) -> Iterator[dict[str, Any]]:
    """A row per path."""
    from photo3d_video import pipeline, run
    from photo3d_video.depth.builtin import estimate_depth
    from photo3d_video.formats import DEFAULT_FPS
    from photo3d_video.framing import frame_photo
    from photo3d_video.photo import load_photo
    from render.renderer import Renderer

    photo = load_photo(photo_file)
    framing = frame_photo(photo.rgb.shape[1], photo.rgb.shape[0], size)
    picture = pipeline.frame_picture(photo, estimate_depth(photo.rgb), framing)
    budget_px = pipeline.parallax_budget_px(framing.width_px, framing.height_px, strength)
    view = pipeline.make_view(picture, budget_px)
    layers = pipeline.make_layers(picture, budget_px)
    scene = pipeline.make_scene(picture, layers)
    bare = without_layer(scene, len(layers.layers) - 1)
    with (
        Renderer(context, scene, scene.width_px, scene.height_px) as renderer,
        Renderer(context, bare, scene.width_px, scene.height_px) as without_backdrop,
    ):
        renderer.draw(*STILL)
        identity = psnr(renderer.read(), picture.rgb)
        for name in paths:
            n_frames = run.frame_count(name, None, DEFAULT_FPS)
            path = pipeline.make_path(name, view, n_frames)
            figures = measure_path(renderer, without_backdrop, path, view, picture)
            note(f"{photo_file.name} {name}")
            yield {
                "photo": photo_file.name,
                "path": name,
                "uncovered_share": figures["uncovered_share"],
                "identity_psnr_db": identity,
                "sharpness_ratio": figures["sharpness_ratio"],
                "backdrop_share": figures["backdrop_share"],
            }


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
    parser.add_argument("--path", default="dolly-zoom", help="camera path, or `all` presets (default: %(default)s)")
    parser.add_argument("--strength", type=float, default=1.0, help="of the camera move (default: %(default)s)")
    parser.add_argument("--size", type=parse_size, metavar="WxH", help="of the clip (default: as the command)")
    add_json_option(parser)
    args = parser.parse_args()
    paths = list(PRESETS) if args.path == "all" else [args.path]
    with open_context() as context:
        rows = [
            row
            for photo in find_photos(args.photos)
            for row in measure_photo(context, photo, paths, args.strength, args.size)
        ]
    print_rows(rows, args.json)


if __name__ == "__main__":
    main()
