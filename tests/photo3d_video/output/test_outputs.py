"""What a run writes besides the usual clip: other kinds of files, formats for places, stereo, single pictures."""

from __future__ import annotations

import re
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import photo3d_video
from photo3d_video.cli import clip_options as cli_clip
from photo3d_video.depth.builtin import DepthMap
from photo3d_video.errors import InputError, OutputError, Photo3DError
from photo3d_video.output.formats import choose_format
from photo3d_video.output.outputs import RenderResult, output_file
from photo3d_video.output.stereo import JOINS, anaglyph
from photo3d_video.pipeline import PREVIEW_LAYERS_SIDE_PX, frame_picture
from photo3d_video.run import render_photo

SIZE = (160, 120)


@pytest.fixture(scope="module")
def photo(two_planes) -> photo3d_video.Photo:
    return photo3d_video.photo_from_array(two_planes(*SIZE).rgb)


@pytest.fixture(scope="module")
def render(two_planes, photo):
    scene = two_planes(*SIZE)
    known = DepthMap(scene.disparity, scene.disc.astype(np.float32), "drawn")

    def run(output: Path, **options: Any) -> RenderResult:
        defaults = {"depth": known, "seconds": 0.4, "fps": 20, "preset": "superfast"}
        return render_photo(photo, options.pop("path", "swing"), output, **{**defaults, **options})

    return run


def names(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()}


def test_output_names(tmp_path, photo) -> None:
    filed = replace(photo, path=Path("/somewhere/my.holiday.jpg"))
    name = "my.holiday_swing.mp4"
    assert output_file(None, filed, "swing") == Path(name)
    assert output_file(tmp_path, filed, "swing") == tmp_path / name
    assert output_file("new/folder", filed, "swing") == Path("new/folder") / name
    assert output_file("a/b.mp4", filed, "swing") == Path("a/b.mp4")
    assert output_file(None, filed, "paths/my moves.json") == Path("my.holiday_my moves.mp4")
    assert output_file(None, photo, "swing") == Path("photo_swing.mp4")


@pytest.mark.parametrize(("name", "word"), [("c.webm", "vp9"), ("c.mov", "prores"), ("c.gif", "gif")])
def test_the_name_chooses_the_kind(tmp_path, render, decode, psnr, photo, name: str, word: str) -> None:
    result = render(tmp_path / name, path="zoom-in")
    clip = decode(result.output)
    assert word in clip.description and clip.frames.shape == (8, 120, 160, 3) and result.frames == 8
    assert psnr(clip.frames[0], photo.rgb) > 22 and names(tmp_path) == {name}


def test_pictures_of_a_clip_lie_in_a_folder(tmp_path, render, psnr, photo) -> None:
    result = render(tmp_path / "c.png", path="zoom-in")
    assert result.output == tmp_path / "c" and len(names(result.output)) == 8
    assert psnr(np.asarray(Image.open(result.output / "00001.png")), photo.rgb) > 38


@pytest.mark.parametrize("kind", JOINS)
def test_stereo(tmp_path, render, decode, two_planes, kind: str) -> None:
    result = render(tmp_path / "c.mp4", stereo=kind, path="zoom-in")
    clip = decode(result.output)
    width = 320 if kind == "sbs" else 160
    assert clip.frames.shape == (8, 120, width, 3) and result.size == (width, 120)
    if kind == "anaglyph":
        assert "High 4:4:4" in clip.description and "yuv444p" in clip.description
        still = two_planes(*SIZE).rgb
        assert np.abs(clip.frames[0].astype(int) - anaglyph(still, still)).max() > 20, "the eyes see different things"
    else:
        assert "h264 (High)" in clip.description
    if kind == "sbs":
        left, right = (frame[..., 0].astype(int) - frame[..., 2] > 90 for frame in np.split(clip.frames[0], 2, axis=1))
        wall_left, wall_right = clip.frames[0, :, :30].mean((0, 1)), clip.frames[0, :, 160:190].mean((0, 1))
        assert abs(np.nonzero(left)[1].mean() - np.nonzero(right)[1].mean()) < 1.5, (
            "the disc, in focus, is on the screen"
        )
        assert not np.allclose(wall_left, wall_right, atol=0.5), "the wall is not"


@pytest.mark.parametrize("name", ["s.png", "s.jpg"])
def test_still_is_one_frame_at_full_quality(tmp_path, render, psnr, photo, name: str) -> None:
    result = render(tmp_path / name, still="0", path="zoom-in")
    assert names(tmp_path) == {name} and (result.output, result.frames) == (tmp_path / name, 1)
    assert psnr(np.asarray(Image.open(result.output)), photo.rgb) > 38
    render(tmp_path / name, still="100%", path="zoom-in")
    assert psnr(np.asarray(Image.open(result.output)), photo.rgb) < 30


def test_thumbnail_and_contact_sheet_lie_beside_the_clip(tmp_path, render, psnr, photo) -> None:
    result = render(tmp_path / "c.mp4", path="zoom-in", thumbnail=True, contact_sheet=True)
    assert names(tmp_path) == {"c.mp4", "c_thumbnail.jpg", "c_sheet.png"}
    assert {file.name for file in result.beside} == {"c_thumbnail.jpg", "c_sheet.png"}
    assert psnr(np.asarray(Image.open(tmp_path / "c_thumbnail.jpg")), photo.rgb) > 35
    with Image.open(tmp_path / "c_sheet.png") as sheet:
        assert sheet.size == (4 * 160 + 5 * 8, 2 * 120 + 3 * 8)


def test_crops_follow_the_subject(tmp_path, photo, two_planes) -> None:
    """The same photo with its subject at the left and at the right gives pictures of different places."""
    seen = []
    for left in (4, 120):
        subject = np.zeros((120, 160), np.float32)
        subject[30:100, left : left + 30] = 1
        depth = DepthMap(two_planes(*SIZE).disparity, subject, "drawn")
        render_photo(photo, "zoom-in", tmp_path / "s.png", depth=depth, aspect="9:16", resolution="720p", still=0)
        with Image.open(tmp_path / "s.png") as picture:
            assert picture.size == (720, 1280)
            small = np.asarray(picture.resize((68, 120), Image.Resampling.BOX), np.float32)
        at = [np.abs(photo.rgb[:, x : x + 68] - small).mean() for x in range(93)]
        seen.append(int(np.argmin(at)))
    assert seen[0] <= 1 and seen[1] >= 91


def test_sound(tmp_path, render) -> None:
    tone = tmp_path / "tone.wav"
    with wave.open(str(tone), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(bytes(16_000))
    result = render(tmp_path / "c.mp4", audio=tone)
    import subprocess

    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", str(result.output)]
    text = subprocess.run(command, capture_output=True, text=True).stderr
    assert "Audio: aac" in text and re.search(r"Duration: 00:00:00\.4", text)


def test_format_for_a_place_and_what_goes_before_it() -> None:
    reels = choose_format("c.mp4", destination="reels")
    assert reels.size_for(640, 480) == (1080, 1920) and (reels.fps, reels.max_kbps, reels.codec) == (30, 25_000, "h264")
    assert choose_format("c.mp4", destination="reels", fps=60).fps == 60
    assert choose_format("c.mp4", destination="feed", resolution="720p").size_for(640, 480) == (720, 900)
    assert choose_format("c.mp4", destination="feed", aspect="1:1").size_for(640, 480) == (1080, 1080)
    assert choose_format("c.mp4", destination="feed", size=(64, 64)).size_for(640, 480) == (64, 64)
    assert choose_format(None, destination="web").size_for(4000, 3000) == (960, 720)


@pytest.mark.parametrize(
    ("options", "full", "small"),
    [
        ({}, (1440, 1080), (480, 360)),
        ({"size": (1080, 1920)}, (1080, 1920), (270, 480)),
        ({"size": (64, 48)}, (64, 48), (64, 48)),
        ({"size": (4000, 20)}, (4000, 20), (480, 16)),
        ({"destination": "reels"}, (1080, 1920), (270, 480)),
        ({"aspect": "1:1", "resolution": "4k"}, (2160, 2160), (480, 480)),
        ({"output": "c.gif"}, (640, 480), (480, 360)),
    ],
)
def test_preview_is_the_same_format_made_small(options, full, small) -> None:
    usual, preview = (choose_format(**{"output": None, **options}, preview=preview) for preview in (False, True))
    assert (usual.size_for(4000, 3000), preview.size_for(4000, 3000)) == (full, small)
    assert preview.fps == 15 and choose_format(**{"output": None, **options}, preview=True, fps=24).fps == 24
    # Loaded at the same size, so that the whole clip finds the preview's depth in the cache.
    assert preview.long_side_px == usual.long_side_px


def test_preview(tmp_path, monkeypatch, decode) -> None:
    rgb = np.zeros((700, 900, 3), np.uint8)
    known = DepthMap(np.full((70, 90), 0.5, np.float32), None, "flat")
    pictures = []
    monkeypatch.setattr(
        "photo3d_video.run.frame_picture", lambda *inputs: pictures.append(frame_picture(*inputs)) or pictures[-1]
    )
    result = render_photo(rgb, "pan", tmp_path / "c.mp4", depth=known, preview=True, seconds=0.2, fill="fast")
    assert max(pictures[0].disparity.shape) == PREVIEW_LAYERS_SIDE_PX, "layers of a preview are coarse: that is quick"
    assert (result.size, result.fps, result.frames) == ((480, 374), 15, 3)
    assert decode(result.output).frames.shape == (3, 374, 480, 3)


def test_usual_format_of_each_kind(tmp_path: Path) -> None:
    assert choose_format(None) == choose_format("folder") == choose_format(tmp_path) == choose_format("c.MP4")
    assert choose_format(None, codec="vp9").extension == ".webm"
    gif = choose_format("c.gif")
    assert gif.fps == 20 and gif.size_for(4000, 3000) == (640, 480) and gif.size_for(3000, 4000) == (480, 640)
    assert choose_format("c.gif", resolution="720p").size_for(4000, 3000) == (960, 720)
    assert choose_format("c.gif", fps=25).fps == 25
    still = choose_format(None, single=True)
    assert (still.extension, still.codec) == (".png", None) and still.size_for(4000, 3000) == (1440, 1080)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"size": (64, 64), "aspect": "1:1"}, InputError, "--size"),
        ({"aspect": "2:1"}, InputError, "9:16"),
        ({"resolution": "480p"}, InputError, "720p"),
        ({"destination": "myspace"}, InputError, "reels"),
        ({"stereo": "3d"}, InputError, "anaglyph"),
        ({"codec": "xvid"}, InputError, "h264"),
        ({"codec": "vp9"}, InputError, "does not go into"),
        ({"output": "c.avi"}, OutputError, "must end in"),
        ({"output": "c.gif", "audio": __file__}, InputError, "no sound"),
        ({"audio": "none.mp3"}, InputError, "does not exist"),
        ({"output": "c.gif", "crf": 20}, InputError, "no CRF"),
        ({"codec": "av1", "stereo": "anaglyph"}, InputError, "full resolution"),
        ({"still": "50%"}, OutputError, "pictures"),
        ({"output": "c.png", "still": "half"}, InputError, "--still"),
        ({"output": "c.png", "still": 0, "codec": "h264"}, InputError, "--codec"),
        ({"output": "c.png", "still": 0, "audio": __file__}, InputError, "--audio"),
    ],
)
def test_what_does_not_go_together_is_found_first(photo, monkeypatch, options, error, message) -> None:
    def too_late(*_: object) -> DepthMap:
        raise AssertionError("depth was estimated first")

    monkeypatch.setattr("photo3d_video.stages.estimate_depth", too_late)
    with pytest.raises(error, match=message) as caught:
        render_photo(photo, **{"output": "c.mp4", **options})
    assert isinstance(caught.value, Photo3DError) and "\n" not in str(caught.value)


def test_names_in_the_command_are_those_of_the_tables() -> None:
    assert set(cli_clip.STEREO) == set(JOINS)
