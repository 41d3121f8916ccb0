"""Larger depth models: their names and licences, where they lie on the disk, and how they get there.

What is already on the disk is found by looking at folders: neither torch nor transformers is imported for that, because
every run asks.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from photo3d_video.errors import InputError, WeightsError

AUTO, BUILT_IN = "auto", "built-in"
INSTALL = "pip install 'photo3d-video[models]'"

CONFIG, PROCESSOR, WEIGHTS = "config.json", "preprocessor_config.json", "model.safetensors"
INDEX = f"{WEIGHTS}.index.json"  # of weights in several files
_FILES = ["*.json", "*.safetensors"]  # all that is fetched: no pickle, no code
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class HubModel:
    """A model on the Hugging Face hub."""

    hub_id: str
    """Owner and name there."""
    revision: str | None = None
    """The commit that is used, in full or its beginning; None for the newest."""
    licence: str | None = None
    """Of the weights, where known."""
    commercial: bool = True
    """False where that licence excludes commercial use."""


# The best first: `auto` takes the first that is on the disk and may be used for everything. Short names are pinned to a
# commit; DPT's short one is what transformers itself pins. Depth Pro goes by its id on the hub, its newest commit.
MODELS = {
    "depth-anything-v2-small": HubModel(
        "depth-anything/Depth-Anything-V2-Small-hf", "5426e4f0f36572d16453bbda7a8389317b1bef99", "Apache-2.0"
    ),
    "depth-anything-v2-base": HubModel(
        "depth-anything/Depth-Anything-V2-Base-hf", "b1958afc87fb45a9e3746cb387596094de553ed8", "CC-BY-NC-4.0", False
    ),
    "depth-anything-v2-large": HubModel(
        "depth-anything/Depth-Anything-V2-Large-hf", "7581137eff8d4e94f6e796d3baea0e9fa79b22d2", "CC-BY-NC-4.0", False
    ),
    "apple/DepthPro-hf": HubModel("apple/DepthPro-hf", None, "Apple AMLR (research only)", False),
    "dpt-large": HubModel("Intel/dpt-large", "bc15f29", "Apache-2.0"),
}


@dataclass(frozen=True)
class LocalModel:
    """A depth model whose files are on the disk."""

    name: str
    """As the user calls it."""
    folder: Path
    """Holds configuration, processor and safetensors weights."""
    licence: str | None
    """Of the weights, where known."""
    commercial: bool
    """False where that licence excludes commercial use."""
    automatic: bool = False
    """Whether it was found by `auto` instead of being asked for."""

    @property
    def identity(self) -> tuple[str | int, ...]:
        """What tells depth of this model, its files and the installed library from that of others."""
        from importlib.metadata import version

        files = sorted(file for pattern in _FILES for file in self.folder.glob(pattern))
        stamps = [stamp for file in files for stamp in (file.name, file.stat().st_size, file.stat().st_mtime_ns)]
        return (str(self.folder.resolve()), version("transformers"), *stamps)


def find_model(name: str = AUTO, download: bool = False, quiet: bool = False) -> LocalModel | None:
    """The files of a depth model; None for the built-in network.

    `name`: a key of `MODELS`, a folder, an id of the hub such as `Intel/dpt-large`, `built-in`, or `auto`: the best
    named model that is on the disk and free for every use, else the built-in network. The internet is used only with
    `download`, for what is missing (for `auto`: the first of `MODELS`); progress goes to standard error unless `quiet`.

    Raises InputError for a name that is none, WeightsError with the cure where files or the library are missing.
    """
    if name == BUILT_IN:
        return None
    if name == AUTO:
        for known, model in MODELS.items():
            folder = _snapshot(model) if model.commercial else None
            if folder is not None and _has_transformers():
                return LocalModel(known, folder, model.licence, model.commercial, automatic=True)
        return find_model(next(iter(MODELS)), download, quiet) if download else None
    if name not in MODELS and Path(name).is_dir():
        check_folder(Path(name))
        _require_transformers(name)
        return LocalModel(name, Path(name), None, True)
    if name not in MODELS and not _HUB_ID.fullmatch(name):
        names = ", ".join((AUTO, BUILT_IN, *MODELS))
        raise InputError(f"--depth-model {name} is unknown: give {names}, a folder, or an id of the hub, OWNER/NAME")
    model = MODELS.get(name) or next((m for m in MODELS.values() if m.hub_id == name), HubModel(name))
    _require_transformers(name)
    folder = _snapshot(model)
    if folder is None:
        if not download:
            about = f"{model.hub_id}, licence {model.licence}" if model.licence else f"see its licence at {name}"
            raise WeightsError(
                f"--depth-model {name} is not on this disk: --depth-model {name} --download fetches it ({about})"
            )
        folder = _fetch(model, quiet)
    return LocalModel(name, folder, model.licence, model.commercial)


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds no complete depth model in safetensors files. Raises WeightsError."""
    for name in (CONFIG, PROCESSOR):
        if not (folder / name).is_file():
            raise WeightsError(f"{folder} is no depth model: {name} is missing, save model and processor into it")
    shards = [WEIGHTS]
    if (folder / INDEX).is_file():
        try:
            shards = sorted({str(shard) for shard in json.loads((folder / INDEX).read_text())["weight_map"].values()})
        except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
            raise WeightsError(f"{folder / INDEX} is damaged: fetch the model again") from error
    missing = [shard for shard in shards if not (folder / shard).is_file()]
    if not missing:
        return
    if any(next(folder.glob(pattern), None) for pattern in _PICKLES):
        raise WeightsError(
            f"{folder} holds no {missing[0]}, only weights in forms that may run code: convert them to safetensors"
        )
    raise WeightsError(f"{folder} lacks {missing[0]}: fetch the model again")


def is_on_disk(model: HubModel) -> bool:
    """Whether a model of the hub is in the cache of Hugging Face's libraries."""
    return _snapshot(model) is not None


def hub_cache() -> Path:
    """Where Hugging Face's libraries keep what they fetch."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if os.environ.get(variable):
            return Path(os.environ[variable]).expanduser()
    home = os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface"
    return Path(home).expanduser() / "hub"


def _snapshot(model: HubModel) -> Path | None:
    """The folder of a model in the cache, if it is there and complete."""
    folder = hub_cache() / f"models--{model.hub_id.replace('/', '--')}"
    try:
        commit = model.revision or (folder / "refs" / "main").read_text().strip()
        found = [entry for entry in (folder / "snapshots").iterdir() if commit and entry.name.startswith(commit)]
        for snapshot in found:
            check_folder(snapshot)
            return snapshot
    except (OSError, WeightsError):
        pass
    return None


def _fetch(model: HubModel, quiet: bool) -> Path:
    try:
        import huggingface_hub
    except ImportError as error:
        raise WeightsError(f"fetching {model.hub_id} needs the library huggingface_hub: {INSTALL}") from error
    try:
        with _bars(not quiet):
            folder = Path(
                huggingface_hub.snapshot_download(
                    model.hub_id, revision=model.revision, cache_dir=hub_cache(), allow_patterns=_FILES
                )
            )
    except Exception as error:  # of many kinds: no network, no such model, a gated one, a full disk
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise WeightsError(
            f"cannot fetch {model.hub_id} ({reason}): check name and network, or give a folder that holds the model"
        ) from error
    check_folder(folder)
    return folder


@contextmanager
def _bars(shown: bool) -> Iterator[None]:
    """The library's own progress bars, or none."""
    from huggingface_hub import utils

    before = utils.are_progress_bars_disabled()
    if not shown:
        utils.disable_progress_bars()
    try:
        yield
    finally:
        if not shown and not before:
            utils.enable_progress_bars()


def _has_transformers() -> bool:
    return importlib.util.find_spec("transformers") is not None


def _require_transformers(name: str) -> None:
    if not _has_transformers():
        raise WeightsError(f"--depth-model {name} needs the library transformers: {INSTALL}")
