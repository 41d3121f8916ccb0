"""The command `render-3dphoto`.

It turns arguments into one call of `render_photo`, or into a batch of them, and errors into one line. Nothing heavy is
imported before the arguments are parsed, and an option that is not given is not passed on, so that defaults live in
one place.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import math
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from photo3d_video import __version__
from photo3d_video.cli_batch import add_batch_options, is_batch, render_batch
from photo3d_video.cli_depth import add_depth_options, describe_models, fetch_model, write_depths
from photo3d_video.codecs import CODECS
from photo3d_video.destinations import ASPECTS, DESTINATIONS, RESOLUTIONS
from photo3d_video.errors import InputError, explain
from photo3d_video.naming import fill_stem

PROGRAM = "render-3dphoto"

STEREO = ("sbs", "half-sbs", "anaglyph", "wiggle")  # names of stereo.JOINS, which is too heavy to import for --help
FILLS = ("network", "fast")  # names of inpaint.fill.FILLS, which is too heavy to import for --help

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130

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
    gc.set_threshold(20_000)  # imports make objects by the 100,000 that all stay: looking for garbage takes 0.2 s
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
    """The parser of the command's arguments. Options of a render have the names of `render_photo`'s parameters."""
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
    _add_input(group)
    _add_move(parser.add_argument_group("camera move"))
    output = parser.add_argument_group("output")
    _add_output(output)
    add_depth_options(output)
    add_batch_options(parser.add_argument_group("batch (a manifest.json beside the clips tells what became of each)"))
    _add_rest(parser.add_argument_group("information"))
    return parser


def _add_input(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--depth", metavar="FILE", help="your own depth map: 8 or 16-bit PNG, TIFF, .npy (white is near)"
    )
    group.add_argument("--depth-far-is-white", dest="far_is_white", action="store_true", help="in it, white is far")
    group.add_argument(
        "--depth-model", metavar="NAME",
        help="of --list-depth-models, a folder or a hub's OWNER/NAME (default auto: the best on this disk)",
    )  # fmt: skip
    group.add_argument("--max-size", metavar="PX", type=_whole, help="load the photo at most this large (default 2560)")


class _SettingParser(argparse.ArgumentParser):
    """The options that are about one clip; mistakes are errors instead of the end of the program."""

    def __init__(self) -> None:
        super().__init__(prog=PROGRAM, add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
        for add in (_add_input, _add_move, _add_output):
            add(self.add_argument_group())
        self.flags = {name: action.nargs == 0 for action in self._actions for name in action.option_strings}

    def error(self, message: str) -> NoReturn:
        """Raise InputError."""
        raise InputError(message.split(": ", 1)[-1])


def parse_setting(key: str, value: str | bool) -> dict[str, Any]:
    """Arguments of `render_photo` for an option's name without dashes and its text, as `jobsfile` needs it."""
    from photo3d_video.jobsfile import as_flag

    parser, option = _SettingParser(), f"--{key}"
    if option not in parser.flags or key == "output":
        raise InputError("unknown: give photo, path, name, or an option of one clip without its dashes")
    if parser.flags[option]:
        return vars(parser.parse_args([option] if as_flag(value) else []))
    if isinstance(value, bool):
        raise InputError("give a value, not true or false")
    return vars(parser.parse_args([f"{option}={value}"]))


def _add_move(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--path", metavar="NAME", help="preset of --list-paths or a path file .json (default dolly-zoom); several: a,b"
    )
    group.add_argument("--seconds", metavar="S", type=_number, help="length of the clip (default: the path's own)")
    group.add_argument("--strength", metavar="X", type=_number, help="how far the camera moves, 0 to 2 (default 1)")
    group.add_argument(
        "--focus", metavar="X,Y", dest="focus_xy", type=_fractions,
        help="what the camera holds on to, 0,0 top left to 1,1 bottom right (default: the subject)",
    )  # fmt: skip
    group.add_argument("--easing", metavar="NAME", help="how the move starts and stops, see --list-paths")
    group.add_argument("--reverse", action="store_true", help="play the move backwards")
    group.add_argument("--boomerang", action="store_true", help="play the move forward, then back")
    group.add_argument("--loop", action="store_true", help="the same, unless the move ends as it begins anyway")
    group.add_argument(
        "--start-still", metavar="S", dest="start_still_s", type=_number, help="seconds of stillness before the move"
    )
    group.add_argument("--save-path", metavar="FILE", help="also write the move as a path file .json, to change it")


def _add_output(group: argparse._ArgumentGroup) -> None:
    group.add_argument("-o", "--output", metavar="FILE", help="file or folder (default PHOTO_PATH.mp4 in this folder)")
    group.add_argument(
        "--for", metavar="PLACE", dest="destination", choices=tuple(DESTINATIONS),
        help=f"aspect, size, rate and bit rate of {', '.join(DESTINATIONS)}; other options go first",
    )  # fmt: skip
    group.add_argument(
        "--aspect", metavar="W:H", choices=tuple(ASPECTS), help=f"crop around the subject: {', '.join(ASPECTS)}"
    )
    group.add_argument(
        "--resolution", metavar="R", choices=tuple(RESOLUTIONS), help=f"short side: {', '.join(RESOLUTIONS)}"
    )
    group.add_argument(
        "--size", metavar="WxH", type=_size, help="crop to this size (default: the photo's, within 1080p)"
    )
    group.add_argument(
        "--preview", action="store_true", help="the same clip small and fast: 480 px, 15 frames a second"
    )
    group.add_argument("--fps", metavar="N", type=_number, help="frames per second (default 30; GIF 20)")
    group.add_argument(
        "--codec", metavar="NAME", choices=tuple(CODECS),
        help="h264, h265 or av1 in .mp4, vp9 or av1 in .webm, prores in .mov (default: the first)",
    )  # fmt: skip
    group.add_argument(
        "--crf", metavar="N", type=_whole, help="quality on the codec's scale, 0 best (default 18 for h264)"
    )
    group.add_argument("--preset", metavar="NAME", help="x264 speed, ultrafast to veryslow (default veryfast)")
    group.add_argument(
        "--hardware", action="store_true", help="encode h264 or h265 in graphics hardware: quick, larger files"
    )
    group.add_argument("--audio", metavar="FILE", help="sound to put under the clip")
    group.add_argument("--stereo", metavar="KIND", choices=STEREO, help=f"for two eyes: {', '.join(STEREO)}")
    group.add_argument("--still", metavar="T", help="only the frame at T seconds, or at T%%, as .png or .jpg")
    group.add_argument("--thumbnail", action="store_true", help="also write the first frame, NAME_thumbnail.jpg")
    group.add_argument("--contact-sheet", action="store_true", help="also write twelve frames, NAME_sheet.png")
    group.add_argument(
        "--supersample", metavar="N", type=int, choices=(1, 2), help="2: draw at twice the size (default 1)"
    )
    group.add_argument(
        "--dof", metavar="X", type=_number, nargs="?", const=1.0,
        help="depth of field: blur what is not as far as the focus, 0 to 2 (1 if no X is given)",
    )  # fmt: skip
    group.add_argument(
        "--focus-pull", metavar="X,Y", type=_fractions, help="with --dof: move its focus to this point during the clip"
    )
    group.add_argument(
        "--vignette", metavar="X", type=_number, nargs="?", const=1.0, help="darken the corners, 0 to 2 (1 if no X)"
    )
    group.add_argument(
        "--fill", metavar="NAME", choices=FILLS, help="what paints hidden parts: network (the default) or fast"
    )
    group.add_argument(
        "--fill-model", metavar="FILE", help="paint them with your own LaMa or MI-GAN model, .onnx (extra: onnx)"
    )
    group.add_argument("--save-depth", metavar="FILE", type=_png, help="also write the depth map, a 16-bit PNG")
    group.add_argument(
        "--save-depth-preview", metavar="FILE", type=_png, help="also write it in colours: red is near, blue is far"
    )


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
    from photo3d_video.doctor import main as doctor

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
    for option in ("depth", "save_depth", "save_depth_preview"):
        if option in options:
            options[option] = fill_stem(options[option], Path(options["photo"]).stem)
    from photo3d_video.console import Console

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


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,9}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number")
    return int(text)


def _size(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,5})[xX×](\d{1,5})", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1080x1920")
    return int(match[1]), int(match[2])


def _fractions(text: str) -> tuple[float, float]:
    values = [_number(part) for part in text.split(",")]
    if len(values) != 2 or not all(0 <= value <= 1 for value in values):
        raise argparse.ArgumentTypeError(f"{text!r} is not a point such as 0.5,0.4, each 0 to 1")
    return values[0], values[1]


def _png(text: str) -> str:
    if not text.lower().endswith(".png"):
        raise argparse.ArgumentTypeError(f"{text!r} must end in .png")
    return text
