"""How cost grows with the photo and with the clip's length: `python -m benchmarks.scaling PHOTO`."""

from __future__ import annotations

import argparse
import itertools
import math
import resource
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed import command_line, run_fresh
from benchmarks.table import add_json_option, format_table, note, parse_size, print_json

MEGAPIXELS = "1,3,6,12,24"
FRAMES = "30,75,150,300,600"
PHOTO_FRAMES = 3  # of clips as large as their photo: what grows is to be the photo's part, not the encoder's
FPS = 30
FIGURES = ("cpu_s", "wall_s", "peak_rss_mb")


def resized(photo: Path, megapixels: float, folder: Path) -> tuple[Path, tuple[int, int]]:
    """A copy of a photo with so many pixels, as a file in `folder`, and its even (width, height)."""
    from PIL import Image

    with Image.open(photo) as image:
        scale = math.sqrt(megapixels * 1e6 / math.prod(image.size))
        width, height = (max(16, round(side * scale / 2) * 2) for side in image.size)
        file = folder / f"{megapixels:g}mp.jpg"
        image.convert("RGB").resize((width, height), Image.Resampling.BICUBIC).save(file, quality=95)
    return file, (width, height)


def cost(command: list[str]) -> dict[str, float]:
    """What a command and its child processes take, in a fresh process; keys of `FIGURES`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    wall_s, peak_mb = run_fresh(command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu_s, "wall_s": wall_s, "peak_rss_mb": peak_mb}


def measure(
    photo: Path, path: str, megapixels: Sequence[float], frames: Sequence[int], size: tuple[int, int]
) -> Iterator[dict[str, Any]]:
    """A row per run: photos as large as their clips of a few frames, then clips of `size` with ever more frames."""

    def row(grows: str, file: Path, side_px: int, size: tuple[int, int], n_frames: int) -> dict[str, Any]:
        width, height = size
        note(f"{width}x{height}, {n_frames} frames")
        options = {"path": path, "max-size": side_px, "size": f"{width}x{height}", "fps": FPS}
        options["seconds"] = n_frames / FPS
        found = cost(command_line(file, folder / "clip.mp4", options))
        return {"grows": grows, "megapixels": width * height / 1e6, "frames": n_frames, **found}

    with tempfile.TemporaryDirectory(prefix="benchmark-scaling-") as name:
        folder = Path(name)
        for count in megapixels:
            file, own_size = resized(photo, count, folder)
            yield row("megapixels", file, max(own_size), own_size, PHOTO_FRAMES)
        for n_frames in frames:
            yield row("frames", photo, max(size), size, n_frames)


def slopes(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of log(cost) over log(what grows), a row for each that grows and each figure.

    `slope` is of the line through all points, `steepest` the largest between neighbours; not a number where there are
    fewer than two points.
    """
    found = []
    for grows in dict.fromkeys(row["grows"] for row in rows):
        chosen = sorted((row for row in rows if row["grows"] == grows), key=lambda row: float(row[grows]))
        for figure in FIGURES:
            x, y = np.log([row[grows] for row in chosen]), np.log([row[figure] for row in chosen])
            steps = [(y[k] - y[j]) / (x[k] - x[j]) for j, k in itertools.pairwise(range(len(x)))]
            slope = float(np.polyfit(x, y, 1)[0]) if steps else math.nan
            found.append({"grows": grows, "figure": figure, "slope": slope, "steepest": max(steps, default=math.nan)})
    return found


def numbers(text: str) -> list[float]:
    """`1,3,6` -> [1.0, 3.0, 6.0]: the type of an option; all positive, none twice."""
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if not values or min(values) <= 0 or len(set(values)) < len(values):
        raise argparse.ArgumentTypeError(f"{text!r} is no list: give different positive numbers, e.g. 1,3,6")
    return values


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("photo", type=Path, metavar="PHOTO")
    parser.add_argument("--path", default="dolly-zoom", help="camera path (default: %(default)s)")
    parser.add_argument(
        "--megapixels", type=numbers, default=MEGAPIXELS, metavar="A,B", help="of the photo (default: %(default)s)"
    )
    parser.add_argument(
        "--frames", type=numbers, default=FRAMES, metavar="A,B", help="of the clip (default: %(default)s)"
    )
    parser.add_argument(
        "--size", type=parse_size, default="480x320", metavar="WxH", help="while frames grow (default: %(default)s)"
    )
    add_json_option(parser)
    args = parser.parse_args()
    rows = list(measure(args.photo, args.path, args.megapixels, [round(n) for n in args.frames], args.size))
    if args.json:
        print_json({"rows": rows, "slopes": slopes(rows)})
    else:
        print(format_table(rows) + "\n\n" + format_table(slopes(rows)))


if __name__ == "__main__":
    main()
