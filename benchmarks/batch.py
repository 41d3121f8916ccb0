"""What a batch saves against single runs, and what a kill costs it: `python -m benchmarks.batch PHOTO...`."""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.coverage import find_photos
from benchmarks.speed import command_line, run_fresh
from benchmarks.table import add_json_option, note, parse_size, print_json

MANIFEST = "manifest.json"
POLL_S = 0.02
QUIET_S = 1.5  # a killed batch's workers and encoders have ended when nothing has changed for so long
PATIENCE_S = 600.0


@dataclass(frozen=True)
class Batch:
    """Photos in a folder and what is made of each."""

    photos: Path
    paths: list[str]
    options: dict[str, Any]
    """Of the command, by their names without dashes; None is left out."""

    def command(self, clips: Path, *more: str) -> list[str]:
        """The command that makes all clips in the folder `clips`."""
        return [*command_line(self.photos, clips, {**self.options, "path": ",".join(self.paths)}), *more]

    def single_commands(self, clips: Path) -> list[list[str]]:
        """The commands that make them one by one."""
        options = {name: value for name, value in self.options.items() if name != "jobs"}
        return [
            command_line(photo, clips / f"{photo.stem}_{path}.mp4", {**options, "path": path})
            for photo in sorted(self.photos.iterdir())
            for path in self.paths
        ]


def clips_in(folder: Path) -> dict[str, int]:
    """Time of change, in ns, of each clip that has its name already."""
    return {file.name: file.stat().st_mtime_ns for file in folder.glob("[!.]*.mp4")}


def half_written(folder: Path, names: list[str]) -> list[str]:
    """Those of the clips in which frames are missing or broken."""
    from photo3d_video.output.ffmpeg import describe_video

    entries = {entry["output"]: entry for entry in json.loads((folder / MANIFEST).read_text())["clips"]}
    bad = []
    for name in names:
        entry = entries[name]
        if entry["status"] != "done":  # killed between the clip's completion and its entry's: compare with the others
            entry = next(other for other in entries.values() if other["status"] == "done")
        n_frames = entry["frames"]
        if not describe_video(folder / name, n_frames, n_frames / entry["fps"]).startswith(f"{n_frames} frames of"):
            bad.append(name)
    return bad


def kill_in_the_middle(batch: Batch, clips: Path) -> dict[str, int]:
    """The clips that were there, with their times, when a batch was killed after about half of them."""
    total = len(batch.single_commands(clips))
    process = subprocess.Popen(batch.command(clips), stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE_S
    while len(clips_in(clips)) < max(1, total // 2) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(POLL_S)
    time.sleep(0.3)  # into the next one
    process.kill()
    if process.wait() == 0:
        raise SystemExit("the batch was complete before it could be killed: give more photos, or longer clips")
    seen, since = None, time.monotonic()
    while time.monotonic() - since < QUIET_S:
        now = sorted((file.name, file.stat().st_size) for file in clips.iterdir())
        seen, since = now, since if now == seen else time.monotonic()
        time.sleep(POLL_S)
    return clips_in(clips)


def kill_and_resume(batch: Batch, clips: Path) -> dict[str, Any]:
    """What became of a batch that was killed and started once more."""
    before = kill_in_the_middle(batch, clips)
    broken = half_written(clips, list(before))
    seconds, _ = run_fresh(batch.command(clips, "--skip-existing"))
    after = clips_in(clips)
    wanted = {Path(command[command.index("--output") + 1]).name for command in batch.single_commands(clips)}
    return {
        "killed_after_clips": len(before),
        "resume_s": seconds,
        "lost": len(wanted - set(after)),
        "half_written": len({*broken, *half_written(clips, list(after))}),
        "rendered_twice": sum(after.get(name) != changed for name, changed in before.items()),
        "left_over": len({file.name for file in clips.iterdir()} - wanted - {MANIFEST}),
    }


def measure(batch: Batch, sample: int | None) -> dict[str, Any]:
    """All figures; of the single runs only `sample` are made, evenly spread, and scaled to all."""
    with tempfile.TemporaryDirectory(prefix="benchmark-batch-") as name:
        folders = [Path(name) / part for part in ("batch", "single", "killed")]
        for folder in folders:
            folder.mkdir()
        note("the batch")
        batch_s, batch_mb = run_fresh(batch.command(folders[0]))
        commands = batch.single_commands(folders[1])
        chosen = np.linspace(0, len(commands) - 1, min(sample or len(commands), len(commands))).round().astype(int)
        singles = []
        for k in chosen:
            note(f"single run {k + 1} of {len(commands)}")
            singles.append(run_fresh(commands[k]))
        note("kill and resume")
        killed = kill_and_resume(batch, folders[2])
    single_s = len(commands) * float(np.mean([seconds for seconds, _ in singles]))
    return {
        "photos": len(commands) // len(batch.paths),
        "paths": len(batch.paths),
        "clips": len(commands),
        "jobs": batch.options["jobs"] or 1,
        "batch_s": batch_s,
        "singles_s": single_s,
        "singles_measured": len(singles),
        "ratio": single_s / batch_s,
        "batch_peak_mb": batch_mb,
        "single_peak_mb": max(peak for _, peak in singles),
        **killed,
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch", description=__doc__)
    parser.add_argument("photos", type=Path, nargs="+", metavar="PHOTO", help="photo, or folder of photos")
    parser.add_argument("--path", default="dolly-zoom,orbit,swing", help="camera paths (default: %(default)s)")
    parser.add_argument("--size", type=parse_size, metavar="WxH", help="of the clips (default: as the command)")
    parser.add_argument("--seconds", type=float, help="of the clips (default: each path's own)")
    parser.add_argument("--jobs", type=int, help="processes of the batch (default: 1)")
    parser.add_argument("--sample", type=int, metavar="N", help="make N of the single runs only, and scale their time")
    add_json_option(parser)
    args = parser.parse_args()
    size = args.size and f"{args.size[0]}x{args.size[1]}"
    with tempfile.TemporaryDirectory(prefix="benchmark-photos-") as name:
        for number, photo in enumerate(find_photos(args.photos)):
            (Path(name) / f"{number:03d}{photo.suffix.lower()}").symlink_to(photo.absolute())
        options = {"size": size, "seconds": args.seconds, "jobs": args.jobs}
        result = measure(Batch(Path(name), args.path.split(","), options), args.sample)
    if args.json:
        print_json(result)
        return
    width = max(map(len, result))
    for key, value in result.items():
        print(f"{key:{width}}  {value:10.1f}" if isinstance(value, float) else f"{key:{width}}  {value:8}")


if __name__ == "__main__":
    main()
