"""The command's part for depth: the models, and depth maps without clips."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# What `--depth-only` knows; all else is about clips.
_KNOWN = {
    *("photos", "depth", "far_is_white", "depth_model", "download", "max_size", "output", "save_depth_preview"),
    *("recursive", "overwrite", "skip_existing", "cache", "quiet", "verbose"),
}


def add_depth_options(group: argparse._ArgumentGroup) -> None:
    """Declare the options that are about depth alone, not about one clip."""
    group.add_argument("--download", action="store_true", help="fetch the depth model if it is not on this disk")
    group.add_argument(
        "--depth-only", action="store_true", help="no clip: write PHOTO.depth.png of each photo, in this folder or -o"
    )


def describe_models() -> str:
    """A line for each named depth model: licence, id on the hub, and whether it is on the disk."""
    from photo3d_video.depth.models import AUTO, BUILT_IN, MODELS, is_on_disk

    rows = [(AUTO, "the first of these that is on this disk and free for every use; else built-in")]
    for name, model in MODELS.items():
        licence = f"{model.licence}{'' if model.commercial else ', not for commercial use'}"
        place = "on this disk" if is_on_disk(model) else "not on this disk, --download fetches it"
        rows.append((name, f"{model.hub_id}: {licence}; {place}"))
    rows.append((BUILT_IN, "the network of this program; nothing to fetch"))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:{width}}  {text}" for name, text in rows)


def fetch_model(options: dict[str, Any]) -> str:
    """Take `--download` out of the options and obey it, before anything draws on the screen; a line on the model."""
    if not options.pop("download", False):
        return ""
    from photo3d_video.depth.models import AUTO, find_model

    model = find_model(options.get("depth_model", AUTO), download=True, quiet=options.get("quiet", False))
    if model is None:
        return "the built-in network needs no download"
    licence = f"licence {model.licence}" if model.licence else "see its own page for the licence"
    return f"{model.name} is on this disk, {licence}{'' if model.commercial else ': not for commercial use'}"


def write_depths(options: dict[str, Any], flags: Mapping[str, str]) -> int:
    """Write the depth maps of photos and tell about them; the exit code: 1 where some failed.

    `flags`: the option's name by that of its value in `options`.
    """
    from photo3d_video.batch.depth_maps import MapOutcome, plan_maps, write_maps
    from photo3d_video.batch.jobs import find_photos
    from photo3d_video.cli.console import Console
    from photo3d_video.errors import InputError

    strange = next((name for name in options if name not in _KNOWN), None)
    if strange is not None:
        raise InputError(f"--depth-only makes no clip: leave {flags[strange]} out")
    with Console(options.pop("quiet", False), options.pop("verbose", 0)) as console:
        photos = find_photos(options.pop("photos"), options.pop("recursive", False))
        texts = options.pop("save_depth_preview", None), options.pop("depth", None)
        jobs = plan_maps(photos, Path(options.pop("output", ".")), *texts)
        console.progress.start("depth", len(jobs))

        def end_map(outcome: MapOutcome) -> None:
            console.progress.advance()
            if outcome.status == "failed":
                console.complain(f"failed: {outcome.job.photo}: {outcome.text}")
            else:
                console.tell(f"{outcome.job.file}: {outcome.text}")

        try:
            outcomes = write_maps(jobs, end_map, **options)
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt("interrupted: what is finished stays, --skip-existing makes the rest") from stop
    failed = sum(outcome.status == "failed" for outcome in outcomes)
    if len(outcomes) > 1:
        console.tell(f"{len(outcomes)} depth maps: {len(outcomes) - failed} there, {failed} failed")
    return int(failed > 0)
