"""Depth models of the transformers library: tiny ones with random weights, saved and loaded as the large ones are."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from photo3d_video import InputError, Picture, WeightsError, cli, estimate_depth, frame_photo, frame_picture
from photo3d_video.cache import Cache
from photo3d_video.depth import models, transformers_depth
from photo3d_video.depth.builtin import without_triton
from photo3d_video.depth.models import MODELS, LocalModel, find_model
from photo3d_video.photo import photo_from_array
from tests.imports import heavy_modules_after

SIZE = (120, 90)
SMALL = MODELS["depth-anything-v2-small"]

# Whether a family gives distances (else inverse depth).
FAMILIES = {
    "depth-anything": False,
    "depth-anything-metric": True,
    "depth-pro": False,
    "dpt": False,
    "dpt-dinov2": True,
    "glpn": True,
    "zoedepth": True,
}


def make(family: str) -> tuple[Any, Any]:
    """A tiny model and its processor."""
    import transformers as t

    encoder = {"hidden_size": 16, "num_hidden_layers": 4, "num_attention_heads": 2, "intermediate_size": 32}
    neck: dict[str, Any] = {"neck_hidden_sizes": [4, 4, 8, 8], "fusion_hidden_size": 8}
    dinov2 = {"image_size": 28, "patch_size": 14, "reshape_hidden_states": False, "out_indices": [1, 2, 3, 4]}
    patches_of_14 = t.DPTImageProcessor(size={"height": 56, "width": 56}, keep_aspect_ratio=True, ensure_multiple_of=14)
    match family:
        case "depth-anything" | "depth-anything-metric":
            kind = "metric" if family.endswith("metric") else "relative"
            config = t.DepthAnythingConfig(
                backbone_config=t.Dinov2Config(**encoder, **dinov2), patch_size=14, reassemble_hidden_size=16,
                head_hidden_size=8, depth_estimation_type=kind, max_depth=20, **neck,
            )  # fmt: skip
            return t.DepthAnythingForDepthEstimation(config), patches_of_14
        case "depth-pro":
            part = encoder | {"model_type": "dinov2", "num_hidden_layers": 2, "image_size": 32, "patch_size": 8}
            config = t.DepthProConfig(
                patch_size=32, fusion_hidden_size=8, intermediate_hook_ids=[1, 0], intermediate_feature_dims=[8, 8],
                scaled_images_ratios=[0.25, 0.5, 1.0], scaled_images_overlap_ratios=[0.0, 0.5, 0.25],
                scaled_images_feature_dims=[8, 8, 8], use_fov_model=True, num_fov_head_layers=0,
                image_model_config=dict(part), patch_model_config=dict(part), fov_model_config=dict(part),
            )  # fmt: skip
            processor = t.DepthProImageProcessor(size={"height": 128, "width": 128})
            return t.DepthProForDepthEstimation(config), processor
        case "dpt":
            config = t.DPTConfig(image_size=64, patch_size=16, backbone_out_indices=[0, 1, 2, 3], **encoder, **neck)
            return t.DPTForDepthEstimation(config), t.DPTImageProcessor(size={"height": 64, "width": 64})
        case "dpt-dinov2":
            neck["fusion_hidden_size"] = 256  # the projection's size is fixed
            config = t.DPTConfig(
                backbone_config=t.Dinov2Config(**encoder, **dinov2), add_projection=True,
                use_bias_in_fusion_residual=False, **neck,
            )  # fmt: skip
            return t.DPTForDepthEstimation(config), patches_of_14
        case "glpn":
            config = t.GLPNConfig(
                hidden_sizes=[4, 4, 8, 8], depths=[1] * 4, num_attention_heads=[1, 1, 2, 2], decoder_hidden_size=8
            )
            return t.GLPNForDepthEstimation(config), t.GLPNImageProcessor()
        case _:
            stages = ["stage1", "stage2", "stage3", "stage4"]
            beit = t.BeitConfig(
                image_size=64, patch_size=16, out_features=stages, reshape_hidden_states=False, **encoder
            )
            config = t.ZoeDepthConfig(
                backbone_config=beit, bottleneck_features=8, bin_embedding_dim=8, num_relative_features=8,
                num_attractors=[4, 4, 2, 1], **neck,
            )  # fmt: skip
            processor = t.ZoeDepthImageProcessor(size={"height": 64, "width": 96}, ensure_multiple_of=32)
            return t.ZoeDepthForDepthEstimation(config), processor


@pytest.fixture(scope="session")
def saved(tmp_path_factory) -> Callable[[str], Path]:
    """The folder of a family's tiny model."""
    import torch

    folder = tmp_path_factory.mktemp("models")

    def save(family: str) -> Path:
        if not (folder / family).exists():
            torch.manual_seed(1)
            with without_triton():  # earlier tests may have opened OpenGL
                network, processor = make(family)
            with torch.no_grad():
                for weights in network.parameters():  # as initialised, they give nearly constant depth
                    noise = 0.1 * torch.randn_like(weights)
                    weights.copy_(
                        weights + noise if weights.numel() > 1 else torch.ones_like(weights)
                    )  # 1: opens the last rectifier
            network.save_pretrained(folder / family)
            processor.save_pretrained(folder / family)
        return folder / family

    return save


@pytest.fixture
def rgb(two_planes) -> np.ndarray:
    return two_planes(*SIZE).rgb


@pytest.fixture
def hub(tmp_path: Path, monkeypatch) -> Path:
    """An empty cache of the hub."""
    folder = tmp_path / "hub"
    folder.mkdir()
    monkeypatch.setenv("HF_HUB_CACHE", str(folder))
    return folder


def put_into_hub(hub: Path, model: models.HubModel, folder: Path, commit: str) -> Path:
    place = hub / f"models--{model.hub_id.replace('/', '--')}"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text(commit)
    (place / "snapshots").mkdir()
    (place / "snapshots" / commit).symlink_to(folder)
    return place / "snapshots" / commit


def copy_of(folder: Path, to: Path) -> Path:
    to.mkdir()
    for file in folder.iterdir():
        (to / file.name).write_bytes(file.read_bytes())
    return to


def drop_weights(folder: Path, part: str) -> list[str]:
    """Remove the weights from a folder whose names begin so."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / models.WEIGHTS)
    dropped = [name for name in weights if name.startswith(part)]
    save_file({k: v for k, v in weights.items() if k not in dropped}, folder / models.WEIGHTS, {"format": "pt"})
    return dropped


def ranks(values: np.ndarray) -> np.ndarray:
    return values.ravel().argsort().argsort().astype(float)


@pytest.mark.parametrize(("family", "gives_distance"), FAMILIES.items())
def test_random_weights_give_what_the_model_gives(saved, rgb, family, gives_distance) -> None:
    import torch

    depth = estimate_depth(rgb, str(saved(family)))
    assert depth.disparity.dtype == np.float32 and depth.disparity.ndim == 2 and min(depth.disparity.shape) >= 42
    assert (depth.disparity.min(), depth.disparity.max()) == (0, 1)
    assert depth.source == str(saved(family)) and depth.subject is None

    network, processor = make(family)
    network = type(network).from_pretrained(saved(family)).eval()
    with torch.inference_mode():
        output = network(**processor(images=Image.fromarray(rgb), return_tensors="pt"))
    raw = output.predicted_depth
    if family == "zoedepth":
        raw = processor.post_process_depth_estimation(output, source_sizes=[rgb.shape[:2]])[0]["predicted_depth"]
    raw = raw.squeeze().numpy()
    assert raw.shape == depth.disparity.shape
    inner = (depth.disparity > 0) & (depth.disparity < 1)
    agreement = np.corrcoef(ranks(raw[inner]), ranks(depth.disparity[inner]))[0, 1]
    assert agreement == pytest.approx(-1 if gives_distance else 1, abs=0.01)


@pytest.mark.parametrize(("family", "gives_distance"), FAMILIES.items())
def test_metres_become_inverse_depth(saved, rgb, monkeypatch, family, gives_distance) -> None:
    import torch

    loaded = transformers_depth.load(find_model(str(saved(family))))
    values = torch.linspace(1, 10, 60).expand(1, 40, 60)
    monkeypatch.setattr(loaded.network, "forward", lambda pixel_values: SimpleNamespace(predicted_depth=values))
    monkeypatch.setattr(loaded.processor, "do_pad", False, raising=False)
    disparity = estimate_depth(rgb, str(saved(family))).disparity
    row = np.linspace(1, 10, 60)
    expected = (1 / row - 0.1) / 0.9 if gives_distance else (row - 1) / 9
    assert disparity[20] == pytest.approx(expected, abs=0.01)


def test_opengl_may_be_open_before_the_library_is_imported(saved) -> None:
    code = (
        "import sys, numpy as np; from photo3d_video import estimate_depth, open_context; context = open_context();"
        "print(estimate_depth(np.zeros((64, 96, 3), np.uint8), sys.argv[1]).disparity.shape)"
    )
    done = subprocess.run([sys.executable, "-c", code, saved("dpt")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "(64, 64)\n"), done.stderr


def test_configuration_decides_not_the_name(saved, rgb, tmp_path) -> None:
    folder = copy_of(saved("depth-anything-metric"), tmp_path / "relative-model")
    assert transformers_depth.load(find_model(str(folder))).gives_distance
    config = json.loads((folder / models.CONFIG).read_text())
    (folder / models.CONFIG).write_text(json.dumps(config | {"depth_estimation_type": "relative"}))
    transformers_depth.load.cache_clear()
    assert not transformers_depth.load(find_model(str(folder))).gives_distance


@pytest.mark.parametrize(("degrees", "widths"), [(60.0, 0.866), (90.0, 0.5), (0.1, None), (float("nan"), None)])
def test_field_of_view_gives_the_focal_length(saved, rgb, monkeypatch, degrees, widths) -> None:
    import torch

    loaded = transformers_depth.load(find_model(str(saved("depth-pro"))))
    output = SimpleNamespace(predicted_depth=torch.rand(1, 40, 40), field_of_view=torch.tensor([degrees]))
    monkeypatch.setattr(loaded.network, "forward", lambda pixel_values: output)
    depth = estimate_depth(rgb, str(saved("depth-pro")))
    assert depth.focal_widths == (None if widths is None else pytest.approx(widths, abs=1e-3))

    def picture(focal_px: float | None) -> Picture:
        photo = photo_from_array(rgb, focal_px)
        return frame_picture(photo, depth, frame_photo(*SIZE))

    assert picture(None).focal_px == pytest.approx(SIZE[0] if widths is None else widths * SIZE[0], rel=1e-3)
    assert picture(77.0).focal_px == pytest.approx(77)


def test_long_pictures_stay_small(saved, rgb) -> None:
    depth = estimate_depth(np.repeat(rgb, 8, axis=1), str(saved("depth-anything")))
    assert depth.disparity.shape[1] <= 3.3 * depth.disparity.shape[0]


def test_missing_weights_are_found_where_they_matter(saved, rgb, tmp_path) -> None:
    folder = copy_of(saved("dpt"), tmp_path / "dpt")
    whole = estimate_depth(rgb, str(saved("dpt"))).disparity
    assert drop_weights(folder, "neck.fusion_stage.layers.0.residual_layer1"), "the model never uses these"
    assert np.array_equal(estimate_depth(rgb, str(folder)).disparity, whole)
    (name, *_) = drop_weights(folder, "head.head.2.bias")
    transformers_depth.load.cache_clear()
    with pytest.raises(WeightsError, match=f"lacks weights .{name} and .* more"):
        estimate_depth(rgb, str(folder))


def test_what_is_no_model_is_refused_in_a_line(saved, rgb, tmp_path) -> None:
    folder = copy_of(saved("dpt"), tmp_path / "dpt")

    def refuses(text: str) -> None:
        transformers_depth.load.cache_clear()
        with pytest.raises(WeightsError, match=text) as caught:
            estimate_depth(rgb, str(folder))
        assert "\n" not in str(caught.value) and str(folder) in str(caught.value)

    config = (folder / models.CONFIG).read_text()
    (folder / models.CONFIG).write_text(config.replace('"dpt"', '"vit"'))
    refuses("type vit: give one of depth_anything")
    (folder / models.CONFIG).write_text(config.replace('"fusion_hidden_size": 8', '"fusion_hidden_size": 16'))
    refuses("cannot be loaded")
    (folder / models.CONFIG).write_text("{")
    refuses("cannot be loaded")
    (folder / models.CONFIG).write_text(config)
    (folder / models.WEIGHTS).write_bytes(b"damaged")
    refuses("cannot be loaded")
    (folder / models.WEIGHTS).rename(folder / "pytorch_model.bin")
    refuses("holds no model.safetensors, only weights in forms that may run code")
    (folder / "pytorch_model.bin").unlink()
    refuses("lacks model.safetensors")
    (folder / models.INDEX).write_text('{"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}')
    (folder / "model-1.safetensors").touch()
    refuses("lacks model-2.safetensors")
    (folder / models.INDEX).write_text("[]")
    refuses("damaged")
    (folder / models.PROCESSOR).unlink()
    refuses("preprocessor_config.json is missing")
    (folder / models.CONFIG).unlink()
    refuses("config.json is missing")


def test_pickles_beside_safetensors_are_not_read(saved, rgb, tmp_path) -> None:
    folder = copy_of(saved("dpt"), tmp_path / "dpt")
    (folder / "pytorch_model.bin").write_bytes(b"would fail")
    assert estimate_depth(rgb, str(folder)).disparity.shape == (64, 64)


def test_names(hub, monkeypatch) -> None:
    assert find_model("built-in") is None and find_model("auto") is None
    with pytest.raises(InputError, match=r"moonshot is unknown: give auto, built-in, depth-anything-v2-small.*OWNER"):
        find_model("moonshot")
    line = r"depth-pro is not on this disk: --depth-model depth-pro --download fetches it \(apple/.*research only"
    with pytest.raises(WeightsError, match=line):
        find_model("depth-pro")
    with pytest.raises(WeightsError, match="someone/depth is not on this disk"):
        find_model("someone/depth")
    monkeypatch.setattr(models, "_has_transformers", lambda: False)
    cure = r"needs the library transformers: pip install 'photo3d-video\[models\]'"
    for name in ("depth-pro", "someone/depth"):
        with pytest.raises(WeightsError, match=cure):
            find_model(name, download=True)


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
    assert cli.main([str(photo_file.parent), "--depth-model", "depth-pro", "-o", str(tmp_path / "clips")]) == 1
    assert capsys.readouterr().err.startswith("render-3dphoto: error: --depth-model depth-pro is not on this disk")
    assert not (tmp_path / "clips").exists()


def test_job_files_name_models_and_folders_beside_them(saved, tmp_path, photo_file, hub) -> None:
    from photo3d_video.jobsfile import read_jobs

    (tmp_path / "mine").symlink_to(saved("dpt"))
    (tmp_path / "jobs.csv").write_text("photo,depth-model\nin/photo.png,mine\nin/photo.png,built-in\n")
    requests = read_jobs(tmp_path / "jobs.csv", cli.parse_setting)
    assert [request.settings["depth_model"] for request in requests] == [str(tmp_path / "mine"), "built-in"]
    (tmp_path / "jobs.csv").write_text("photo,depth-model\nin/photo.png,depth-pro\n")
    with pytest.raises(InputError, match="line 2, depth-model: --depth-model depth-pro is not on this disk"):
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
