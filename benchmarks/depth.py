"""How well depth models agree with reference depth: `python -m benchmarks.depth DIR`."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.metrics import align, boundary_f1, pearson, spearman
from benchmarks.table import add_json_option, note, print_rows
from benchmarks.teacher import load_teacher

UInt8 = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]
# (H, W, 3) sRGB -> (h, w) disparity of any scale and shift, larger is nearer, the whole picture at any size
Model = Callable[[UInt8], Float]

METRICS = ("absrel", "bad125", "pearson", "spearman", "boundary_f1")
RATIO = 1.25
FARTHEST = 20.0
NEAREST_PERCENTILE = 98  # the nearest surface, without outliers of stereo matching


@dataclass(frozen=True)
class Sample:
    """A picture and where its reference disparity is."""

    dataset: str
    picture: Path
    disparity: Path


def find_samples(folder: Path) -> list[Sample]:
    """Samples of a depth set, a stereo set, or folders of either; a stereo set counts as one dataset.

    Depth set: `name.jpg` with `name.png`. Stereo set: folders with `left.png` and `disparity.png`.
    """
    samples = []
    for picture in sorted(p for p in folder.rglob("*") if p.is_file()):
        if picture.name == "left.png" and (reference := picture.with_name("disparity.png")).is_file():
            scene = picture.parent
            samples.append(Sample((scene if scene == folder else scene.parent).resolve().name, picture, reference))
        elif picture.suffix.lower() in (".jpg", ".jpeg") and (reference := picture.with_suffix(".png")).is_file():
            samples.append(Sample(picture.parent.resolve().name, picture, reference))
    return samples


def read_sample(sample: Sample) -> tuple[UInt8, Float]:
    """(H, W, 3) sRGB and (H, W) reference disparity, 0 = unknown."""
    bgr, raw = cv2.imread(str(sample.picture)), cv2.imread(str(sample.disparity), cv2.IMREAD_UNCHANGED)
    if bgr is None or raw is None or raw.ndim != 2 or raw.shape != bgr.shape[:2]:
        raise SystemExit(f"{sample.disparity} is no 16-bit disparity map of {sample.picture.name}")
    return np.ascontiguousarray(bgr[..., ::-1]).astype(np.uint8), raw.astype(np.float32)


def vertical_ramp(rgb: UInt8) -> Float:
    """The baseline that has not seen the picture: nearer towards the bottom."""
    h, w = rgb.shape[:2]
    return np.repeat(np.linspace(0, 1, h, dtype=np.float32)[:, None], w, axis=1)


def built_in(rgb: UInt8) -> Float:
    """The network that ships with the package, as the product runs it."""
    from photo3d_video.depth.builtin import estimate_depth

    return estimate_depth(rgb).disparity


def built_in_with_edges(rgb: UInt8) -> Float:
    """The same, enlarged to the picture and with its edges sharpened, as layers are cut from it."""
    from inpaint.edges import sharpen
    from inpaint.sight import Sight
    from photo3d_video.pipeline import parallax_budget_px

    h, w = rgb.shape[:2]
    disparity = cv2.resize(built_in(rgb), (w, h), interpolation=cv2.INTER_LINEAR).astype(np.float32)
    return sharpen(Sight(rgb, disparity), parallax_budget_px(w, h, strength=1))


def from_weights(weights: Path) -> Model:
    """The built-in network with the weights of a training run."""
    from photo3d_video.depth.builtin import load_network, predict

    network = load_network(weights)
    return lambda rgb: predict(network, rgb)[0]


def from_model(name: str) -> Model:
    """A depth model as `--depth-model` of the command takes it. Ends the program where it cannot be used."""
    from photo3d_video.depth.estimate import estimate_depth
    from photo3d_video.depth.models import find_model
    from photo3d_video.errors import Photo3DError

    try:
        model = find_model(name)
    except Photo3DError as error:
        raise SystemExit(f"{error}; or one of {', '.join(MODELS)}") from error
    return lambda rgb: estimate_depth(rgb, model).disparity


# What `--model` knows by name, besides depth models. Rows come in the order in which models are asked for.
MODELS: dict[str, Model] = {"built-in": built_in, "built-in-edges": built_in_with_edges, "ramp": vertical_ramp}


def compare(predicted: Float, reference: Float) -> dict[str, float]:
    """The `METRICS` of a prediction (h, w) against a reference (H, W) with 0 = unknown.

    Ratios of depths are taken after the least-squares scale and shift of disparity, and with both sides no farther than
    `FARTHEST` times the nearest surface: beyond that, disparity is all noise and its ratio means nothing.
    """
    h, w = reference.shape
    if predicted.shape != reference.shape:
        shrinks = predicted.shape[0] > h
        predicted = cv2.resize(predicted, (w, h), interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)
    known = reference > 0
    scale, shift = align(predicted[known], reference[known])
    least = float(np.percentile(reference[known], NEAREST_PERCENTILE)) / FARTHEST
    aligned = np.maximum(scale * predicted.astype(np.float64) + shift, least)
    true = np.maximum(reference.astype(np.float64), least)
    ratio = aligned[known] / true[known]
    return {
        "absrel": float(np.abs(1 / ratio - 1).mean()),
        "bad125": float((np.maximum(ratio, 1 / ratio) > RATIO).mean()),
        "pearson": pearson(predicted[known], reference[known]),
        "spearman": spearman(predicted[known], reference[known]),
        "boundary_f1": boundary_f1(aligned, true, known),
    }


def evaluate(name: str, model: Model, samples: list[Sample]) -> Iterator[dict[str, Any]]:
    """A row per dataset, then their mean."""
    scores: dict[str, list[dict[str, float]]] = {}
    for number, sample in enumerate(samples, 1):
        rgb, reference = read_sample(sample)
        note(f"{name}: {number} of {len(samples)}, {sample.dataset}")
        scores.setdefault(sample.dataset, []).append(compare(model(rgb), reference))
    means = {dataset: {m: _mean([s[m] for s in found]) for m in METRICS} for dataset, found in scores.items()}
    for dataset, mean in means.items():
        yield {"model": name, "dataset": dataset, "n": len(scores[dataset]), **mean}
    overall = {m: _mean([mean[m] for mean in means.values()]) for m in METRICS}
    yield {"model": name, "dataset": "mean", "n": len(samples), **overall}


def _mean(values: list[float]) -> float:
    """Mean of the values that exist."""
    existing = [v for v in values if not np.isnan(v)]
    return float(np.mean(existing)) if existing else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.depth", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="depth set, stereo set, or a folder of those")
    parser.add_argument(
        "--model", metavar="NAME", action="append",
        help=f"only this (may be repeated; default: {', '.join(MODELS)}), or a model as --depth-model takes it",
    )  # fmt: skip
    parser.add_argument("--weights", type=Path, help="also the built-in network with these weights (.safetensors)")
    parser.add_argument("--teacher", type=Path, metavar="DIR", help="also the teacher, with NAME.pb and NAME_init.pb")
    add_json_option(parser)
    args = parser.parse_args()
    samples = find_samples(args.folder)
    if not samples:
        parser.error(f"{args.folder} holds neither name.jpg with name.png nor left.png with disparity.png")
    models = {name: MODELS[name] if name in MODELS else from_model(name) for name in args.model or MODELS}
    if args.weights:
        models[args.weights.stem] = from_weights(args.weights)
    if args.teacher:
        models["teacher"] = load_teacher(args.teacher)
    print_rows([row for name, model in models.items() for row in evaluate(name, model, samples)], args.json)


if __name__ == "__main__":
    main()
