"""Photo in, 3D clip out.

    from photo3d_video import render_photo
    render_photo("photo.jpg", path="dolly-zoom")

`render_photo` is what the command `render-3dphoto` calls. The stages are here one by one too: `load_photo`,
`estimate_depth` or `read_depth`, `frame_photo` and `frame_picture`, `parallax_budget_px`, `make_layers`, `make_scene`,
`close_gaps`, `make_view`, `make_path`, `open_context`, `render_frames`, `VideoWriter`.

Conventions. Camera axes as OpenCV: x right, y down, z forward; pixel centres at +0.5; arrays (H, W) first. `disparity`:
float32, relative inverse depth, larger is nearer, 0..1. Depth: z along the axis, in scene units where the nearest
surface (a robust percentile) is at 1. Colour: sRGB uint8 (H, W, 3) RGB. Names carry units.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from photo3d_video.depth.builtin import DepthMap
    from photo3d_video.depth.estimate import estimate_depth
    from photo3d_video.errors import (
        EncodeError,
        GLUnavailableError,
        InputError,
        OutputError,
        Photo3DError,
        WeightsError,
    )
    from photo3d_video.framing import Framing, frame_photo
    from photo3d_video.gaps import close_gaps
    from photo3d_video.moves import make_path
    from photo3d_video.output.encoding import VideoSpec
    from photo3d_video.output.outputs import RenderResult
    from photo3d_video.output.video import VideoWriter
    from photo3d_video.photo import Photo, load_photo, photo_from_array
    from photo3d_video.pipeline import (
        Picture,
        frame_picture,
        make_layers,
        make_scene,
        make_view,
        open_context,
        parallax_budget_px,
        read_depth,
        render_frames,
        write_depth,
    )
    from photo3d_video.run import render_photo

__version__ = "0.1.0"

# Loaded on first use: `render-3dphoto --help` must not wait for torch and OpenGL.
_HOME = {
    "depth.builtin": ("DepthMap",),
    "depth.estimate": ("estimate_depth",),
    "output.encoding": ("VideoSpec",),
    "errors": ("EncodeError", "GLUnavailableError", "InputError", "OutputError", "Photo3DError", "WeightsError"),
    "framing": ("Framing", "frame_photo"),
    "gaps": ("close_gaps",),
    "moves": ("make_path",),
    "output.outputs": ("RenderResult",),
    "photo": ("Photo", "load_photo", "photo_from_array"),
    "pipeline": (
        *("Picture", "frame_picture", "make_layers", "make_scene", "make_view"),
        *("open_context", "parallax_budget_px", "read_depth", "render_frames", "write_depth"),
    ),
    "run": ("render_photo",),
    "output.video": ("VideoWriter",),
}
_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "DepthMap",
    "EncodeError",
    "Framing",
    "GLUnavailableError",
    "InputError",
    "OutputError",
    "Photo",
    "Photo3DError",
    "Picture",
    "RenderResult",
    "VideoSpec",
    "VideoWriter",
    "WeightsError",
    "close_gaps",
    "estimate_depth",
    "frame_photo",
    "frame_picture",
    "load_photo",
    "make_layers",
    "make_path",
    "make_scene",
    "make_view",
    "open_context",
    "parallax_budget_px",
    "photo_from_array",
    "read_depth",
    "render_frames",
    "render_photo",
    "write_depth",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE[name]}"), name)
