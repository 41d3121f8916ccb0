"""Encoders in graphics hardware: what each is told, which one is taken, and one line where none works."""

from __future__ import annotations

import os
import re
import subprocess
from fractions import Fraction
from pathlib import Path

import imageio_ffmpeg
import pytest

from photo3d_video.cli import command as cli
from photo3d_video.errors import EncodeError, InputError
from photo3d_video.output import hardware
from photo3d_video.output.codecs import BT709, codec_args
from photo3d_video.output.encoding import VideoSpec, encoder_args
from photo3d_video.output.hardware import HARDWARE, NAMES
from photo3d_video.output.video import VideoWriter

posix_only = pytest.mark.skipif(os.name == "nt", reason="stands in a shell script for ffmpeg")


def line(maker: str, codec: str = "h264", crf: int | None = None, max_kbps: int | None = None) -> str:
    return " ".join(codec_args(codec, 1280, 720, Fraction(30), crf, "veryfast", max_kbps, False, maker))


def test_command_lines() -> None:
    assert line("nvenc") == (
        f"-vf {BT709} -c:v h264_nvenc -preset p5 -rc vbr -cq 18 -b:v 0 -g 60 -profile:v high -pix_fmt yuv420p"
    )
    assert line("nvenc", "h265", max_kbps=5000) == (
        f"-vf {BT709} -c:v hevc_nvenc -preset p5 -rc vbr -cq 20 -b:v 0 -maxrate 5000k -bufsize 10000k "
        "-g 60 -profile:v main -tag:v hvc1 -pix_fmt yuv420p"
    )
    assert line("vaapi", crf=0) == (
        f"-vaapi_device /dev/dri/renderD128 -vf {BT709},format=nv12,hwupload -c:v h264_vaapi "
        "-rc_mode CQP -qp 1 -g 60 -profile:v high"
    )
    assert "-c:v h264_qsv -preset medium -global_quality 18 -g 60" in line("qsv")
    assert "-c:v h264_qsv -preset medium -b:v 3500k -maxrate 5000k -bufsize 10000k" in line("qsv", max_kbps=5000)
    assert "-c:v hevc_videotoolbox -q:v 60 -g 60" in line("videotoolbox", "h265")


@pytest.mark.parametrize("maker", HARDWARE)
@pytest.mark.parametrize("codec", NAMES)
def test_every_option_is_one_of_the_encoder(maker: str, codec: str) -> None:
    encoder = f"{NAMES[codec]}_{maker}"
    options = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-h", f"encoder={encoder}"], capture_output=True, text=True
    ).stdout
    if "Encoder" not in options:
        pytest.skip(f"this ffmpeg has no {encoder}")
    common = {"-vf", "-vaapi_device", "-g", "-b:v", "-q:v", "-maxrate", "-bufsize", "-tag:v", "-pix_fmt", "-c:v"}
    common |= {"-global_quality"}
    for rate in (None, 5000):
        for word in line(maker, codec, max_kbps=rate).split():
            if word.startswith("-") and word not in common:
                assert re.search(rf"^ +{word.removesuffix(':v')} ", options, re.MULTILINE), word


FFMPEG = """#!/bin/sh
echo "$*" >>{log}
case "$*" in
*-encoders*) echo ' V....D h264_nvenc  x'; echo ' V..... h264_qsv  x'; echo ' V....D h264_vaapi  x';;
*nvenc*) exit 1;;
esac
"""


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An ffmpeg with three encoders, of which the second and third work; the log of its calls."""
    program, log = tmp_path / "ffmpeg", tmp_path / "log"
    program.write_text(FFMPEG.format(log=log))
    program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    return log


@posix_only
def test_the_first_one_that_works_is_taken(stand_in: Path) -> None:
    spec = VideoSpec(320, 240, 30, hardware=True, max_kbps=900)
    chosen = encoder_args(spec)
    assert chosen[chosen.index("-c:v") + 1] == "h264_qsv"
    trials = [call for call in stand_in.read_text().splitlines() if "lavfi" in call]
    assert [re.findall("h264_[a-z]+", trial) for trial in trials] == [["h264_nvenc"], ["h264_qsv"]]
    assert "color=size=320x240" in trials[1] and " ".join(chosen) in trials[1], "the clip's own size and options"


@posix_only
def test_codecs_that_are_not_built_in(stand_in: Path, tmp_path: Path) -> None:
    with pytest.raises(
        EncodeError, match=r"no h265 encoder in hardware works here \(this ffmpeg was built without any\)"
    ):
        VideoWriter(tmp_path / "c.mp4", VideoSpec(320, 240, 30, codec="h265", hardware=True))


def test_what_does_not_go_with_hardware(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="goes with h264 and h265, not with vp9"):
        VideoWriter(tmp_path / "c.webm", VideoSpec(320, 240, 30, codec="vp9", hardware=True))
    with pytest.raises(InputError, match="full resolution"):
        VideoSpec(320, 240, 30, full_chroma=True, hardware=True)
    assert list(tmp_path.iterdir()) == []


def test_one_line_names_what_was_tried(tmp_path, photo_file, monkeypatch, capsys) -> None:
    failed = subprocess.CompletedProcess([], 1, " V..... h264_qsv  x\n V..... h264_vaapi  x\n", "")
    monkeypatch.setattr(hardware, "run_ffmpeg", lambda args: failed)
    for arguments in ([str(photo_file)], [str(photo_file), "--path", "pan,orbit"]):
        assert cli.main([*arguments, "--hardware", "-q", "-o", str(tmp_path)]) == 1
        assert capsys.readouterr().err == (
            "render-3dphoto: error: --hardware: no h264 encoder in hardware works here "
            "(tried h264_qsv, h264_vaapi): leave it out\n"
        )
    assert {file.name for file in tmp_path.iterdir()} == {"in"}
