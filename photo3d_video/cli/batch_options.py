"""The command's part for batches: its options, and the run."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # --help must not wait for them
    from photo3d_video.batch.jobs import Request
    from photo3d_video.batch.jobsfile import ParseSetting

OPTIONS = ("jobs_file", "name", "overwrite", "skip_existing", "recursive", "jobs")
MAX_JOBS = 64

# Options that name one file: they fit one photo alone.
_ONE_PHOTO = {
    "depth": "put {stem} into it, or photo.depth.png beside each photo",
    "save_depth": "put {stem} into it",
    "save_depth_preview": "put {stem} into it",
}


def add_batch_options(group: argparse._ArgumentGroup) -> None:
    """Declare the options of batches."""
    group.add_argument("--jobs-file", metavar="FILE", help="clips to make, .toml or .csv: photo, path, any option")
    group.add_argument(
        "--name", metavar="TEXT", help="of each clip, from {stem}, {path}, {index} (default {stem}_{path})"
    )
    kept = group.add_mutually_exclusive_group()
    kept.add_argument("--skip-existing", action="store_true", help="make only what is missing: resumes a batch")
    kept.add_argument("--overwrite", action="store_true", help="make clips again that exist")
    group.add_argument("--recursive", action="store_true", help="also photos in the folders of a folder")
    group.add_argument("--jobs", metavar="N", type=_jobs, help="processes, each with one photo at a time (default 1)")


def is_batch(options: Mapping[str, Any]) -> bool:
    """Whether the command was asked for a batch: several photos or paths, a folder, a pattern, or a batch's option."""
    from photo3d_video.batch import jobs

    asking = set(OPTIONS) - {"overwrite"}  # which is what a single run does anyway
    return not asking.isdisjoint(options) or jobs.is_batch(options["photos"], options.get("path"))


def render_batch(options: dict[str, Any], parse_setting: ParseSetting) -> int:
    """Make the clips of a batch and tell about it; the exit code: 1 where some failed.

    `options`: what the parser found. `parse_setting` reads the settings of a job file.
    """
    from photo3d_video.batch.batch import run_batch
    from photo3d_video.batch.jobs import plan_jobs
    from photo3d_video.batch.naming import DEFAULT_NAME
    from photo3d_video.cli.console import Console
    from photo3d_video.errors import InputError
    from photo3d_video.files import PICTURES
    from photo3d_video.output.codecs import CONTAINERS

    timings = options.pop("timings", False)
    with Console(options.pop("quiet", False), options.pop("verbose", 0), batch=True) as console:
        folder = Path(options.pop("output", "."))
        if folder.is_file() or (folder.suffix.lower() in (*CONTAINERS, *PICTURES) and not folder.is_dir()):
            raise InputError(f"-o {folder}: a batch makes several clips, give a folder; --name names them")
        how = {name: options.pop(name) for name in OPTIONS if name in options}
        jobs = plan_jobs(_requests(options, how, parse_setting), folder, how.get("name", DEFAULT_NAME))
        try:
            outcomes = run_batch(
                jobs,
                folder,
                console.watcher,
                overwrite=how.get("overwrite", False),
                skip_existing=how.get("skip_existing", False),
                workers=how.get("jobs", 1),
            )
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt("interrupted: what is finished stays, --skip-existing makes the rest") from stop
    console.report_batch(outcomes)
    if timings:  # the manifest has those of each clip
        console.report_timings([outcome.result for outcome in outcomes if outcome.result is not None])
    return int(any(outcome.status == "failed" for outcome in outcomes))


def _requests(options: dict[str, Any], how: Mapping[str, Any], parse_setting: ParseSetting) -> list[Request]:
    from photo3d_video.batch.jobs import DEFAULT_PATH, Request, check_settings, find_photos, split_paths
    from photo3d_video.batch.jobsfile import read_jobs
    from photo3d_video.errors import InputError

    arguments = options.pop("photos", [])
    if "jobs_file" in how:
        if arguments:
            raise InputError(f"--jobs-file names the photos: leave {arguments[0]} out")
        return read_jobs(Path(how["jobs_file"]), parse_setting, options)
    photos = find_photos(arguments, how.get("recursive", False))
    paths = split_paths(options.pop("path", DEFAULT_PATH))
    for option, advice in _ONE_PHOTO.items():
        if option in options and len(photos) > 1 and "{stem}" not in options[option]:
            raise InputError(f"--{option.replace('_', '-')} fits one photo, not {len(photos)}: {advice}")
    if "save_path" in options and len(photos) * len(paths) > 1:
        raise InputError("--save-path fits one clip: render that clip alone")
    for path in paths:
        check_settings(path, options)
    return [Request(photo, path, options) for photo in photos for path in paths]


def _jobs(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= MAX_JOBS):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes, 1 to {MAX_JOBS}")
    return int(text)
