"""Clips for the places where they are posted."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from photo3d_video.depth.builtin import DepthMap
from photo3d_video.output.destinations import DESTINATIONS, check_length
from photo3d_video.output.encoding import VideoSpec
from photo3d_video.output.video import VideoWriter
from photo3d_video.run import render_photo


def test_short_clips_are_told(caplog) -> None:
    check_length("reels", 3.0)
    check_length("shorts", 0.5)
    check_length(None, 0.5)
    assert not caplog.records
    check_length("reels", 2.9)
    (record,) = caplog.records
    assert record.levelname == "WARNING"
    assert record.getMessage() == "--for reels wants 3 s or more, this clip has 2.9 s: give --seconds"


def test_a_run_tells_of_a_short_clip_but_not_of_a_picture(tmp_path, caplog, two_planes) -> None:
    drawn = two_planes(64, 48)
    depth = DepthMap(drawn.disparity, None, "drawn")
    options = {"depth": depth, "fill": "fast", "cache": False, "destination": "square", "size": (32, 32)}
    render_photo(drawn.rgb, "swing", tmp_path / "s.png", still=0, seconds=0.2, **options)
    assert "--for" not in caplog.text
    render_photo(drawn.rgb, "swing", tmp_path / "c.mp4", seconds=0.2, **options)
    assert "--for square wants 3 s" in caplog.text and (tmp_path / "c.mp4").exists()


def boxes(data: bytes, parent: str = "") -> Iterator[tuple[str, bytes]]:
    """Names below one another and contents of the boxes of an MP4 file."""
    at = 0
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        name = f"{parent}/{kind.decode()}"
        yield name, data[at + 8 : at + size]
        if kind in (b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl"):
            yield from boxes(data[at + 8 : at + size], name)
        at += size


@pytest.mark.parametrize("codec", ["h264", "h265", "av1"])
def test_mp4_shows_the_first_frame_at_0(tmp_path: Path, codec: str) -> None:
    """B-frames delay the first frame; the edit list has to take off exactly that, and no more."""
    reels = DESTINATIONS["reels"]
    spec = VideoSpec(64, 64, reels.fps, codec=codec, max_kbps=reels.max_kbps)
    with VideoWriter(tmp_path / "c.mp4", spec) as writer:
        for i in range(12):
            writer.write(np.full((64, 64, 3), 20 * i, np.uint8))
    box = dict(boxes((tmp_path / "c.mp4").read_bytes()))
    (clock,) = struct.unpack(">I", box["/moov/mvhd"][12:16])
    edits, duration, start = struct.unpack(">IIi", box["/moov/trak/edts/elst"][4:16])
    assert edits == 1 and duration / clock == pytest.approx(12 / 30, abs=1 / clock)
    offsets = box.get("/moov/trak/mdia/minf/stbl/ctts", bytes(16))
    assert offsets[0] == 0, "version 1 is refused by older phones"
    assert start == struct.unpack(">i", offsets[12:16])[0]
