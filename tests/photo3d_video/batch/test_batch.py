"""Batches: what is made, under which names, how often the slow stages run, and what a stop leaves behind."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photo3d_video import InputError, OutputError, run, stages
from photo3d_video.batch.batch import Outcome, run_batch
from photo3d_video.batch.jobs import Job, Request, find_photos, plan_jobs, split_paths
from photo3d_video.batch.manifest import Manifest
from photo3d_video.batch.naming import check_name, clip_name, unique_stems
from photo3d_video.cli import command as cli
from photo3d_video.cli.dashboard import Quiet, list_failures, summarise, time_left
from photo3d_video.progress import STAGES

FAST = ("--seconds", "0.15", "--preset", "ultrafast")
SETTINGS: dict[str, Any] = {"seconds": 0.15, "preset": "ultrafast"}


@pytest.fixture
def photos(tmp_path: Path, two_planes) -> Path:
    """A folder with three photos a, b, c, each with its depth map beside it."""
    folder = tmp_path / "photos"
    folder.mkdir()
    planes = two_planes(96, 64)
    for n, name in enumerate("abc"):
        Image.fromarray(np.roll(planes.rgb, 9 * n, axis=0)).save(folder / f"{name}.png")
        Image.fromarray((planes.disparity * 65535).astype(np.uint16)).save(folder / f"{name}.depth.png")
    return folder


def clips_in(folder: Path) -> set[str]:
    return {file.name for file in folder.iterdir()} - {"manifest.json"}


def statuses(folder: Path) -> dict[str, str]:
    return {entry["output"]: entry["status"] for entry in json.loads((folder / "manifest.json").read_text())["clips"]}


def jobs_for(photos: Path, paths: tuple[str, ...], folder: Path, **settings: Any) -> list[Job]:
    requests = [Request(photo, path, SETTINGS | settings) for photo in find_photos([str(photos)]) for path in paths]
    return plan_jobs(requests, folder, "{stem}_{path}")


@pytest.fixture
def calls(monkeypatch) -> Counter[str]:
    """How often the slow stages run."""
    counted: Counter[str] = Counter()

    def count(module: ModuleType, name: str) -> None:
        original = getattr(module, name)

        def wrapper(*args: Any, **options: Any) -> Any:
            counted[name] += 1
            return original(*args, **options)

        monkeypatch.setattr(module, name, wrapper)

    for name in ("load_photo", "render_frames"):
        count(run, name)
    for name in ("estimate_depth", "read_depth", "make_layers", "make_scene"):
        count(stages, name)
    return counted


def test_every_photo_with_every_path(tmp_path, photos, calls, decode, capsys) -> None:
    (photos / "b.png").write_text("no picture")
    code = cli.main([str(photos), "--path", "pan,orbit", "-o", str(tmp_path / "clips"), "--timings", *FAST])
    told = capsys.readouterr()
    assert code == 1
    assert clips_in(tmp_path / "clips") == {f"{stem}_{path}.mp4" for stem in "ac" for path in ("pan", "orbit")}
    assert calls == {"load_photo": 4, "read_depth": 2, "make_layers": 2, "make_scene": 2, "render_frames": 4}
    assert decode(tmp_path / "clips" / "c_orbit.mp4").frames.shape[1:] == (64, 96, 3)
    lines = told.out.splitlines()
    assert lines[-len(STAGES) - 1] == "6 clips: 4 made, 2 failed"
    assert told.err.splitlines()[-1].startswith(f"failed: {photos / 'b.png'} (pan, orbit): {photos / 'b.png'} is not a")
    entries = {entry["output"]: entry for entry in json.loads((tmp_path / "clips/manifest.json").read_text())["clips"]}
    assert set(entries) == {f"{stem}_{path}.mp4" for stem in "abc" for path in ("pan", "orbit")}
    good, bad = entries["a_pan.mp4"], entries["b_pan.mp4"]
    assert (good["status"], good["size"], good["path"]) == ("done", [96, 64], "pan")
    assert good["frames"] == len(decode(tmp_path / "clips" / "a_pan.mp4").frames) and good["fps"] == 30
    assert good["input"] == str(photos / "a.png") and good["depth"] == str(photos / "a.depth.png")
    assert good["settings"] == SETTINGS and 0 < good["seconds"] < 60 and set(good["stages"]) >= {"load", "render"}
    for stage, line in zip(STAGES, lines[-len(STAGES) :], strict=True):
        total = sum(entry["stages"][stage] for entry in entries.values() if entry["stages"])
        name, seconds, _ = line.split()
        assert name == stage and abs(float(seconds) - total) < 0.02
    assert bad["status"] == "failed" and "not a readable picture" in bad["reason"] and bad["seconds"] is None


def test_depth_is_estimated_once_where_there_is_no_map(tmp_path, photos, calls) -> None:
    for map_file in photos.glob("*.depth.png"):
        map_file.unlink()
    run_batch(jobs_for(photos, ("pan", "orbit"), tmp_path / "clips")[:4], tmp_path / "clips", Quiet())
    assert (calls["estimate_depth"], calls["make_layers"], calls["render_frames"]) == (2, 2, 4)


def test_scenes_are_shared_by_what_agrees_in_them(tmp_path, photos, calls) -> None:
    requests = [
        Request(photos / "a.png", path, SETTINGS | {"strength": strength}, f"{{path}}{strength:g}")
        for path in ("pan", "orbit")
        for strength in (0.5, 1.0)
    ]
    run_batch(plan_jobs(requests, tmp_path / "clips", "{stem}"), tmp_path / "clips", Quiet())
    assert (calls["load_photo"], calls["read_depth"], calls["make_layers"]) == (1, 1, 2)
    assert clips_in(tmp_path / "clips") == {"pan0.5.mp4", "pan1.mp4", "orbit0.5.mp4", "orbit1.mp4"}


def test_what_exists_is_kept_or_made_again_only_when_asked(tmp_path, photos, calls, caplog) -> None:
    folder = tmp_path / "clips"
    jobs = jobs_for(photos, ("pan",), folder)
    run_batch(jobs[:2], folder, Quiet())
    before = (folder / "a_pan.mp4").read_bytes()
    with pytest.raises(OutputError, match=r"a_pan.mp4 and 1 more exist already.*--skip-existing.*--overwrite"):
        run_batch(jobs, folder, Quiet())
    assert clips_in(folder) == {"a_pan.mp4", "b_pan.mp4"} and calls["render_frames"] == 2
    (folder / "c_pan.mp4").write_bytes(b"mine")
    outcomes = run_batch(jobs, folder, Quiet(), skip_existing=True)
    assert [outcome.status for outcome in outcomes] == ["found"] * 3 and calls["render_frames"] == 2
    assert (folder / "a_pan.mp4").read_bytes() == before and (folder / "c_pan.mp4").read_bytes() == b"mine"
    assert statuses(folder) == {"a_pan.mp4": "done", "b_pan.mp4": "done", "c_pan.mp4": "found"}
    assert not caplog.records or "other settings" not in caplog.text
    run_batch(jobs_for(photos, ("pan",), folder, strength=0.5), folder, Quiet(), skip_existing=True)
    assert "2 of the clips that exist were made with other settings" in caplog.text
    run_batch(jobs, folder, Quiet(), overwrite=True)
    assert calls["render_frames"] == 5 and set(statuses(folder).values()) == {"done"}


def test_a_clip_of_another_photo_is_not_taken_for_this_ones(tmp_path, photos) -> None:
    folder = tmp_path / "clips"
    run_batch(jobs_for(photos, ("pan",), folder)[:1], folder, Quiet())
    other = Job(photos / "b.png", "pan", SETTINGS, folder / "a_pan.mp4")
    (outcome,) = run_batch([other], folder, Quiet(), skip_existing=True)
    assert outcome.status == "failed" and "was made from" in (outcome.reason or "")


def test_worker_processes(tmp_path, photos, capsys) -> None:
    (photos / "b.png").write_text("no picture")
    code = cli.main([str(photos), "--path", "pan,orbit", "-o", str(tmp_path / "clips"), *FAST, "--jobs", "2"])
    told = capsys.readouterr()
    assert code == 1 and told.out.splitlines()[-1] == "6 clips: 4 made, 2 failed", told.err
    assert clips_in(tmp_path / "clips") == {f"{stem}_{path}.mp4" for stem in "ac" for path in ("pan", "orbit")}
    assert Counter(statuses(tmp_path / "clips").values()) == {"done": 4, "failed": 2}
    assert "Traceback" not in told.err


def wait_for(folder: Path, n_clips: int, process) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if folder.is_dir() and len(list(folder.glob("[a-c]_*.mp4"))) >= n_clips:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    raise AssertionError("no clip appeared")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_kill_loses_nothing_and_resuming_makes_the_rest(tmp_path, photos, command, decode, workers) -> None:
    folder = tmp_path / "clips"
    arguments = (photos, "--path", "pan,orbit,swing", "-o", folder, "--jobs", workers, "--seconds", "0.6", "-q")
    with command.popen(*arguments, cwd=tmp_path) as process:
        wait_for(folder, 2, process)
        process.kill()
    time.sleep(0.5)  # workers and encoders notice
    clips = {file: (file.stat().st_mtime_ns, len(decode(file).frames)) for file in folder.glob("[a-c]_*.mp4")}
    assert 2 <= len(clips) < 9 and {frames for _, frames in clips.values()} == {18}
    assert len(statuses(folder)) == 9
    assert sum(status == "done" for status in statuses(folder).values()) >= len(clips) - int(workers)

    result = command(*arguments, "--skip-existing", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert clips_in(folder) == {f"{stem}_{path}.mp4" for stem in "abc" for path in ("pan", "orbit", "swing")}
    assert set(statuses(folder).values()) == {"done"}
    assert {file: file.stat().st_mtime_ns for file in clips} == {file: changed for file, (changed, _) in clips.items()}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_interrupt_stops_cleanly(tmp_path, photos, command, workers) -> None:
    folder = tmp_path / "clips"
    arguments = (photos, "--path", "pan,orbit,swing", "-o", folder, "--jobs", workers, "--seconds", "0.6", "-q")
    with command.popen(*arguments, cwd=tmp_path) as process:
        wait_for(folder, 1, process)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert err == "render-3dphoto: error: interrupted: what is finished stays, --skip-existing makes the rest\n"
    made = {name for name, status in statuses(folder).items() if status == "done"}
    assert clips_in(folder) == made and 1 <= len(made) < 9
    assert set(statuses(folder).values()) == {"done", "pending"}


def test_an_interrupted_overwrite_goes_on(tmp_path, photos, calls) -> None:
    folder = tmp_path / "clips"
    jobs = jobs_for(photos, ("pan",), folder)
    run_batch(jobs, folder, Quiet())

    class Impatient(Quiet):
        def end_clip(self, worker: int, outcome: Outcome) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_batch(jobs, folder, Impatient(), overwrite=True)
    assert calls["render_frames"] == 4
    outcomes = run_batch(jobs, folder, Quiet(), skip_existing=True)
    assert sorted(outcome.status for outcome in outcomes) == ["done", "done", "found"]


def test_usage(tmp_path, photos, capsys) -> None:
    for arguments, says in (
        ([str(photos), "--depth", "d.png"], "--depth fits one photo, not 3"),
        ([str(photos), "-o", "clip.mp4"], "give a folder"),
        ([str(photos), "--path", "pan,moonwalk"], "moonwalk"),
        ([str(photos), "--path", "pan,"], "comma"),
        ([str(photos), "--name", "{photo}"], "{photo}"),
        ([str(photos), "--name", "same"], "both make same.mp4"),
        ([str(photos), "--name", "x{index}.gif", "--codec", "h264"], "codec"),
        ([str(tmp_path), "--path", "pan"], "--recursive"),
        ([str(photos / "*.webp"), "--path", "pan"], "no photo matches"),
        (["--jobs-file", "jobs.csv", "a.jpg"], "leave a.jpg out"),
    ):
        assert cli.main(arguments) == 1
        err = capsys.readouterr().err
        assert err.count("\n") == 1 and says in err, err


def test_photos_are_found(tmp_path, photos, monkeypatch) -> None:
    (photos / "deeper").mkdir()
    (photos / "deeper" / "d.JPG").touch()
    (photos / ".hidden.jpg").touch()
    (photos / "notes.txt").touch()
    names = [photos / "a.png", photos / "b.png", photos / "c.png"]
    assert find_photos([str(photos)]) == names
    assert find_photos([str(photos)], recursive=True) == [*names, photos / "deeper" / "d.JPG"]
    assert find_photos([str(photos / "[ab]*.png"), str(photos / "a.png")]) == names[:2]
    assert find_photos(["missing.jpg"]) == [Path("missing.jpg")], "its failure is its own"
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my,moves.json").touch()
    assert split_paths("my,moves.json") == ["my,moves.json"] and split_paths("pan, orbit,pan") == ["pan", "orbit"]


def test_names_are_told_apart_the_same_way_each_time() -> None:
    x, y = Path("/x/IMG.jpg"), Path("/y/img.jpg")
    assert unique_stems([Path("/x/a.jpg"), x]) == {Path("/x/a.jpg"): "a", x: "IMG"}
    assert unique_stems([x, Path("/x/IMG.png")]) == {x: "IMG-jpg", Path("/x/IMG.png"): "IMG-png"}
    assert unique_stems([x, y]) == {x: "x-IMG", y: "y-img"}
    assert list(unique_stems([x, Path("/x/img.png"), y]).values()) == ["x-IMG-jpg", "x-img-png", "y-img-jpg"]
    same = [Path("/1/x/a.jpg"), Path("/2/x/a.jpg")]
    assert list(unique_stems(same).values()) == ["x-a-jpg", "x-a-jpg-2"]


def test_name_templates() -> None:
    assert clip_name("{index}-{stem}.{path}", "a{b}", "pan", 7, 120) == "007-a{b}.pan"
    assert clip_name("{index:d}{{}}", "a", "pan", 7, 120) == "7{}"
    for template in (
        "{",
        "{0}",
        "{}",
        "{stem.x}",
        "{stem!r}",
        "{index:s}",
        "a/{stem}",
        "{stem}:",
        ".{stem}",
        "{photo}",
    ):
        with pytest.raises(InputError, match="--name"):
            check_name(template)


def test_manifests_that_are_none_are_left_alone(tmp_path) -> None:
    for text in ("", "[]", '{"version": 2, "clips": []}', '{"version": 1, "clips": [1]}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(InputError, match="move it away"):
            Manifest(tmp_path)
        assert (tmp_path / "manifest.json").read_text() == text


def test_times_and_summaries() -> None:
    assert [time_left(*given) for given in ((0, 5, 9), (5, 5, 9), (1, 5, 10), (1, 9, 15), (1, 1000, 10))] == [
        "", "", "about 40 s left", "about 2:00 min left", "about 2:46 h left",
    ]  # fmt: skip
    job = Job(Path("a.jpg"), "pan", {}, Path("a_pan.mp4"))
    assert summarise([Outcome(job, "found"), Outcome(job, "failed", "so")]) == "2 clips: 1 there before, 1 failed"
    assert list_failures([Outcome(job, "failed", "so"), Outcome(job, "found")]) == ["failed: a.jpg (pan): so"]
