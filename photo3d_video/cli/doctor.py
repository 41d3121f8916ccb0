"""`render-3dphoto --doctor`: what this installation has, what it lacks, and how to get that."""

from __future__ import annotations

import hashlib
import importlib
import logging
import platform
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from photo3d_video import __version__

log = logging.getLogger(__name__)

# What a bare Debian or Ubuntu lacks: OpenGL with its software driver, and what OpenCV is linked to.
INSTALL_LIBRARIES = "apt-get install libegl1 libgl1 libgl1-mesa-dri libglib2.0-0"
REINSTALL = "pip install --force-reinstall photo3d-video"
SOFTWARE_RENDERERS = ("llvmpipe", "softpipe", "swrast", "swiftshader")


@dataclass(frozen=True)
class Finding:
    """One thing that a render needs."""

    name: str
    """What was looked at."""
    detail: str
    """What was found, one line."""
    fix: str = ""
    """What to run or do; empty where nothing is wrong."""


def main() -> int:
    """Print the findings; 0 where a photo can be rendered, else 1."""
    findings = examine()
    print(report(findings))
    return 1 if any(finding.fix for finding in findings) else 0


def examine() -> list[Finding]:
    """Look at everything that a render needs."""
    # torch before OpenGL: with the software driver in the process, some of torch's libraries crash on loading.
    return [_guarded(name, look) for name, look in CHECKS.items()]


def report(findings: list[Finding]) -> str:
    """The findings as text."""
    lines = [f"photo3d-video {__version__}, Python {platform.python_version()}, {platform.platform()}"]
    for finding in findings:
        lines.append(f"{'MISSING' if finding.fix else 'ok':8} {finding.name:8} {finding.detail}")
        if finding.fix:
            lines.append(f"{'':17} fix: {finding.fix}")
    missing = [finding.name for finding in findings if finding.fix]
    lines.append(f"Not ready: {', '.join(missing)}." if missing else "Ready.")
    return "\n".join(lines)


def _guarded(name: str, look: Callable[[str], Finding]) -> Finding:
    """A finding even where looking fails: a broken library is what this command is for."""
    try:
        return look(name)
    except ImportError as error:
        fix = REINSTALL if isinstance(error, ModuleNotFoundError) else f"on Debian or Ubuntu: {INSTALL_LIBRARIES}"
        return Finding(name, _one_line(error), fix)
    except Exception as error:
        return Finding(name, _one_line(error), REINSTALL)


def _torch(name: str) -> Finding:
    import torch

    if torch.cuda.is_available():
        device = f"CUDA {torch.version.cuda} on {torch.cuda.get_device_name()}"
    else:
        device = "no CUDA device, depth runs on the CPU"
    return Finding(name, f"{torch.__version__}, {device}")


def _weights_of(module: str) -> Callable[[str], Finding]:
    """Look at the file that the constant WEIGHTS of a module names."""

    def look(name: str) -> Finding:
        from safetensors import safe_open

        file: Path = importlib.import_module(module).WEIGHTS
        if not file.is_file():
            return Finding(name, f"{file} does not exist", REINSTALL)
        data = file.read_bytes()
        with safe_open(file, framework="numpy") as tensors:  # raises where the file is cut off
            count = len(tensors.keys())
        digest = hashlib.sha256(data).hexdigest()
        return Finding(name, f"{file}, {len(data) / 1e6:.1f} MB, {count} tensors, sha256 {digest[:16]}")

    return look


def _ffmpeg(name: str) -> Finding:
    import imageio_ffmpeg

    try:
        executable = imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError:
        fix = "pip install --force-reinstall imageio-ffmpeg, or set IMAGEIO_FFMPEG_EXE to an ffmpeg"
        return Finding(name, "no ffmpeg found", fix)
    try:
        version = re.search(r"ffmpeg version (\S+)", _output(executable, "-version"))
        encoders = _output(executable, "-hide_banner", "-encoders")
    except (OSError, subprocess.SubprocessError) as error:
        return Finding(
            name, _one_line(error), f"{executable} does not run: unset IMAGEIO_FFMPEG_EXE or name another ffmpeg"
        )
    found = f"{executable}, version {version[1] if version else 'unknown'}"
    if not re.search(r"\blibx264\b", encoders):
        fix = "unset IMAGEIO_FFMPEG_EXE, or set it to an ffmpeg that was built with libx264"
        return Finding(name, f"{found}, without libx264", fix)
    return Finding(name, f"{found}, with libx264")


def _encoders(name: str) -> Finding:
    """All that kinds of files and `--codec` may ask for: information, for the usual kind needs libx264 alone."""
    from photo3d_video.errors import EncodeError
    from photo3d_video.output.codecs import CODECS
    from photo3d_video.output.ffmpeg import run_ffmpeg

    try:
        listed = run_ffmpeg(["-encoders"]).stdout
    except EncodeError:
        return Finding(name, "unknown without ffmpeg")
    there = {key: bool(re.search(rf"\b{codec.encoder[1]}\b", listed)) for key, codec in CODECS.items()}
    found = ", ".join(key for key, is_there in there.items() if is_there) or "none"
    missing = ", ".join(f"{key} ({CODECS[key].encoder[1]})" for key, is_there in there.items() if not is_there)
    return Finding(name, f"{found}; this ffmpeg has no {missing}" if missing else found)


def _hardware(name: str) -> Finding:
    """Whether `--hardware` can be given: nothing needs it."""
    from photo3d_video.errors import EncodeError
    from photo3d_video.output.encoding import VideoSpec, encoder_args
    from photo3d_video.output.hardware import NAMES

    found = []
    for codec in NAMES:
        try:
            arguments = encoder_args(VideoSpec(640, 480, 30, codec=codec, hardware=True))
            found.append(arguments[arguments.index("-c:v") + 1])
        except EncodeError:
            log.debug("no hardware for %s", codec, exc_info=True)
    return Finding(name, f"{', '.join(found)} for --hardware" if found else "no encoder for --hardware")


def _opengl(name: str) -> Finding:
    from render.errors import RenderError
    from render.renderer import create_context, describe

    try:
        context = create_context()
    except RenderError as error:
        fix = f"on Debian or Ubuntu: {INSTALL_LIBRARIES}" if sys.platform.startswith("linux") else "update the driver"
        return Finding(name, _one_line(error), fix)
    info = describe(context)
    context.release()
    software = any(driver in info.renderer.lower() for driver in SOFTWARE_RENDERERS)
    note = " (software: works, a GPU is faster)" if software else ""
    return Finding(name, f"{info.backend}, {info.vendor}, {info.renderer}, {info.version}{note}")


CHECKS: dict[str, Callable[[str], Finding]] = {
    "torch": _torch,
    "depth": _weights_of("photo3d_video.depth.builtin"),
    "fill": _weights_of("inpaint.network_fill"),
    "ffmpeg": _ffmpeg,
    "encoders": _encoders,
    "hardware": _hardware,
    "OpenGL": _opengl,
}


def _output(*command: str) -> str:
    result = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=30, text=True, errors="replace"
    )
    return result.stdout


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
