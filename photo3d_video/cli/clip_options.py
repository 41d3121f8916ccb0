"""The command's options of one clip. They have the names of `render_photo`'s parameters.

An option that is not given is not there, so that defaults live in one place. Nothing heavy is imported: `--help` must
not wait for it.
"""

from __future__ import annotations

import argparse
import math
import re
from typing import Any, NoReturn

from photo3d_video.errors import InputError
from photo3d_video.output.codecs import CODECS
from photo3d_video.output.destinations import ASPECTS, DESTINATIONS, RESOLUTIONS

STEREO = ("sbs", "half-sbs", "anaglyph", "wiggle")  # names of stereo.JOINS, which is too heavy to import for --help
FILLS = ("network", "fast")  # names of inpaint.fill.FILLS, which is too heavy to import for --help


def add_input_options(group: argparse._ArgumentGroup) -> None:
    """Declare the options about photo and depth."""
    group.add_argument(
        "--depth", metavar="FILE", help="your own depth map: 8 or 16-bit PNG, TIFF, .npy (white is near)"
    )
    group.add_argument("--depth-far-is-white", dest="far_is_white", action="store_true", help="in it, white is far")
    group.add_argument(
        "--depth-model", metavar="NAME",
        help="of --list-depth-models, a folder or a hub's OWNER/NAME (default auto: the best on this disk)",
    )  # fmt: skip
    group.add_argument("--max-size", metavar="PX", type=_whole, help="load the photo at most this large (default 2560)")


def add_move_options(group: argparse._ArgumentGroup) -> None:
    """Declare the options about the camera move."""
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


def add_output_options(group: argparse._ArgumentGroup) -> None:
    """Declare the options about the clip, its looks, and what is written beside it."""
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


class _SettingParser(argparse.ArgumentParser):
    """The options that are about one clip; mistakes are errors instead of the end of the program."""

    def __init__(self) -> None:
        super().__init__(add_help=False, argument_default=argparse.SUPPRESS, allow_abbrev=False)
        for add in (add_input_options, add_move_options, add_output_options):
            add(self.add_argument_group())
        self.flags = {name: action.nargs == 0 for action in self._actions for name in action.option_strings}

    def error(self, message: str) -> NoReturn:
        """Raise InputError."""
        raise InputError(message.split(": ", 1)[-1])


def parse_setting(key: str, value: str | bool) -> dict[str, Any]:
    """Arguments of `render_photo` for an option's name without dashes and its text, as `jobsfile` needs it."""
    from photo3d_video.batch.jobsfile import as_flag

    parser, option = _SettingParser(), f"--{key}"
    if option not in parser.flags or key == "output":
        raise InputError("unknown: give photo, path, name, or an option of one clip without its dashes")
    if parser.flags[option]:
        return vars(parser.parse_args([option] if as_flag(value) else []))
    if isinstance(value, bool):
        raise InputError("give a value, not true or false")
    return vars(parser.parse_args([f"{option}={value}"]))


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
