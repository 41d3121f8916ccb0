"""Depth as files: `--depth-only`, `--save-depth`, `--save-depth-preview`, and the map beside a photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from photo3d_video import DepthMap, InputError, photo_from_array, render_photo, write_depth
from photo3d_video.cli import command as cli
from photo3d_video.depth.files import read_disparity
from photo3d_video.pipeline import write_depth_preview
from tests.imports import heavy_modules_after

FAST = ("--seconds", "0.1", "--preset", "ultrafast")


@pytest.fixture
def photos(tmp_path: Path, two_planes) -> Path:
    """A folder with the photos a and b, and one more in the folder deep in it."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    for n, name in enumerate(("a", "b", "deep/c")):
        Image.fromarray(np.roll(two_planes(96, 64).rgb, 9 * n, axis=0)).save(folder / f"{name}.png")
    return folder


def files_in(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}


def run_in(folder: Path, monkeypatch, *arguments: str | Path) -> int:
    folder.mkdir(exist_ok=True)
    monkeypatch.chdir(folder)
    return cli.main([*map(str, arguments), "--depth-only"])


def test_depth_of_one_photo_is_the_depth_of_its_clip(tmp_path, photos, monkeypatch, capsys) -> None:
    assert run_in(tmp_path / "work", monkeypatch, photos / "a.png") == 0
    assert files_in(tmp_path / "work") == {"a.depth.png"}
    assert capsys.readouterr().out == "a.depth.png: 96x64, built-in network\n"
    with Image.open(tmp_path / "work" / "a.depth.png") as image:
        assert image.mode == "I;16" and image.size == (96, 64)
    assert cli.main([str(photos / "a.png"), *FAST, "--save-depth", "clip.png", "-q"]) == 0
    assert (tmp_path / "work" / "clip.png").read_bytes() == (tmp_path / "work" / "a.depth.png").read_bytes()


def test_depth_needs_no_opengl(tmp_path, photos, monkeypatch) -> None:
    import moderngl

    def no_device(**_: object) -> None:
        raise Exception("found 0 devices")

    monkeypatch.setattr(moderngl, "create_context", no_device)
    assert run_in(tmp_path / "work", monkeypatch, photos / "a.png", "-o", "new/name.png", "-q") == 0
    assert files_in(tmp_path / "work") == {"new/name.png"}


def test_a_folder_goes_on_after_a_bad_photo(tmp_path, photos, monkeypatch, capsys) -> None:
    (photos / "a.png").write_text("no picture")
    code = run_in(
        tmp_path / "work", monkeypatch, photos, "--recursive", "-o", "maps", "--save-depth-preview", "maps/{stem}-c.png"
    )
    told = capsys.readouterr()
    assert code == 1
    assert files_in(tmp_path / "work" / "maps") == {"b.depth.png", "c.depth.png", "b-c.png", "c-c.png"}
    assert told.out.splitlines()[-1] == "3 depth maps: 2 there, 1 failed"
    assert f"failed: {photos / 'a.png'}: {photos / 'a.png'} is not a readable picture" in told.err
    assert "Traceback" not in told.err


def test_what_is_there_is_the_users_own(tmp_path, photos, monkeypatch, capsys) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "a.depth.png").write_bytes(b"edited")
    assert run_in(work, monkeypatch, photos) == 1
    assert "a.depth.png exist already: give --skip-existing to keep" in capsys.readouterr().err
    assert files_in(work) == {"a.depth.png"}
    assert run_in(work, monkeypatch, photos / "a.png") == 1, "one photo alone neither"
    assert run_in(work, monkeypatch, photos, "--skip-existing") == 0
    assert files_in(work) == {"a.depth.png", "b.depth.png"} and (work / "a.depth.png").read_bytes() == b"edited"
    assert run_in(work, monkeypatch, photos, "--overwrite") == 0
    assert read_disparity(work / "a.depth.png").shape == (64, 96)


def test_own_maps_are_brought_into_this_form(tmp_path, photos, two_planes, monkeypatch) -> None:
    scene = two_planes(96, 64)
    for name in "ab":
        np.save(tmp_path / f"{name}-mine.npy", 5 / (scene.disparity + (name == "b") * scene.disc))
    arguments = ("--depth", tmp_path / "{stem}-mine.npy", "--depth-far-is-white")
    assert run_in(tmp_path / "work", monkeypatch, photos, *arguments) == 0
    for name in "ab":
        assert read_disparity(tmp_path / "work" / f"{name}.depth.png") == pytest.approx(scene.disc.astype(float))


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--seconds", "3"], "leave --seconds out"),
        (["--start-still", "3"], "leave --start-still out"),
        (["--for", "reels"], "leave --for out"),
        (["--jobs", "2"], "leave --jobs out"),
        (["--save-depth", "a.png"], "leave --save-depth out"),
        (["-o", "maps.png"], "give a folder"),
        (["--save-depth-preview", "c.png"], "put {stem} into it"),
        (["--depth", "d.png"], "put {stem} into it"),
        (["-o", "/proc/maps"], "/proc/maps"),
        (["--depth-model", "moonshot"], "moonshot is unknown"),
    ],
)
def test_what_makes_no_sense_without_a_clip(tmp_path, photos, monkeypatch, capsys, arguments, says) -> None:
    assert run_in(tmp_path / "work", monkeypatch, photos, "-q", *arguments) == 1
    error = capsys.readouterr().err
    assert says in error and error.count("\n") == 1 and "bug" not in error
    assert files_in(tmp_path / "work") == set()


def test_colours_are_warm_near_and_cold_far(tmp_path, two_planes) -> None:
    scene = two_planes(96, 64)
    photo = photo_from_array(scene.rgb)
    write_depth_preview(tmp_path / "c.png", DepthMap(scene.disc.astype(np.float32), None, "drawn"), photo)
    colours = np.asarray(Image.open(tmp_path / "c.png")).astype(int)
    assert colours.shape == (64, 96, 3)
    near, far = colours[scene.disc].mean(axis=0), colours[~scene.disc].mean(axis=0)
    assert near[0] > near[2] + 50 and far[2] > far[0]


def test_depth_files_of_a_batch_have_the_photos_names(tmp_path, photos, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    maps = ("--save-depth", "{stem}-d.png", "--save-depth-preview", "{stem}-c.png")
    assert cli.main([str(photos), *FAST, "--path", "pan,orbit", *maps, "-o", "clips", "-q"]) == 0
    assert {"a-d.png", "b-d.png", "a-c.png", "b-c.png"} <= files_in(tmp_path)
    assert cli.main([str(photos / "a.png"), *FAST, "--save-depth", "{stem}-e.png", "-q"]) == 0
    assert (tmp_path / "a-e.png").read_bytes() == (tmp_path / "a-d.png").read_bytes()
    assert cli.main([str(photos), *FAST, "--save-depth", "d.png", "-o", "clips", "-q"]) == 1
    assert "--save-depth fits one photo, not 2: put {stem} into it" in capsys.readouterr().err


def test_the_photo_itself_is_never_replaced(photos, monkeypatch, capsys) -> None:
    before = {name: (photos / name).read_bytes() for name in ("a.png", "b.png")}
    assert run_in(photos, monkeypatch, photos / "a.png", "-o", "a.png", "--overwrite") == 1
    assert run_in(photos, monkeypatch, photos, "--save-depth-preview", "{stem}.png") == 1
    assert cli.main(["a.png", *FAST, "--save-depth", "{stem}.png"]) == 1
    assert capsys.readouterr().err.count("is the photo itself") == 4
    assert {name: (photos / name).read_bytes() for name in before} == before


def test_map_beside_the_photo_is_used_and_depth_overrides_it(tmp_path, photos, two_planes, caplog) -> None:
    scene = two_planes(96, 64)
    photo = photo_from_array(scene.rgb)
    beside, other = photos / "a.depth.png", tmp_path / "other.png"
    write_depth(beside, DepthMap(scene.disparity, None, "drawn"), photo)
    write_depth(other, DepthMap(1 - scene.disparity, None, "drawn"), photo)
    options = {"output": tmp_path / "clip.mp4", "seconds": 0.1, "preset": "ultrafast"}
    assert render_photo(photos / "a.png", **options).depth_source == str(beside)
    assert render_photo(photos / "a.png", depth=other, **options).depth_source == str(other)
    assert render_photo(photos / "b.png", **options).depth_source == "built-in network"


@pytest.mark.parametrize(
    ("disparity", "says"),
    [
        (np.full((4, 5), np.nan, np.float32), "must be in 0..1, not nan"),
        (np.array([[0.5, np.inf]], np.float32), "not 0.5..inf"),
        (np.array([[0, 200]], np.float32), "normalise_disparity scales it"),
        (np.zeros((4, 5, 3), np.float32), r"must be \(height, width\) float32, not \(4, 5, 3\)"),
        (np.zeros((4, 5)), "float64"),
        (np.zeros((0, 5), np.float32), r"\(0, 5\)"),
        ([[0.5]], "float64"),
    ],
)
def test_depth_maps_that_are_none(disparity, says) -> None:
    with pytest.raises(InputError, match=says) as caught:
        DepthMap(disparity, None, "mine")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="subject"):
        DepthMap(np.zeros((4, 5), np.float32), disparity, "mine")


def test_command_starts_as_quickly_as_before() -> None:
    assert heavy_modules_after("from photo3d_video.cli import command; command.make_parser()") == "set()"
