"""How long a clip takes, stage by stage and from a cold start: `python -m benchmarks.speed PHOTO`."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.table import add_json_option, format_table, note, parse_size, print_json

UInt8 = npt.NDArray[np.uint8]

COMMAND = "render-3dphoto"
POLL_S = 0.05
PROC = Path("/proc")


def command_line(photo: Path, output: Path, options: dict[str, Any]) -> list[str]:
    """The installed command of this interpreter's environment; without one, the package run as a module.

    It works everything out anew: the cache on disk would spare a later run what an earlier one measured.
    """
    script = Path(sys.executable).with_name(COMMAND)
    start = [str(script)] if script.exists() else [sys.executable, "-m", "photo3d_video"]
    given = [text for name, value in options.items() if value is not None for text in (f"--{name}", str(value))]
    return [*start, str(photo), *given, "--output", str(output), "--no-cache", "--quiet"]


def run_fresh(command: list[str]) -> tuple[float, float]:
    """(seconds, peak memory in MB) of a command and all its child processes, ffmpeg among them."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, _tree_rss_bytes(process.pid))
        time.sleep(POLL_S)
    seconds = time.perf_counter() - begun
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed with exit code {process.returncode}")
    return seconds, (peak or _largest_child_bytes()) / 1e6


def _largest_child_bytes() -> int:
    """The kernel's mark of the largest single child so far: all there is without /proc.

    On Linux it counts what the child shared with this process before it became another program, so it comes second.
    """
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _tree_rss_bytes(root: int) -> int:
    """Resident memory of a process and its descendants; 0 where there is no /proc to ask."""
    parents: dict[int, int] = {}
    for folder in PROC.glob("[0-9]*"):
        try:
            # The second field is the program's name in brackets and may itself hold spaces and brackets.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # has ended meanwhile
            continue
        parents[int(folder.name)] = int(fields[1])
    tree = {root}
    while grown := {pid for pid, parent in parents.items() if parent in tree} - tree:
        tree |= grown
    return sum(_rss_bytes(pid) for pid in tree)


def _rss_bytes(pid: int) -> int:
    try:
        return int((PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def frames_of_clip(
    photo_file: Path, path: str, depth_file: Path | None, size: tuple[int, int], n_frames: int
) -> Iterator[UInt8]:
    """The frames (H, W, 3) that `render_photo` encodes."""
    from photo3d_video import pipeline
    from photo3d_video.depth.builtin import estimate_depth
    from photo3d_video.gaps import close_gaps
    from photo3d_video.moves import make_path
    from photo3d_video.photo import load_photo

    with pipeline.open_context() as context:
        photo = load_photo(photo_file)
        depth = pipeline.read_depth(depth_file, photo) if depth_file else estimate_depth(photo.rgb)
        picture = pipeline.frame_picture(photo, depth, pipeline.place(photo, depth, size))
        budget_px = pipeline.parallax_budget_px(*size, strength=1)
        cameras = make_path(path, pipeline.make_view(picture, budget_px), n_frames)
        layers = pipeline.make_layers(picture, budget_px)
        scene = close_gaps(context, picture, layers, pipeline.make_scene(picture, layers))
        yield from pipeline.render_frames(context, scene, cameras)


def encode_only_fps(frames: Iterator[UInt8], n_frames: int, size: tuple[int, int], fps: float, folder: Path) -> float:
    """Frames per second of the encoder, with the settings of `render_photo`, where nothing else keeps it waiting."""
    from photo3d_video.output.encoding import VideoSpec
    from photo3d_video.output.video import VideoWriter

    width, height = size
    # In a file, not in memory: a minute of 1080p has 11 GB.
    stored = np.memmap(folder / "frames.rgb", np.uint8, "w+", shape=(n_frames, height, width, 3))
    for number, frame in enumerate(frames):
        stored[number] = frame
    stored.flush()  # else the disk would still be at work
    begun = time.perf_counter()
    with VideoWriter(folder / "encode_only.mp4", VideoSpec(width, height, fps)) as writer:
        for frame in stored:
            writer.write(frame)
    return n_frames / (time.perf_counter() - begun)


def measure(
    photo: Path, path: str, size: tuple[int, int] | None, seconds: float | None, fps: float, depth: Path | None
) -> dict[str, Any]:
    """All figures of one clip."""
    from photo3d_video.memory import keep_freed
    from photo3d_video.run import render_photo

    keep_freed()  # as the command does
    with tempfile.TemporaryDirectory(prefix="benchmark-speed-") as name:
        folder = Path(name)
        note("the installed command, from a fresh process")
        options = {
            "path": path,
            "size": size and f"{size[0]}x{size[1]}",
            "seconds": seconds,
            "fps": fps,
            "depth": depth,
        }
        wall_s, peak_mb = run_fresh(command_line(photo, folder / "command.mp4", options))
        note("stage by stage")
        result = render_photo(
            photo, path, folder / "stages.mp4", depth=depth, seconds=seconds, fps=fps, size=size, cache=False
        )
        note("the encoder alone")
        frames = frames_of_clip(photo, path, depth, result.size, result.frames)
        encoder_fps = encode_only_fps(frames, result.frames, result.size, fps, folder)
    return {
        "photo": photo.name,
        "path": path,
        "size": list(result.size),
        "frames": result.frames,
        "stages_s": result.seconds,
        "wall_s": wall_s,
        "fps": result.frames / (result.seconds["render"] + result.seconds["encode"]),
        "encode_only_fps": encoder_fps,
        "peak_rss_mb": peak_mb,
    }


def main() -> None:
    from photo3d_video.output.formats import DEFAULT_FPS

    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("photo", type=Path, metavar="PHOTO")
    parser.add_argument("--path", default="dolly-zoom", help="camera path (default: %(default)s)")
    parser.add_argument("--size", type=parse_size, metavar="WxH", help="of the clip (default: as the command)")
    parser.add_argument("--seconds", type=float, help="of the clip (default: the path's own)")
    parser.add_argument("--fps", type=float, default=DEFAULT_FPS, help="of the clip (default: %(default)g)")
    parser.add_argument("--depth", type=Path, metavar="FILE", help="depth map to use instead of the built-in network's")
    add_json_option(parser)
    args = parser.parse_args()
    result = measure(args.photo, args.path, args.size, args.seconds, args.fps, args.depth)
    if args.json:
        print_json(result)
        return
    width, height = result["size"]
    print(f"{result['photo']}, {result['path']}, {width}x{height}, {result['frames']} frames\n")
    rows = [{"stage": stage, "seconds": spent} for stage, spent in result["stages_s"].items()]
    print(format_table(rows) + "\n")
    print(f"from a cold start     {result['wall_s']:8.1f} s")
    print(f"render and encode     {result['fps']:8.1f} frames/s")
    print(f"encode alone          {result['encode_only_fps']:8.1f} frames/s")
    print(f"peak memory           {result['peak_rss_mb']:8.0f} MB")


if __name__ == "__main__":
    main()
