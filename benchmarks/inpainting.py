"""Painting into holes whose truth is known: `python -m benchmarks.inpainting DIR`."""

from __future__ import annotations

import argparse
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.holes import MIN_SIDE_PX, SEED, Hole, make_holes
from benchmarks.metrics import psnr, ssim_map
from benchmarks.table import add_json_option, note, print_rows

if TYPE_CHECKING:
    from inpaint.fill import Fill

UInt8 = npt.NDArray[np.uint8]
Float = npt.NDArray[np.float32]
Bool = npt.NDArray[np.bool_]
BANDS_PX = (8, 16, 32, 64)
METRICS = ("psnr", "ssim", "feature_distance", "seconds")
OPENCV_RADIUS_PX = 3
PATCH_RADIUS_PX = 3  # of PyPatchMatch: its examples' setting; its default of 15 is far slower
SHEET_CELL_PX = 256


def telea(rgb: Float, disparity: Float, unknown: Bool, context: Bool) -> tuple[Float, Float]:
    return _opencv(rgb, context, cv2.INPAINT_TELEA), disparity


def navier_stokes(rgb: Float, disparity: Float, unknown: Bool, context: Bool) -> tuple[Float, Float]:
    return _opencv(rgb, context, cv2.INPAINT_NS), disparity


def _opencv(rgb: Float, context: Bool, method: int) -> Float:
    image, hole = _without_hidden(rgb, context)
    return np.asarray(cv2.inpaint(image, hole, OPENCV_RADIUS_PX, method), np.float32) / np.float32(255)


def patchmatch(rgb: Float, disparity: Float, unknown: Bool, context: Bool) -> tuple[Float, Float]:
    """PyPatchMatch (MIT): patch-based completion with the search of Barnes et al., in C++."""
    import patchmatch as library

    library.set_random_seed(SEED)
    painted = library.inpaint(*_without_hidden(rgb, context), patch_size=PATCH_RADIUS_PX)
    return np.asarray(painted, np.float32) / np.float32(255), disparity


def _without_hidden(rgb: Float, context: Bool) -> tuple[UInt8, UInt8]:
    """Picture and hole for tools that know no third kind of pixel: everything but the context is the hole."""
    return _bytes(rgb * context[..., None]), (~context).astype(np.uint8)


def available_fills(weights: Path | None) -> dict[str, Fill]:
    """The methods that this installation has, by the name of their row; `weights` replace the network's own."""
    from inpaint.fill import FILLS
    from inpaint.network_fill import WEIGHTS, load_network, network_fill
    from photo3d_video.depth.builtin import without_triton

    weights = weights or WEIGHTS
    with without_triton():
        load_network(weights)  # now, so that no picture's time holds it
    network = functools.partial(network_fill, weights=weights)
    fills: dict[str, Fill] = {**FILLS, "network": network, "telea": telea, "navier-stokes": navier_stokes}
    try:
        import patchmatch as library

        if library.patchmatch_available:
            fills["patchmatch"] = patchmatch
        else:
            note("patchmatch: skipped, this installation of PyPatchMatch lacks its native library")
    except ImportError:
        note("patchmatch: skipped, it needs: pip install PyPatchMatch")
    return fills


def feature_meter() -> Callable[[UInt8, UInt8, Bool], float]:
    """The feature distance of two pictures (H, W, 3) in a mask (H, W); NaN where its network's weights are missing."""
    from photo3d_video.depth.builtin import without_triton

    try:
        with without_triton():
            from benchmarks.feature_distance import FeatureNetwork, feature_distance

            network = FeatureNetwork()
    except ImportError as error:
        note(f"feature_distance: skipped, it needs: pip install {(error.name or 'timm').replace('_', '-')}")
        return lambda painted, truth, where: float("nan")
    import torch

    def measure(painted: UInt8, truth: UInt8, where: Bool) -> float:
        with torch.inference_mode():
            a, b = (network(torch.tensor(p).permute(2, 0, 1)[None].float() / 255) for p in (painted, truth))
            return float(feature_distance(a, b, torch.tensor(where)[None, None]))

    return measure


def paint(fill: Fill, hole: Hole) -> tuple[UInt8, float]:
    """The crop with its hole painted, and the seconds it took. The fill gets nothing that tells what is to be found."""
    from inpaint.filters import push_pull

    truth = np.dstack([hole.rgb.astype(np.float32) / np.float32(255), hole.disparity])
    seen = push_pull(truth, hole.context)
    begin = time.perf_counter()
    painted, _ = fill(seen[..., :3].copy(), seen[..., 3].copy(), hole.unknown, hole.context)
    seconds = time.perf_counter() - begin
    return np.where(hole.unknown[..., None], _bytes(painted), hole.rgb), seconds


def evaluate(paths: Sequence[Path], fills: dict[str, Fill], sheet: list[UInt8] | None) -> Iterator[dict[str, Any]]:
    """A row per method and band, then the method's mean of the bands. Pictures to look at are added to `sheet`.

    Raises photo3d_video.errors.InputError for files that are no pictures and where no hole can be made.
    """
    from photo3d_video.errors import InputError

    distance = feature_meter()
    found: dict[tuple[str, int], list[tuple[float, ...]]] = {(n, b): [] for n in fills for b in BANDS_PX}
    for band_px, hole in make_holes(paths, BANDS_PX):
        note(f"{hole.photo.name}: {band_px} px")
        row = [with_hole(hole)]
        for name, fill in fills.items():
            painted, seconds = paint(fill, hole)
            similarity = float(ssim_map(painted, hole.rgb)[hole.unknown].mean())
            scores = psnr(painted, hole.rgb, hole.unknown), similarity, distance(painted, hole.rgb, hole.unknown)
            found[name, band_px].append((*scores, seconds))
            row.append(painted)
        if sheet is not None:
            sheet.append(np.hstack([_cell(picture) for picture in (*row, hole.rgb)]))
    if not any(found.values()):
        raise InputError(f"no photo allows a hole: depth edges and sides of {MIN_SIDE_PX} px or more are needed")
    for name in fills:
        means = {band_px: _mean(found[name, band_px]) for band_px in BANDS_PX if found[name, band_px]}
        for band, mean in (*means.items(), ("mean", _mean(list(means.values())))):
            yield {"method": name, "band_px": band, **dict(zip(METRICS, mean, strict=True))}


def with_hole(hole: Hole) -> UInt8:
    """What a fill gets to see: the hole in magenta, what stays hidden in grey."""
    shown = np.where(hole.context[..., None], hole.rgb, np.uint8(128))
    return np.where(hole.unknown[..., None], np.array([255, 0, 255], np.uint8), shown).astype(np.uint8)


def _bytes(rgb: Float) -> UInt8:
    return np.round(np.clip(rgb, 0, 1) * 255).astype(np.uint8)


def _mean(scores: list[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(np.mean(scores, axis=0).tolist())


def _cell(rgb: UInt8) -> UInt8:
    return np.asarray(cv2.resize(rgb, (SHEET_CELL_PX,) * 2, interpolation=cv2.INTER_AREA), np.uint8)


def choose_photos(folder: Path, limit: int | None, held_back_only: bool) -> list[Path]:
    """Photos of a folder and its subfolders in a fixed mixed order, so that a limit takes some of every subfolder."""
    from photo3d_video.batch.jobs import find_photos
    from training.inpainting_data import held_back

    photos = find_photos([str(folder)], recursive=True)
    if held_back_only:
        photos = [p for p in photos if held_back("__".join(p.relative_to(folder).with_suffix("").parts))]
    return [photos[k] for k in np.random.default_rng(SEED).permutation(len(photos))[:limit]]


def main() -> None:
    from inpaint.loading import MissingWeightsError
    from photo3d_video.errors import InputError

    parser = argparse.ArgumentParser(prog="python -m benchmarks.inpainting", description=__doc__)
    parser.add_argument("folder", type=Path, metavar="DIR", help="photo folder, at any depth; at least two photos")
    parser.add_argument("--limit", type=int, metavar="N", help="only N photos, always the same ones")
    parser.add_argument("--held-back", action="store_true", help="only what training on DIR never learns from")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="the network with weights of a training run")
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="also write the crops side by side")
    add_json_option(parser)
    args = parser.parse_args()
    if args.sheet is not None and not (args.sheet.suffix.lower() == ".png" and args.sheet.parent.is_dir()):
        parser.error(f"cannot write {args.sheet}: give a .png in a folder that exists")
    sheet: list[UInt8] | None = None if args.sheet is None else []
    try:
        paths = choose_photos(args.folder, args.limit, args.held_back)
        if len(paths) < 2:
            parser.error(f"{args.folder} holds fewer than two photos: holes in one are made of another's depth edges")
        fills = available_fills(args.weights)
        rows = list(evaluate(paths, fills, sheet))
    except (InputError, MissingWeightsError) as error:
        parser.error(str(error))
    if sheet:
        note(f"{args.sheet}: hole, {', '.join(fills)}, truth")
        cv2.imwrite(str(args.sheet), np.vstack(sheet)[..., ::-1])
    print_rows(rows, args.json)


if __name__ == "__main__":
    main()
