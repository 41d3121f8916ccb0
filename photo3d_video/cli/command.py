"""The command `render-3dphoto`.

It turns arguments into one call of `render_photo`, or into a batch of them, and errors into one line. Nothing heavy is
imported before the arguments are parsed.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from photo3d_video import __version__
from photo3d_video.batch.naming import fill_stem
from photo3d_video.cli.batch_options import add_batch_options, is_batch, render_batch
from photo3d_video.cli.clip_options import add_input_options, add_move_options, add_output_options, parse_setting
from photo3d_video.cli.depth_options import add_depth_options, describe_models, fetch_model, write_depths
from photo3d_video.errors import explain
from photo3d_video.memory import keep_freed

PROGRAM = "render-3dphoto"

EXIT_FAILED, EXIT_INTERRUPTED = 1, 130  # wrong usage is 2, by argparse

EXAMPLES = """\
examples:
  render-3dphoto photo.jpg                                 photo_dolly-zoom.mp4 in this folder
  render-3dphoto photo.jpg --path swing -o clips/          clips/photo_swing.mp4
  render-3dphoto photo.jpg --path circle --size 1080x1920  upright, for phones
  render-3dphoto photo.jpg --depth photo_depth.png         with your own depth map
  render-3dphoto photos/ --path dolly-zoom,orbit -o clips  every photo of a folder with both moves
"""


def run_command() -> NoReturn:
    """`main` as a process of its own, which ends at once: taking torch apart would need half a second more."""
    # Torch's threads spin while they wait for each other: beside any other load that made a fill 20 times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    gc.set_threshold(100_000)  # imports make objects by the 100,000 that all stay: looking for garbage takes 0.4 s
    keep_freed()
    code = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with `argv` (by default the process's own arguments); the exit code."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # file names may hold what the terminal cannot show
            stream.reconfigure(errors="backslashreplace")
    parser = make_parser()
    options = vars(parser.parse_args(argv))
    if not options.get("photos") and not {"jobs_file", "download"} & options.keys():
        parser.error("PHOTO is missing: give a photo, a folder, or --jobs-file")
    debug = options.pop("debug", False)
    _end_cleanly_when_terminated()
    try:
        fetched = fetch_model(options)
        if fetched and not options.get("quiet"):
            print(fetched, file=sys.stderr)
        if not options.get("photos") and "jobs_file" not in options:
            return 0
        if options.pop("depth_only", False):
            return write_depths(options, _flags(parser))
        return _render(options)
    except KeyboardInterrupt as stop:
        return _fail(str(stop) or "interrupted, no clip was written", EXIT_INTERRUPTED)
    except Exception as error:
        if debug:
            raise
        return _fail(explain(error), EXIT_FAILED)


def make_parser() -> argparse.ArgumentParser:
    """The parser of the command's arguments."""
    parser = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Make one photo into a short 3D clip (MP4).",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    group = parser.add_argument_group("input")
    group.add_argument(
        "photos", metavar="PHOTO", nargs="*", help="JPEG, PNG, WebP, TIFF, HEIC or AVIF; several or a folder: a batch"
    )
    add_input_options(group)
    add_move_options(parser.add_argument_group("camera move"))
    output = parser.add_argument_group("output")
    add_output_options(output)
    add_depth_options(output)
    add_batch_options(parser.add_argument_group("batch (a manifest.json beside the clips tells what became of each)"))
    _add_rest(parser.add_argument_group("information"))
    return parser


def _add_rest(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--no-cache", dest="cache", action="store_false", help="work everything out anew, keep nothing")
    group.add_argument(
        "--clear-cache", action=_Answer, answer=_clear_cache, help="remove what earlier runs kept on disk and exit"
    )
    group.add_argument("--timings", action="store_true", help="print the seconds spent per stage, of a batch in all")
    group.add_argument("-q", "--quiet", action="store_true", help="print errors only")
    group.add_argument("-v", "--verbose", action="count", help="print what is done; twice for all details")
    group.add_argument("--debug", action="store_true", help="show a traceback when something fails")
    group.add_argument("--list-paths", action=_Answer, answer=list_paths, help="list the camera moves and exit")
    group.add_argument(
        "--list-depth-models", action=_Answer, answer=_list_depth_models, help="list the named depth models and exit"
    )
    group.add_argument("--doctor", action=_Answer, answer=_doctor, help="check this installation and exit")
    group.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")


class _Answer(argparse.Action):
    """An option that answers a question instead of rendering: `answer` prints and returns the exit code."""

    def __init__(self, answer: Callable[[], int], **rest: Any) -> None:
        super().__init__(nargs=0, **rest)
        self.answer = answer

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        parser.exit(self.answer())


def list_paths() -> int:
    """Print the preset moves and the easings; the exit code."""
    from camera_paths import EASINGS, PRESETS

    width = max(map(len, PRESETS))
    for name, preset in PRESETS.items():
        length = f"{preset.default_seconds:g} s" + (", loops" if preset.loops else "")
        print(f"{name:{width}}  {length:10}  {' '.join(preset.description.split())}")
    print(f"\neasings: {', '.join(EASINGS)}")
    return 0


def _list_depth_models() -> int:
    print(describe_models())
    return 0


def _doctor() -> int:
    from photo3d_video.cli.doctor import main as doctor

    return doctor()


def _clear_cache() -> int:
    from photo3d_video.cache import Cache, cache_folder

    folder = cache_folder()
    try:
        count, size = Cache(folder).clear()
    except OSError as error:
        return _fail(f"cannot clear the cache {folder} ({error.strerror}): remove the folder by hand", EXIT_FAILED)
    print(f"removed {count} entries, {size / 1e6:.0f} MB, from {folder}")
    return 0


def _render(options: dict[str, Any]) -> int:
    if is_batch(options):
        return render_batch(options, parse_setting)
    (options["photo"],) = options.pop("photos")
    options.pop("overwrite", None)
    for option in ("depth", "save_depth", "save_depth_preview"):
        if option in options:
            options[option] = fill_stem(options[option], Path(options["photo"]).stem)
    from photo3d_video.cli.console import Console

    timings = options.pop("timings", False)
    with Console(quiet=options.pop("quiet", False), verbosity=options.pop("verbose", 0)) as console:
        from photo3d_video import render_photo

        result = render_photo(**options, progress=console.progress)
    console.report(result)
    if timings:
        console.report_timings([result])
    return 0


def _flags(parser: argparse.ArgumentParser) -> dict[str, str]:
    return {action.dest: action.option_strings[-1] for action in parser._actions if action.option_strings}


def _end_cleanly_when_terminated() -> None:
    """Let SIGTERM and a closed terminal unwind like Ctrl-C does, so that they leave nothing half-written either."""

    def stop(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP, and nohup ignores it
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, stop)


def _fail(message: str, code: int) -> int:
    print(f"{PROGRAM}: error: {message}", file=sys.stderr)
    return code
