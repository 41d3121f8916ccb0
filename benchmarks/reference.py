"""The published clips of 3D Photo Inpainting beside ours of the same moves: `python -m benchmarks.reference DIR`.

The camera moves are those of the reference's path planning (Shih et al., CVPR 2020, `utils.py` and `argument.yml` of
its code): straight through the photo's own camera, or two rounds sideways while it goes forward and back once.
"""

from __future__ import annotations

import argparse
import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.coverage import uncovered_share
from benchmarks.framing import Sheet
from benchmarks.table import add_json_option, note, print_rows
from camera_paths import CameraPath, View, project, reach_px, relative_parallax_px

if TYPE_CHECKING:
    from photo3d_video.pipeline import Picture

UInt8 = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float64]

FRAMES, FPS = 240, 40.0
NEAREST, FARTHEST = 1 / 3, 20.0  # depth of the reference's scene, whose nearest surface is at 1 here
CROP = (0.03, 0.03, 0.05, 0.03)  # it cuts off so much of its frames: top, left, bottom, right; and stretches the rest
GREY, GREY_LEVELS = 128, 4  # what it shows where nothing is
TIMES = (0.02, 0.25, 0.5, 0.75, 0.98)  # of the clip: frames that are measured
SHOWN = (0.02, 0.5, 0.98)
INSIDE = 0.1  # sharpness and flicker leave out so much at each border
CELL_PX, CLOSE_PX, CLOSE_UPS = 300, 100, 3


@dataclass(frozen=True)
class Move:
    """One of the reference's presets."""

    rounds: bool  # on a circle, else straight from -amplitude to amplitude
    amplitude: tuple[float, float, float]  # x right, y down, z forward, of the reference's units
    holds_centre: bool = False  # the focal length keeps what is at the picture's centre at its size


# As measured in the published clips: sideways it is a third more than the published settings' 0.015.
MOVES = {
    "zoom-in": Move(False, (0, 0, 0.05)),
    "dolly-zoom-in": Move(False, (0, 0, 0.05), holds_centre=True),
    "swing": Move(True, (0.02, 0, 0.05)),
    "circle": Move(True, (0.02, 0.02, 0.05)),
}


def scene_disparity(raw: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float32]:
    """The reference's inverse depth of a disparity map (h, w) of any range, NEAREST / FARTHEST..1 in our units."""
    q = cv2.blur(raw.astype(np.float32) - np.float32(raw.min()), (3, 3))
    return np.maximum(q / q.max(), NEAREST / FARTHEST, dtype=np.float32)


def reference_path(move: Move, centre_disparity: float, view: View) -> CameraPath:
    """The cameras of a preset of the reference, whose principal point is shifted to the middle of its crop."""
    turn = np.linspace(-2, 2, FRAMES, endpoint=False)
    phase = np.linspace(-1, 1, FRAMES)
    if move.rounds:
        course = np.stack([np.cos(np.pi * turn), np.sin(np.pi * turn), np.cos(np.pi * turn / 2)], 1)
    else:
        course = np.stack([phase] * 3, 1)
    position = course * np.array(move.amplitude) / NEAREST
    world_to_camera = np.tile(np.eye(4), (FRAMES, 1, 1))
    world_to_camera[:, :3, 3] = -position
    focal = 1 - position[:, 2] * centre_disparity if move.holds_centre else np.ones(FRAMES)
    top, left, bottom, right = CROP
    whole = 2 * view.half_extent / np.array([1 - left - right, 1 - top - bottom])
    shift = whole * np.array([right - left, bottom - top]) / 2
    return CameraPath(world_to_camera, focal, np.tile(shift, (FRAMES, 1)))


def reference_view(size: tuple[int, int], focal_px: float) -> View:
    """The reference's crop of the picture, without the budget; that is found from its moves."""
    top, left, bottom, right = CROP
    width, height = round(size[0] * (1 - left - right)), round(size[1] * (1 - top - bottom))
    return View(width - width % 2, height - height % 2, focal_px, 0.0, 1.0)


def sharpness_of(rgb: UInt8) -> float:
    """Mean squared gradient of the brightness of a frame (H, W, 3), its border left out."""
    grey = _inside(rgb.astype(np.float32).mean(-1))
    return float((np.diff(grey, axis=0) ** 2).mean() + (np.diff(grey, axis=1) ** 2).mean())


def grey_share(rgb: UInt8) -> float:
    """Share of pixels of a frame (H, W, 3) that belong to grey areas at its border, where the reference has nothing."""
    return float(grey_border(rgb).mean())


def grey_border(rgb: UInt8) -> npt.NDArray[np.bool_]:
    """(H, W) pixels of the reference's background grey, in areas that touch the border."""
    grey = (np.abs(rgb.astype(np.int16) - GREY) <= GREY_LEVELS).all(-1)
    grey = cv2.morphologyEx(grey.astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))  # not in the photo itself
    _, label = cv2.connectedComponents(grey)
    at_border = np.concatenate([label[0], label[-1], label[:, 0], label[:, -1]])
    return np.isin(label, at_border[at_border > 0])


def flow(a: UInt8, b: UInt8) -> npt.NDArray[np.float32]:
    """(H, W, 2) px from each pixel of `a` to where it is in `b`."""
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]
    first, second = (cv2.cvtColor(x, cv2.COLOR_RGB2GRAY) for x in (a, b))
    return np.asarray(finder.calc(first, second, None), np.float32)


def flicker(before: UInt8, frame: UInt8, after: UInt8) -> float:
    """What changes from frame to frame besides motion, root mean square of levels: the frame against the mean of its
    neighbours, both moved onto it. Where motion cannot be found (the highest tenth) does not count."""
    h, w = frame.shape[:2]
    grid = np.stack(np.meshgrid(np.arange(w), np.arange(h)), -1).astype(np.float32)
    moved = [cv2.remap(x, grid + flow(frame, x), None, cv2.INTER_CUBIC) for x in (before, after)]
    error = _inside((frame - (moved[0].astype(np.float32) + moved[1]) / 2).mean(-1)) ** 2
    return math.sqrt(float(error[error <= np.percentile(error, 90)].mean()))


def _inside(plane: npt.NDArray[Any]) -> npt.NDArray[Any]:
    h, w = plane.shape[:2]
    y, x = round(INSIDE * h), round(INSIDE * w)
    return plane[y : h - y, x : w - x]


def read_clip(file: Path, wanted: set[int], size: tuple[int, int]) -> dict[int, UInt8]:
    """The `wanted` frames of a clip, at `size` (width, height)."""
    capture = cv2.VideoCapture(str(file))
    frames: dict[int, UInt8] = {}
    for number in range(max(wanted) + 1):
        known, bgr = capture.read()
        if not known:
            raise SystemExit(f"{file} has no frame {number}: it needs the {FRAMES} frames that the reference renders")
        if number in wanted:
            rgb = np.ascontiguousarray(bgr[..., ::-1])
            frames[number] = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    capture.release()
    return frames


def close_ups(picture: Picture) -> Float:
    """Points (n, 3) on the picture's strongest depth edges, far from one another, scene units."""
    q = picture.disparity
    window = np.ones((3, 3), np.uint8)
    edge = cv2.blur(np.minimum(cv2.dilate(q, window) - cv2.erode(q, window), 0.3), (CLOSE_PX, CLOSE_PX))
    h, w = q.shape
    edge[: h // 8], edge[-h // 8 :], edge[:, : w // 8], edge[:, -w // 8 :] = 0, 0, 0, 0
    points = []
    for _ in range(CLOSE_UPS):
        y, x = np.unravel_index(int(edge.argmax()), edge.shape)
        edge[max(0, y - 2 * CLOSE_PX) : y + 2 * CLOSE_PX, max(0, x - 2 * CLOSE_PX) : x + 2 * CLOSE_PX] = 0
        around = q[max(0, y - 5) : y + 6, max(0, x - 5) : x + 6]
        ray = np.array([(x + 0.5) * picture.rgb.shape[1] / w, (y + 0.5) * picture.rgb.shape[0] / h])
        ray = (ray - np.array(picture.rgb.shape[1::-1]) / 2) / picture.focal_px
        points.append(np.append(ray, 1.0) / float(around.max()))
    return np.array(points)


def load_picture(photo_file: Path, disparity_file: Path, clip_width: int) -> Picture:
    """The photo with the reference's depth, so large that the reference's crop of it is as wide as its clips."""
    from photo3d_video.photo import load_photo
    from photo3d_video.pipeline import Picture

    photo = load_photo(photo_file).rgb
    width = round(clip_width / (1 - CROP[1] - CROP[3]))
    size = (width, round(width * photo.shape[0] / photo.shape[1]))
    disparity = scene_disparity(np.load(disparity_file))
    return Picture(
        np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8),
        np.asarray(cv2.resize(disparity, size, interpolation=cv2.INTER_LINEAR), np.float32),
        None,
        float(max(size)),
    )


def render_clip(renderer: Any, path: CameraPath, file: Path) -> float:
    """Write our clip as the command would; the largest share of a frame's pixels that no surface covers."""
    from photo3d_video.output.encoding import VideoSpec
    from photo3d_video.output.video import VideoWriter

    worst = 0.0
    width, height = renderer.size
    with VideoWriter(file, VideoSpec(width, height, fps=FPS)) as writer:
        for pose, factor, shift in zip(path.world_to_camera, path.focal_factor, path.shift, strict=True):
            renderer.draw(pose, float(factor), shift)
            frame = renderer.read(4)
            worst = max(worst, uncovered_share(frame))
            writer.write(np.ascontiguousarray(frame[..., :3]))
    return worst


def measure(theirs: dict[int, UInt8], ours: dict[int, UInt8], photo: UInt8) -> dict[str, float]:
    """The figures of one move; frames are keyed by number, `photo` (H, W, 3) is the crop that both show at rest."""
    times = [round(t * (FRAMES - 1)) for t in TIMES]
    apart = [float(np.median(np.linalg.norm(flow(theirs[k], ours[k]), axis=-1))) for k in times]
    figures: dict[str, float] = {"apart_px": float(np.mean(apart))}
    for name, frames in (("theirs", theirs), ("ours", ours)):
        figures[f"sharpness_{name}"] = float(np.mean([sharpness_of(frames[k]) for k in times])) / sharpness_of(photo)
        figures[f"flicker_{name}"] = float(np.mean([flicker(*(frames[k + d] for d in (-1, 0, 1))) for k in times]))
    return figures


def show(sheet: Sheet, move: str, frames: dict[str, dict[int, UInt8]], centres: Float, worst: int) -> None:
    """Two rows per time, theirs and ours: the frame, close-ups of silhouettes (N, n, 2) px, and one of the border.

    The border is shown where the frame `worst` of theirs has most grey.
    """
    h, w = frames["theirs"][worst].shape[:2]
    grey = cv2.blur(grey_border(frames["theirs"][worst]).astype(np.float32), (CLOSE_PX, CLOSE_PX))
    y, x = np.unravel_index(int(grey.argmax()), grey.shape) if grey.any() else (h, w)
    for k in (round(t * (FRAMES - 1)) for t in SHOWN):
        for name, clip in frames.items():
            sheet.add(f"{move} {k} {name}", clip[k])
            for centre in (*centres[k], (x, y)):
                left = int(np.clip(centre[0] - CLOSE_PX / 2, 0, w - CLOSE_PX))
                top = int(np.clip(centre[1] - CLOSE_PX / 2, 0, h - CLOSE_PX))
                close = clip[k][top : top + CLOSE_PX, left : left + CLOSE_PX]
                close = np.asarray(cv2.resize(close, (CELL_PX, CELL_PX), interpolation=cv2.INTER_CUBIC), np.uint8)
                sheet.add(name, close)


def compare(context: Any, photo_file: Path, moves: list[str], sheet: Sheet) -> Iterator[dict[str, Any]]:
    """A row per move."""
    from photo3d_video import pipeline
    from photo3d_video.gaps import close_gaps
    from render.renderer import Renderer

    stem = photo_file.with_suffix("")
    clips = {name: Path(f"{stem}_{name}.mp4") for name in moves}
    capture = cv2.VideoCapture(str(clips[moves[0]]))
    picture = load_picture(photo_file, Path(f"{stem}_disparity.npy"), int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)))
    h, w = picture.disparity.shape
    centre = float(picture.disparity[h // 2, w // 2])
    view = reference_view((w, h), picture.focal_px)
    paths = {name: reference_path(MOVES[name], centre, view) for name in moves}
    budget_px = max(float(np.maximum(relative_parallax_px(p, view), reach_px(p, view)).max()) for p in paths.values())
    note(f"parallax budget {budget_px:.0f} px, strength {budget_px / pipeline.parallax_budget_px(w, h, 1):.2f}")
    layers = pipeline.make_layers(picture, budget_px)
    scene = close_gaps(context, picture, layers, pipeline.make_scene(picture, layers))
    size = (view.width_px, view.height_px)
    scene = replace(scene, width_px=size[0], height_px=size[1])  # the frame shows the crop, at the photo's own pixels
    top, left = round(CROP[0] * h), round(CROP[1] * w)
    at_rest = picture.rgb[top : top + size[1], left : left + size[0]]
    with Renderer(context, scene, *size) as renderer, tempfile.TemporaryDirectory() as folder:
        for name in moves:
            note(name)
            uncovered = render_clip(renderer, paths[name], file := Path(folder, f"{name}.mp4"))
            wanted = {round(t * (FRAMES - 1)) + d for t in (*TIMES, *SHOWN) for d in (-1, 0, 1)}
            frames = {who: read_clip(f, wanted, size) for who, f in (("theirs", clips[name]), ("ours", file))}
            grey = {k: grey_share(frame) for k, frame in frames["theirs"].items()}
            centres = (project(paths[name], close_ups(picture)) * view.focal_px) + np.array(size) / 2
            show(sheet, name, frames, centres, max(grey, key=lambda k: grey[k]))
            yield {
                "move": name,
                **measure(frames["theirs"], frames["ours"], at_rest),
                "grey_theirs": max(grey.values()),
                "uncovered_ours": uncovered,
            }


def main() -> None:
    from inpaint.network_fill import WEIGHTS, load_network
    from photo3d_video.depth.builtin import without_triton
    from photo3d_video.pipeline import open_context

    parser = argparse.ArgumentParser(prog="python -m benchmarks.reference", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="NAME.jpg, NAME_disparity.npy and NAME_<move>.mp4")
    parser.add_argument("--move", choices=MOVES, help="only this one")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="write frames and close-ups to look at")
    add_json_option(parser)
    args = parser.parse_args()
    photos = [p for p in sorted(args.folder.glob("*.jpg")) if Path(f"{p.with_suffix('')}_disparity.npy").is_file()]
    if not photos:
        parser.error(f"{args.folder} holds no photo NAME.jpg with its NAME_disparity.npy")
    moves = [m for m in ([args.move] if args.move else MOVES) if Path(f"{photos[0].with_suffix('')}_{m}.mp4").is_file()]
    if not moves:
        parser.error(f"{args.folder} holds no clip {photos[0].stem}_<move>.mp4 of {', '.join(MOVES)}")
    with without_triton():
        load_network(WEIGHTS)  # before OpenGL
    sheet = Sheet(CELL_PX)
    with open_context() as context:
        rows = list(compare(context, photos[0], moves, sheet))
    if args.sheet:
        sheet.write(args.sheet, columns=CLOSE_UPS + 2)
    print_rows(rows, args.json)


if __name__ == "__main__":
    main()
