"""Train the network for depth edges and thin things.

`python -m training.train_edges SAMPLES RUN --minutes 60` trains in RUN (checkpoint, log.jsonl, weights), and goes on
from RUN's checkpoint if there is one. SAMPLES is what `training.collages` and `training.rooms` wrote.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint.edge_network import ENCODER, EdgeNetwork
from inpaint.filters import far_and_span
from inpaint.sight import REACH_PX, places
from training.checkpoint import Checkpoint, load_weights
from training.depth_data import degrade
from training.edge_targets import Float
from training.encoder import load_imagenet
from training.rates import parameter_groups, set_rates

ENCODER_RATE, REST_RATE = 3e-4, 2e-3
WEIGHT_DECAY = 0.01
WARM_UP_STEPS = 100
EMA = 0.998
CROSS_ENTROPY_WEIGHT, THIN_WEIGHT = 0.3, 1.5
UNSURE = 0.15  # what may be thin or not counts so much, as not thin: most of it is not
FULL_SPAN = 0.1  # steps of so much disparity count fully
LEAST_WEIGHT = 0.05  # of a crop's pixels, else another is drawn
TRIES = 4  # places of a picture; the one with most to learn is taken
SAVE_EVERY_S = 120


@dataclass(frozen=True)
class EdgeSample:
    """A crop; arrays of one (H, W)."""

    rgb: npt.NDArray[np.uint8]  # (H, W, 3)
    place: Float  # as the network sees it
    span: Float
    target: Float  # the place that a pixel should have
    weight: Float
    thin: Float  # 1 on thin things, else 0
    thin_weight: Float


def draw(files: list[Path], seed: int, side: int) -> EdgeSample:
    """Sample number `seed`, `side` px wide and high, the same whenever it is drawn; empty ones are drawn again."""
    for again in range(3):
        sample = _draw(files, np.random.default_rng((5, seed, again)), side)
        if sample.weight.mean() > LEAST_WEIGHT:
            break
    return sample


def _draw(files: list[Path], rng: np.random.Generator, side: int) -> EdgeSample:
    data = np.load(files[rng.integers(len(files))])
    rgb, known = data["rgb"], data["known"]
    h, w = known.shape
    scale = float(np.exp(rng.uniform(np.log(0.8), np.log(1.3))))
    cut = min(round(side / scale), h, w)
    spots = [(rng.integers(0, h - cut + 1), rng.integers(0, w - cut + 1)) for _ in range(TRIES)]
    y, x = max(spots, key=lambda p: known[p[0] : p[0] + cut, p[1] : p[1] + cut].sum())
    box = np.s_[y : y + cut, x : x + cut]
    size = (side, side)
    parts = [data[k][box].astype(np.float32) for k in ("disparity", "sharp", "known", "thin", "thin_known")]
    if rng.random() < 0.5:
        x, y = rng.normal(0, 2, 2)
        shift = np.array([[1, 0, x], [0, 1, y]], np.float32)
        parts[0] = cv2.warpAffine(parts[0], shift, (cut, cut), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.3:
        parts[0] = cv2.GaussianBlur(parts[0], (0, 0), rng.uniform(0.5, 4))
    colour = cv2.resize(rgb[box], size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    scaled = [colour, *(cv2.resize(p, size, interpolation=cv2.INTER_LINEAR) for p in parts)]
    flip = slice(None, None, -1 if rng.random() < 0.5 else 1)
    colour, q, target, sure, thin, thin_sure = (np.ascontiguousarray(a[:, flip]) for a in scaled)
    if rng.random() < 0.3:  # nearer and farther are only a matter of order
        gamma = np.exp(rng.normal(0, 0.3))
        q, target = np.clip(q, 0, 1) ** gamma, np.clip(target, 0, 1) ** gamma
    far, span = far_and_span(q, REACH_PX)
    weight = (sure > 0.99) * np.clip(span / FULL_SPAN, 0, 1)
    return EdgeSample(
        degrade(colour, rng),
        places(q, far, span),
        span,
        places(target, far, span),
        weight.astype(np.float32),
        thin,
        np.where(thin_sure > 0.99, 1, UNSURE).astype(np.float32),
    )


def collate(samples: list[EdgeSample]) -> tuple[Tensor, Tensor, Tensor]:
    """Samples of one size -> what the network sees (B, 5, H, W), targets and weights (B, 2, H, W)."""
    seen = np.stack([np.dstack([s.rgb.astype(np.float32) / 255, s.place, s.span]) for s in samples])
    target = np.stack([[s.target, s.thin] for s in samples])
    weight = np.stack([[s.weight, s.thin_weight] for s in samples])
    return torch.from_numpy(seen).permute(0, 3, 1, 2), torch.from_numpy(target), torch.from_numpy(weight)


@dataclass(frozen=True)
class Losses:
    """What a batch is off by; scalars."""

    error: Tensor  # of places
    entropy: Tensor  # of places
    thin: Tensor  # cross-entropy of what is thin


def losses(answer: Tensor, target: Tensor, weight: Tensor) -> Losses:
    """Of what the network says (B, 2, H, W), with targets and weights (B, 2, H, W)."""
    entropy = F.binary_cross_entropy(answer.clamp(1e-4, 1 - 1e-4), target, reduction="none")
    return Losses(
        _mean((answer[:, 0] - target[:, 0]).abs(), weight[:, 0]),
        _mean(entropy[:, 0], weight[:, 0]),
        _mean(entropy[:, 1], weight[:, 1]),
    )


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp_min(1)


def load_encoder(network: EdgeNetwork) -> None:
    """ImageNet's weights for colour, a third of their mean for place and span: their outlines count from the start."""
    import timm

    plain = timm.create_model(ENCODER, features_only=True, pretrained=False)
    load_imagenet(plain, ENCODER)
    state = plain.state_dict()
    stem = state["conv_stem.weight"]
    state["conv_stem.weight"] = torch.cat([stem, 0.3 * stem.mean(1, keepdim=True).expand(-1, 2, -1, -1)], 1)
    network.encoder.load_state_dict(state)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("samples", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--batch", type=int, default=10)
    parser.add_argument("--rate", type=float, default=1.0, help="factor on both learning rates")
    parser.add_argument("--start", type=Path, help="weights (.safetensors) to start from")
    args = parser.parse_args()

    torch.manual_seed(0)
    cv2.setNumThreads(1)
    network = EdgeNetwork()
    if args.start:
        load_weights(network, args.start)
    else:
        load_encoder(network)
    network.to(memory_format=torch.channels_last)
    decayed = torch.optim.swa_utils.get_ema_multi_avg_fn(EMA)  # type: ignore[no-untyped-call]
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=decayed, use_buffers=True)
    optimiser = torch.optim.AdamW(parameter_groups(network, ENCODER_RATE, REST_RATE), lr=0, weight_decay=WEIGHT_DECAY)
    checkpoint = Checkpoint(args.run, network, average, optimiser)
    counters = checkpoint.resume(torch.device("cpu"))
    step, before = counters.get("step", 0), counters.get("seconds", 0.0)
    recent: list[tuple[float, float, float]] = []
    saved_at = begun = time.monotonic()
    files = sorted(args.samples.glob("*.npz"))
    with ThreadPoolExecutor(2) as pool:

        def ask(k: int) -> list[Future[EdgeSample]]:
            return [pool.submit(draw, files, k * args.batch + i, args.side) for i in range(args.batch)]

        ahead = [ask(step + i) for i in range(3)]
        done = before / (60 * args.minutes)
        while done < 1:
            seen, target, weight = collate([f.result() for f in ahead.pop(0)])
            ahead.append(ask(step + 3))
            set_rates(optimiser, args.rate, step, WARM_UP_STEPS, done)
            found = losses(network(seen), target, weight)
            optimiser.zero_grad()
            total = found.error + CROSS_ENTROPY_WEIGHT * found.entropy + THIN_WEIGHT * found.thin
            total.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            average.update_parameters(network)
            blurred = _mean((seen[:, 3] - target[:, 0]).abs(), weight[:, 0])
            recent.append((found.error.item(), blurred.item(), found.thin.item()))
            step += 1
            seconds = before + time.monotonic() - begun
            done = seconds / (60 * args.minutes)
            if len(recent) == 50:
                means = zip(("error", "blurred", "thin"), np.mean(recent, axis=0).tolist(), strict=True)
                figures = {name: round(value, 4) for name, value in means}
                checkpoint.log({"step": step, "s": round(seconds), **figures, "files": len(files)})
                recent.clear()
                files = sorted(args.samples.glob("*.npz"))
            if done >= 1 or time.monotonic() - saved_at > SAVE_EVERY_S:
                saved_at = time.monotonic()
                checkpoint.save(step=step, seconds=seconds)


if __name__ == "__main__":
    main()
