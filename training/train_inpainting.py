"""Train the inpainting network.

`python -m training.train_inpainting LABELS RUN --minutes 90` trains in RUN (checkpoint, log.jsonl, weights), and goes
on from RUN's checkpoint if there is one. LABELS is what `training.labels` wrote. On a GPU pick a larger batch.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import cv2
import numpy as np
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.feature_distance import FeatureNetwork, feature_distance
from inpaint.network import ENCODER, INPUTS, InpaintingNetwork
from training.checkpoint import Checkpoint, load_weights
from training.encoder import load_imagenet
from training.inpainting_data import InpaintingSamples, Sample, split
from training.rates import parameter_groups, set_rates

ENCODER_RATE, DECODER_RATE = 3e-4, 1.5e-3
WEIGHT_DECAY = 0.01
WARM_UP_STEPS = 100
EMA = 0.998
FEATURE_WEIGHT, DISPARITY_WEIGHT = 0.25, 1.0  # .015 balances gradients, and blurs: see README.md
FEATURE_SIDE = 128  # features are compared in a window of this side: the whole crop would double a step's time
SEAM_PX, SEAM_WEIGHT = 17, 2.0  # pixels of the hole within about half this of the context count more
MSE_FLOOR = 5e-4  # a hole this close to the truth (33 dB) need not get closer
SAVE_EVERY_S = 240
VALIDATION_CROPS, VALIDATION_BATCH = 48, 8


def collate(samples: list[Sample]) -> tuple[Tensor, Tensor, Tensor]:
    """Samples -> truth (B, 4, H, W) colour and disparity in 0..1, context and synthesis (B, 1, H, W) 0 or 1."""
    rgb = torch.from_numpy(np.stack([s.rgb for s in samples])).permute(0, 3, 1, 2)
    disparity = torch.from_numpy(np.stack([s.disparity for s in samples]))[:, None]
    truth = torch.cat([rgb, disparity], 1).float() / 255
    context, synthesis = (torch.from_numpy(np.stack(m)).float()[:, None]
                          for m in zip(*((s.context, s.synthesis) for s in samples), strict=True))  # fmt: skip
    return truth, context, synthesis


def push_pull(values: Tensor, known: Tensor) -> Tensor:
    """`inpaint.filters.push_pull` for batches: values (B, C, H, W), known (B, 1, H, W) 0 or 1."""
    if min(values.shape[-2:]) == 1:
        total = known.sum((2, 3), keepdim=True).clamp_min(1e-6)
        mean = (values * known).sum((2, 3), keepdim=True) / total
        return known * values + (1 - known) * mean
    weighted, weight = (F.avg_pool2d(x, 2, ceil_mode=True) for x in (values * known, known))
    low = push_pull(weighted / weight.clamp_min(1e-6), (weight * 4).clamp_max(1))
    up = F.interpolate(low, size=values.shape[-2:], mode="bilinear", align_corners=False)
    return known * values + (1 - known) * up


def network_input(truth: Tensor, context: Tensor, synthesis: Tensor) -> Tensor:
    """What `inpaint.network_fill` shows the network: nothing but the context's pixels."""
    return torch.cat([push_pull(truth * context, context), context, synthesis], 1)


def mean_in(values: Tensor, where: Tensor) -> Tensor:
    """(B,) mean of (B, C, H, W) over pixels weighted by `where` (B, 1, H, W) and over channels."""
    return (values.mean(1, keepdim=True) * where).sum((1, 2, 3)) / where.sum((1, 2, 3)).clamp_min(1e-6)


def colour_loss(painted: Tensor, truth: Tensor, context: Tensor, synthesis: Tensor) -> Tensor:
    """Log of the squared error, so that a calm hole counts as much as a busy one; (B, 3, H, W) colours."""
    near_seam = context
    for box in ((SEAM_PX, 1), (1, SEAM_PX)):
        near_seam = F.avg_pool2d(near_seam, box, stride=1, padding=(box[0] // 2, box[1] // 2))
    weight = synthesis * (1 + SEAM_WEIGHT * near_seam)
    return 0.5 * (mean_in((painted - truth).square(), weight) + MSE_FLOOR).log().mean()


def window(synthesis: Tensor, rng: np.random.Generator) -> list[tuple[slice, slice]]:
    """One window of FEATURE_SIDE per crop, around a random pixel of its hole, on even pixels of stride 8."""
    h, w = synthesis.shape[-2:]
    windows = []
    for mask in synthesis[:, 0]:
        hole = mask.nonzero()
        y, x = hole[int(rng.integers(len(hole)))].tolist() if len(hole) else (h // 2, w // 2)
        top, left = (int(np.clip(c - FEATURE_SIDE // 2, 0, n - FEATURE_SIDE)) // 8 * 8 for c, n in ((y, h), (x, w)))
        windows.append((slice(top, top + FEATURE_SIDE), slice(left, left + FEATURE_SIDE)))
    return windows


def cut(maps: Tensor, windows: list[tuple[slice, slice]]) -> Tensor:
    return torch.stack([m[:, rows, columns] for m, (rows, columns) in zip(maps, windows, strict=True)])


def depthwise_in_float(network: nn.Module) -> None:
    """Keep depthwise convolutions out of autocast: CPUs run their backward pass slowly in bfloat16."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            module.register_forward_pre_hook(lambda _, inputs: (inputs[0].float(),))
            module.forward = torch.autocast("cpu", enabled=False)(module.forward)  # type: ignore[method-assign]


def losses(
    network: nn.Module, features: FeatureNetwork, batch: tuple[Tensor, Tensor, Tensor], rng: np.random.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Colour, feature and disparity loss of a batch, as `collate` returns it."""
    truth, context, synthesis = batch
    device = truth.device.type
    with torch.autocast(device, torch.bfloat16):
        painted = network(network_input(truth, context, synthesis)).float()
    windows = window(synthesis, rng)
    hole, real = cut(synthesis, windows), cut(truth[:, :3], windows)
    shown = hole * cut(painted[:, :3], windows) + (1 - hole) * real
    with torch.autocast(device, torch.bfloat16):
        with torch.no_grad():
            wanted = features(real)
        f_loss = feature_distance(features(shown), wanted, hole).mean()
    c_loss = colour_loss(painted[:, :3], truth[:, :3], context, synthesis)
    d_loss = mean_in((painted - truth)[:, 3:].abs(), synthesis).mean()
    return c_loss, f_loss, d_loss


def load_encoder(encoder: nn.Module) -> None:
    """ImageNet weights for the encoder; the stem's channels beyond colour start at zero."""
    plain = timm.create_model(ENCODER, features_only=True, pretrained=False)
    load_imagenet(plain, ENCODER)
    weights = plain.state_dict()
    extra = INPUTS - 3
    weights["conv_stem.weight"] = F.pad(weights["conv_stem.weight"], (0, 0, 0, 0, 0, extra))
    encoder.load_state_dict(weights)


def ema(averaged: Tensor, current: Tensor, steps: Tensor | int) -> Tensor:
    """Exponential average that forgets its beginning quickly."""
    decay = min(EMA, (1 + int(steps)) / (20 + int(steps)))
    return averaged + (1 - decay) * (current - averaged)


class Validation:
    """Held-back photos with fixed holes, filled by a network and by what it has to beat."""

    def __init__(self, samples: InpaintingSamples, side: int, features: FeatureNetwork) -> None:
        self.features = features
        self.batches = []
        for first in range(0, VALIDATION_CROPS, VALIDATION_BATCH):
            self.batches.append(collate([samples.draw(first + i, side) for i in range(VALIDATION_BATCH)]))

    def score(self, network: nn.Module | str) -> dict[str, float]:
        """Mean in-hole PSNR (dB) and feature distance, and the disparity's mean error."""
        rows = []
        for truth, context, synthesis in self.batches:
            painted = _fill(network, truth, context, synthesis).clamp(0, 1)
            painted = torch.where(synthesis > 0, painted, truth)
            mse = mean_in((painted - truth)[:, :3].square(), synthesis)
            distance = feature_distance(self.features(painted[:, :3]), self.features(truth[:, :3]), synthesis)
            error = mean_in((painted - truth)[:, 3:].abs(), synthesis)
            rows.append(torch.stack([-10 * (mse + 1e-6).log10(), distance, error]))
        psnr, distance, error = torch.cat(rows, 1).mean(1).tolist()
        return {"psnr": round(psnr, 3), "feature_distance": round(distance, 3), "disparity": round(error, 4)}


@torch.no_grad()
def _fill(network: nn.Module | str, truth: Tensor, context: Tensor, synthesis: Tensor) -> Tensor:
    if isinstance(network, nn.Module):
        return network.eval()(network_input(truth, context, synthesis))
    if network == "push-pull":
        return push_pull(truth * context, context)
    painted = []
    for picture, seen in zip(truth, context, strict=True):
        image = (picture.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        hole = (seen[0].numpy() == 0).astype(np.uint8)
        planes = [
            cv2.inpaint(np.ascontiguousarray(image[..., k]), hole, 3, getattr(cv2, network)) for k in (slice(3), 3)
        ]
        painted.append(torch.from_numpy(np.dstack(planes)).permute(2, 0, 1).float() / 255)
    return torch.stack(painted)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("labels", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--side", type=int, default=256, help="side of the training crops, px")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=1.0, help="factor on both learning rates")
    parser.add_argument("--regions", type=Path, help="cache of region pairs; made once (default: RUN/regions.npz)")
    parser.add_argument("--start", type=Path, help="weights (.safetensors) to start from instead of ImageNet's")
    parser.add_argument("--seed", type=int, default=0, help="of the crops; another one for the next run")
    args = parser.parse_args()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(args.seed)
    cv2.setNumThreads(1)
    regions = args.regions or args.run / "regions.npz"

    network = InpaintingNetwork()
    if args.start:
        load_weights(network, args.start)
    else:
        load_encoder(network.encoder)
    network.to(device).to(memory_format=torch.channels_last)
    average = torch.optim.swa_utils.AveragedModel(network, avg_fn=ema, use_buffers=True)
    features = FeatureNetwork().to(device)
    plain_features = FeatureNetwork()
    depthwise_in_float(network)
    depthwise_in_float(features)
    groups = parameter_groups(network, ENCODER_RATE, DECODER_RATE)
    optimiser = torch.optim.AdamW(groups, lr=0, betas=(0.9, 0.99), weight_decay=WEIGHT_DECAY)
    checkpoint = Checkpoint(args.run, network, average, optimiser)
    counters = checkpoint.resume(device)
    first, before_s = counters.get("step", 0), counters.get("trained_s", 0.0)

    train_paths, held_back_paths = split(args.labels)
    samples = InpaintingSamples(train_paths, regions, seed=args.seed)
    unseen = InpaintingSamples(held_back_paths, regions.with_suffix(".held-back.npz"), seed=1)
    validation = Validation(unseen, args.side, plain_features)

    def report(entry: dict[str, object]) -> None:
        print(checkpoint.log(entry), flush=True)

    if first == 0:
        report({name: validation.score(name) for name in ("push-pull", "INPAINT_TELEA", "INPAINT_NS")})

    trained_s, budget_s = before_s, args.minutes * 60
    recent: list[tuple[float, ...]] = []
    saved_at = begun = time.monotonic()
    with ThreadPoolExecutor(12 if device.type == "cuda" else 1) as pool:

        def draw_batch(k: int) -> list:  # type: ignore[type-arg]
            return [pool.submit(samples.draw, k * args.batch + i, args.side) for i in range(args.batch)]

        ahead = [draw_batch(first + i) for i in range(3)]
        for step in count(first):
            truth, context, synthesis = (t.to(device) for t in collate([f.result() for f in ahead.pop(0)]))
            ahead.append(draw_batch(step + 3))
            set_rates(optimiser, args.rate, step, WARM_UP_STEPS, min(1.0, trained_s / budget_s))
            network.train()
            batch = truth, context, synthesis
            c_loss, f_loss, d_loss = losses(network, features, batch, np.random.default_rng(step))
            optimiser.zero_grad()
            (c_loss + FEATURE_WEIGHT * f_loss + DISPARITY_WEIGHT * d_loss).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimiser.step()
            average.update_parameters(network)
            recent.append((c_loss.item(), f_loss.item(), d_loss.item()))
            trained_s = before_s + time.monotonic() - begun
            if len(recent) == 50:
                c, f, d = np.mean(recent, axis=0).round(4).tolist()
                report({"step": step + 1, "s": round(trained_s), "colour": c, "feature": f, "disparity_l1": d})
                recent.clear()
            finished = trained_s >= budget_s
            if finished or time.monotonic() - saved_at > SAVE_EVERY_S:
                checkpoint.save(step=step, trained_s=trained_s)
                report({"step": step, "s": round(trained_s), **validation.score(average.module.cpu())})
                average.to(device)
                saved_at = time.monotonic()
            if finished:
                break


if __name__ == "__main__":
    main()
