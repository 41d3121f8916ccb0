"""Depth models by name: what is on the disk, what `auto` takes, what the command says, and what is fetched."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from photo3d_video import InputError, WeightsError, estimate_depth
from photo3d_video.cache import Cache
from photo3d_video.cli import command as cli
from photo3d_video.depth import models, transformers_depth
from photo3d_video.depth.models import MODELS, LocalModel, find_model
from tests.depth_models import SIZE, SMALL, copy_of, put_into_hub
from tests.imports import heavy_modules_after


@pytest.fixture
def rgb(two_planes) -> np.ndarray:
    return two_planes(*SIZE).rgb


def test_names(hub, monkeypatch) -> None:
    assert find_model("built-in") is None and find_model("auto") is None
    with pytest.raises(InputError, match=r"moonshot is unknown: give auto, built-in, depth-anything-v2-small.*OWNER"):
        find_model("moonshot")
    line = r"not on this disk: --depth-model apple/DepthPro-hf --download fetches it \(apple/.*research only"
    with pytest.raises(WeightsError, match=line):
        find_model("apple/DepthPro-hf")
    with pytest.raises(WeightsError, match="someone/depth is not on this disk"):
        find_model("someone/depth")
    monkeypatch.setattr(models, "_has_transformers", lambda: False)
    cure = r"needs the library transformers: pip install 'photo3d-video\[models\]'"
    for name in ("apple/DepthPro-hf", "someone/depth"):
        with pytest.raises(WeightsError, match=cure):
            find_model(name, download=True)


def test_short_names_are_pinned_to_commits() -> None:
    assert all(model.revision and model.licence for name, model in MODELS.items() if "/" not in name)


def test_auto_takes_the_best_that_is_there_and_free(saved, hub, rgb, monkeypatch) -> None:
    folder = saved("depth-anything")
    put_into_hub(hub, MODELS["depth-anything-v2-large"], folder, MODELS["depth-anything-v2-large"].revision or "")
    assert find_model() is None, "not for commercial use"
    put_into_hub(hub, MODELS["dpt-large"], saved("dpt"), "bc15f29" + "0" * 33)
    assert find_model().name == "dpt-large"
    snapshot = put_into_hub(hub, SMALL, folder, SMALL.revision or "")
    assert find_model() == LocalModel("depth-anything-v2-small", snapshot, "Apache-2.0", True, automatic=True)
    assert estimate_depth(rgb).source == "depth-anything-v2-small (Apache-2.0)"
    assert find_model(SMALL.hub_id).licence == "Apache-2.0"
    monkeypatch.setattr(models, "_has_transformers", lambda: False)
    assert find_model() is None


def test_another_commit_than_the_pinned_one_is_not_used(saved, hub) -> None:
    put_into_hub(hub, SMALL, saved("depth-anything"), "0" * 40)
    assert find_model() is None
    with pytest.raises(WeightsError, match="not on this disk"):
        find_model("depth-anything-v2-small")


def test_a_broken_model_in_the_cache_does_not_stop_a_run(saved, hub, rgb, tmp_path, caplog) -> None:
    folder = copy_of(saved("depth-anything"), tmp_path / "broken")
    (folder / models.WEIGHTS).write_bytes(b"damaged")
    put_into_hub(hub, SMALL, folder, SMALL.revision or "")
    assert estimate_depth(rgb).source == "built-in network"
    assert "the built-in network is used instead" in caplog.text
    with pytest.raises(WeightsError, match="cannot be loaded"):
        estimate_depth(rgb, "depth-anything-v2-small")


def test_what_stands_in_for_a_model_is_not_kept_as_its_depth(saved, hub, rgb, cache, monkeypatch, caplog) -> None:
    put_into_hub(hub, SMALL, saved("depth-anything"), SMALL.revision or "")

    def fail(*_: object) -> None:
        raise WeightsError("too little memory")

    with monkeypatch.context() as patch:
        patch.setattr(transformers_depth, "estimate", fail)
        for _ in range(2):
            caplog.clear()
            assert estimate_depth(rgb, store=Cache(cache)).source == "built-in network"
            assert "the built-in network is used instead" in caplog.text, "it is told each time"
    assert len(list(cache.iterdir())) == 1, "the built-in network's own entry"
    assert estimate_depth(rgb, store=Cache(cache)).source == "depth-anything-v2-small (Apache-2.0)"
    monkeypatch.setattr(transformers_depth, "estimate", fail)
    assert estimate_depth(rgb, store=Cache(cache)).source == "depth-anything-v2-small (Apache-2.0)", "kept"


def test_licence_that_forbids_commerce_is_told(saved, hub, rgb, caplog) -> None:
    model = MODELS["depth-anything-v2-base"]
    put_into_hub(hub, model, saved("depth-anything"), model.revision or "")
    estimate_depth(rgb, "depth-anything-v2-base")
    assert "must not be used commercially: its licence is CC-BY-NC-4.0" in caplog.text


def test_looking_for_models_imports_nothing_heavy() -> None:
    code = "from photo3d_video.depth.models import find_model; assert find_model() is None"
    assert heavy_modules_after(code) == "set()"


def test_named_models_are_listed_with_their_licences(saved, hub, capsys) -> None:
    put_into_hub(hub, SMALL, saved("depth-anything"), SMALL.revision or "")
    with pytest.raises(SystemExit) as ended:
        cli.main(["--list-depth-models"])
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert ended.value.code == 0 and set(lines) == {"auto", "built-in", *MODELS}
    assert "Apache-2.0; on this disk" in lines["depth-anything-v2-small"]
    assert "CC-BY-NC-4.0, not for commercial use; not on this disk" in lines["depth-anything-v2-large"]


def test_a_clip_and_a_batch_with_a_model(saved, tmp_path, photo_file, capsys, monkeypatch) -> None:
    fast = ["--seconds", "0.1", "--preset", "ultrafast", "--depth-model", str(saved("depth-anything")), "--no-cache"]
    transformers_depth.load.cache_clear()
    assert cli.main([str(photo_file), *fast, "-v", "-o", str(tmp_path / "clip.mp4")]) == 0
    assert f"depth: {saved('depth-anything')}" in capsys.readouterr().err
    (photo_file.parent / "other.png").write_bytes(photo_file.read_bytes())
    assert cli.main([str(photo_file.parent), *fast, "-o", str(tmp_path / "clips")]) == 0
    assert transformers_depth.load.cache_info().misses == 1, "loaded once"
    entries = json.loads((tmp_path / "clips" / "manifest.json").read_text())["clips"]
    assert [entry["settings"]["depth_model"] for entry in entries] == [str(saved("depth-anything"))] * 2


def test_model_that_is_missing_stops_a_batch_at_once(tmp_path, photo_file, hub, capsys) -> None:
    (photo_file.parent / "other.png").write_bytes(photo_file.read_bytes())
    assert cli.main([str(photo_file.parent), "--depth-model", "apple/DepthPro-hf", "-o", str(tmp_path / "clips")]) == 1
    line = "render-3dphoto: error: --depth-model apple/DepthPro-hf is not on this disk"
    assert capsys.readouterr().err.startswith(line)
    assert not (tmp_path / "clips").exists()


def test_job_files_name_models_and_folders_beside_them(saved, tmp_path, photo_file, hub) -> None:
    from photo3d_video.batch.jobsfile import read_jobs

    (tmp_path / "mine").symlink_to(saved("dpt"))
    (tmp_path / "jobs.csv").write_text("photo,depth-model\nin/photo.png,mine\nin/photo.png,built-in\n")
    requests = read_jobs(tmp_path / "jobs.csv", cli.parse_setting)
    assert [request.settings["depth_model"] for request in requests] == [str(tmp_path / "mine"), "built-in"]
    (tmp_path / "jobs.csv").write_text("photo,depth-model\nin/photo.png,apple/DepthPro-hf\n")
    with pytest.raises(InputError, match="line 2, depth-model: --depth-model apple/DepthPro-hf is not on this disk"):
        read_jobs(tmp_path / "jobs.csv", cli.parse_setting)


class Hub(BaseHTTPRequestHandler):
    """As much of the hub as a download asks for."""

    files: dict[str, bytes]
    asked: list[str]

    def do_HEAD(self) -> None:
        self.answer(with_body=False)

    def do_GET(self) -> None:
        self.answer(with_body=True)

    def answer(self, with_body: bool) -> None:
        self.asked.append(self.path)
        commit, name = SMALL.revision or "", self.path.split("?")[0].rsplit("/", 1)[-1]
        if "/api/models/" in self.path and "/tree/" in self.path:
            listing = [{"type": "file", "path": n, "size": len(d), "oid": "0" * 40} for n, d in self.files.items()]
            body = json.dumps(listing).encode()
        elif "/api/models/" in self.path:
            siblings = [{"rfilename": name} for name in self.files]
            body = json.dumps({"id": SMALL.hub_id, "sha": commit, "siblings": siblings, "private": False}).encode()
        elif name in self.files:
            body = self.files[name]
        else:
            self.send_error(404)
            return
        self.send_response(200)
        for key, value in {"Content-Length": str(len(body)), "X-Repo-Commit": commit, "ETag": f'"{name}"'}.items():
            self.send_header(key, value)
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server(saved) -> Iterator[str]:
    """A hub on this machine that has the small model."""
    Hub.files = {file.name: file.read_bytes() for file in saved("depth-anything").iterdir()}
    Hub.files |= {"pytorch_model.bin": b"pickle", "modeling.py": b"code"}
    Hub.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as http:
        threading.Thread(target=http.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()


def test_download_fetches_what_is_needed_and_nothing_without_it(
    server, hub, tmp_path, photo_file, command, monkeypatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", server)
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    name = ("--depth-model", "depth-anything-v2-small")
    refused = command(photo_file, *name, "-q", cwd=tmp_path)
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1 and "--download fetches it" in refused.stderr
    assert Hub.asked == [], "no access that nobody asked for"

    fetched = command(*name, "--download", cwd=tmp_path)
    assert fetched.returncode == 0, fetched.stderr
    assert "%" in fetched.stderr, "progress"
    assert fetched.stderr.splitlines()[-1] == "depth-anything-v2-small is on this disk, licence Apache-2.0"
    snapshot = find_model("depth-anything-v2-small").folder
    assert {file.name for file in snapshot.iterdir()} == {models.CONFIG, models.PROCESSOR, models.WEIGHTS}

    Hub.asked.clear()
    result = command(photo_file, "--download", "--depth-only", "-v", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert "photo.depth.png: 160x120, depth-anything-v2-small (Apache-2.0)" in result.stdout
    assert Hub.asked == [], "it is on the disk"


def test_download_that_fails_is_one_line(hub, tmp_path, command, monkeypatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    result = command("--depth-model", "dpt-large", "--download", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("render-3dphoto: error: cannot fetch Intel/dpt-large (")
    assert "Traceback" not in result.stderr and not list(hub.rglob("*.safetensors"))
