"""Job files: what they ask for, and mistakes by row and key before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from photo3d_video import InputError
from photo3d_video.batch.jobs import plan_jobs
from photo3d_video.batch.jobsfile import read_jobs
from photo3d_video.cli.command import parse_setting

TOML = """
[defaults]
seconds = 3
[[job]]
photo = "a.png"
path = "orbit,pan"
focus = [0.25, 0.5]
reverse = true
[[job]]
photo = "sub/b.png"
depth = "map.npy"
size = "64x48"
seconds = 0.5
name = "second_{index}.webm"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name in ("a.png", "sub/b.png", "map.npy"):
        (tmp_path / name).touch()
    return tmp_path


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / name
    file.write_text(text)
    return file


def test_toml(folder) -> None:
    requests = read_jobs(
        write(folder, "jobs.toml", TOML), parse_setting, {"path": "swing", "fps": 24.0, "seconds": 9.0}
    )
    assert [(request.photo, request.path) for request in requests] == [
        (folder / "a.png", "orbit"), (folder / "a.png", "pan"), (folder / "sub/b.png", "swing"),
    ]  # fmt: skip
    assert requests[0].settings == {"seconds": 3.0, "fps": 24.0, "focus_xy": (0.25, 0.5), "reverse": True}
    assert requests[2].settings == {"seconds": 0.5, "fps": 24.0, "depth": str(folder / "map.npy"), "size": (64, 48)}
    jobs = plan_jobs(requests, Path("out"), "{stem}_{path}")
    assert [job.output.as_posix() for job in jobs] == ["out/a_orbit.mp4", "out/a_pan.mp4", "out/second_3.webm"]


@pytest.mark.parametrize("delimiter", [",", ";"])
def test_csv(folder, delimiter) -> None:
    rows = ["\ufeffphoto,path,strength,reverse,start-still", "a.png,pan,0.5,yes,", "", "sub/b.png,,,no,1"]
    file = write(folder, "jobs.csv", "\r\n".join(rows).replace(",", delimiter))
    first, second = read_jobs(file, parse_setting)
    assert (first.path, first.settings) == ("pan", {"strength": 0.5, "reverse": True})
    assert (second.path, second.settings) == ("dolly-zoom", {"start_still_s": 1.0})


def test_files_are_relative_to_the_job_file(folder) -> None:
    moves = '{"version": 1, "keyframes": [{"time": 0, "position": [0, 0, 0]}, {"time": 1, "position": [0.1, 0, 0]}]}'
    write(folder, "sub/moves.json", moves)
    file = write(folder, "sub/jobs.csv", "photo,path,save-depth\n../a.png,moves.json,d.png\n")
    (request,) = read_jobs(file, parse_setting)
    assert request.photo.samefile(folder / "a.png") and Path(request.path).samefile(folder / "sub/moves.json")
    assert request.settings == {"save_depth": str(folder / "sub" / "d.png")}


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("jobs.csv", "photo,strength\na.png,3\n", r"line 2, strength: --strength 3 is out of range"),
        ("jobs.csv", "photo,strength\na.png,1\na.png,x\n", r"line 3, strength: 'x' is not a number"),
        ("jobs.csv", "photo,fps\na.png,999\n", r"line 2, fps: 999"),
        ("jobs.csv", "photo,path\na.png,moonwalk\n", r"line 2, path: .*moonwalk"),
        ("jobs.csv", "photo,easing\na.png,wobbly\n", r"line 2, .*wobbly"),
        ("jobs.csv", "photo,path\nb.png,pan\n", r"line 2, photo: .*b.png is no file"),
        ("jobs.csv", "photo,depth\na.png,no.npy\n", r"line 2, depth: .*no.npy is no file"),
        ("jobs.csv", "photo,sparkle\na.png,1\n", r"line 2, sparkle: unknown"),
        ("jobs.csv", "photo,output\na.png,x.mp4\n", r"line 2, output: unknown"),
        ("jobs.csv", "photo,jobs\na.png,4\n", r"line 2, jobs: unknown"),
        ("jobs.csv", "photo,reverse\na.png,perhaps\n", r"line 2, reverse: 'perhaps' is neither"),
        ("jobs.csv", "photo,name\na.png,{nose}\n", r"line 2, name: .*nose"),
        ("jobs.csv", "photo,size\na.png,99x99\n", r"line 2, size: --size 99x99"),
        ("jobs.csv", "photo,crf\na.png,99\n", r"line 2, crf: CRF 99"),
        ("jobs.csv", "path\npan\n", r"line 2: photo is missing"),
        ("jobs.csv", "photo,path\na.png,pan,1\n", r"line 2: more cells"),
        ("jobs.csv", "photo,photo\na.png,a.png\n", r"twice"),
        ("jobs.csv", "photo\n", r"no clip"),
        ("jobs.csv", "", r"no clip"),
        ("jobs.toml", "[[job]]\nphoto = 3\n", r"job 1, photo: give a text|job 1, photo: .*3 is no file"),
        ("jobs.toml", '[[job]]\nphoto = "a.png"\nseconds = true\n', r"job 1, seconds: give a value"),
        ("jobs.toml", '[[job]]\nphoto = "a.png"\nfocus = {x = 1}\n', r"job 1, focus: give a text"),
        ("jobs.toml", '[[job]]\nphoto = "a.png"\nseconds = nan\n', r"job 1, seconds: 'nan' is not a number"),
        ("jobs.toml", '[job]\nphoto = "a.png"\n', r"double brackets"),
        ("jobs.toml", "[clips]\n", r"clips is unknown"),
        ("jobs.toml", "[[job\n", r"not valid TOML"),
        ("jobs.json", "{}", r"\.toml or \.csv"),
    ],
)
def test_mistakes_name_row_and_key(folder, name, text, says) -> None:
    with pytest.raises(InputError, match=says) as caught:
        plan_jobs(read_jobs(write(folder, name, text), parse_setting), folder, "{stem}")
    assert "\n" not in str(caught.value) and name in str(caught.value)


def test_all_mistakes_are_told_at_once(folder) -> None:
    text = "photo,strength,fps\n" + "a.png,x,y\n" * 6
    with pytest.raises(InputError, match=r"line 2, strength.*line 2, fps.*line 5, fps.*; and 4 more mistakes$"):
        read_jobs(write(folder, "jobs.csv", text), parse_setting)


def test_two_rows_with_one_name(folder) -> None:
    file = write(folder, "jobs.csv", "photo,path,strength\na.png,pan,1\na.png,pan,2\n")
    with pytest.raises(InputError, match=r"jobs.csv line 2 and jobs.csv line 3 would both make a_pan.mp4"):
        plan_jobs(read_jobs(file, parse_setting), folder, "{stem}_{path}")


def test_missing_and_binary_files(folder) -> None:
    with pytest.raises(InputError, match=r"cannot read .*no\.csv"):
        read_jobs(folder / "no.csv", parse_setting)
    (folder / "jobs.csv").write_bytes(b"\xff\xfe\x00photo")
    with pytest.raises(InputError, match="UTF-8"):
        read_jobs(folder / "jobs.csv", parse_setting)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(["csv", "toml"]), text=st.text(alphabet="photo,path=[]\"\n;a.ng1-{}\0'", max_size=60))
def test_no_text_is_a_traceback(folder, kind, text) -> None:
    try:
        read_jobs(write(folder, f"jobs.{kind}", text), parse_setting)
    except InputError as error:
        assert "\n" not in str(error)
