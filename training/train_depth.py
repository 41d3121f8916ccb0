"""Train the built-in depth network.

`python -m training.train_depth DATA LABELS RUN --steps 5000` trains in RUN (checkpoint, log.jsonl, weights), and goes
on from RUN's checkpoint if there is one. LABELS is what `training.labels` or `training.relabel` wrote.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inpaint.encoder_decoder import normalise
from photo3d_video.depth.network import ENCODER, DepthNetwork
from training.checkpoint import Checkpoint, load_weights
from training.depth_data import PAIR_SHARE, PASTE_SHARE, SUBJECT_UNKNOWN, DepthSamples, Sample
from training.encoder import load_imagenet
from training.losses import disparity_loss
from training.rates import parameter_groups, set_rates

ENCODER_RATE, DECODER_RATE = 1.5e-4, 1.2e-3
WEIGHT_DECAY = 0.01
WARM_UP_STEPS = 200
GRADIENT_WEIGHT, SUBJECT_WEIGHT = 2.0, 0.1
EMA = 0.998
SCALES = (0.75, 1.0, 1.25)  # of the side, batch by batch: the product looks at photos in two sizes
SHAPES = ((1.0, 1.0), (1.0, 1.0), (4 / 3, 3 / 4), (3 / 4, 4 / 3), (3 / 2, 2 / 3))  # (w, h) over the side
SAVE_EVERY_S = 120


def batch_shape(index: int, side: float) -> tuple[int, int]:
    """(H, W), multiples of 32, of about side x side pixels, a little more or less."""
    rng = np.random.default_rng(index)
    w, h = SHAPES[rng.integers(len(SHAPES))]
    side *= SCALES[rng.integers(len(SCALES))]
    return max(32, round(side * h**0.5 / 32) * 32), max(32, round(side * w**0.5 / 32) * 32)


def collate(samples: list[Sample]) -> tuple[Tensor, Tensor, Tensor]:
    """Samples of one size -> rgb (B, 3, H, W), disparity and subject at half size, as the network puts them out."""
    rgb = torch.from_numpy(np.stack([s.rgb for s in samples])).permute(0, 3, 1, 2).float()
    disparity = torch.from_numpy(np.stack([s.disparity[::2, ::2] for s in samples]))
    subject = torch.from_numpy(np.stack([s.subject[::2, ::2] for s in samples]))
    return rgb, disparity, subject


def subject_loss(logit: Tensor, subject: Tensor) -> Tensor:
    known = (subject != SUBJECT_UNKNOWN).float()
    loss = F.binary_cross_entropy_with_logits(logit, subject.float() / 254, reduction="none")
    return (loss * known).sum() / known.sum().clamp_min(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("labels", type=Path)
    parser.add_argument("run", type=Path)
    parser.add_argument("--scenes", type=Path, help="what training.scenes wrote")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--side", type=int, default=224, help="square root of the training picture's area, px")
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--encoder", default=ENCODER)
    parser.add_argument("--rate", type=float, default=1.0, help="factor on both learning rates")
    parser.add_argument("--start", type=Path, help="weights (.safetensors) to start from instead of ImageNet's")
    ingredients = ("pairs", "pastes", "decorrelation")
    parser.add_argument(
        "--without", nargs="*", choices=ingredients, default=[], help="what to leave out, to see its worth"
    )
    args = parser.parse_args()

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    cv2.setNumThreads(1)

    network = DepthNetwork(args.encoder)
    if args.start:
        load_weights(network, args.start)
    else:
        load_imagenet(network.encoder, args.encoder)
    network.to(device).to(memory_format=torch.channels_last)
    decayed = torch.optim.swa_utils.get_ema_multi_avg_fn(EMA)  # type: ignore[no-untyped-call]
    average = torch.optim.swa_utils.AveragedModel(network, multi_avg_fn=decayed, use_buffers=True)
    groups = parameter_groups(network, ENCODER_RATE, DECODER_RATE)
    optimiser = torch.optim.AdamW(groups, lr=0, weight_decay=WEIGHT_DECAY)
    checkpoint = Checkpoint(args.run, network, average, optimiser)
    step = checkpoint.resume(device).get("step", 0)
    pair_share = 0.0 if "pairs" in args.without else PAIR_SHARE
    paste_share = 0.0 if "pastes" in args.without else PASTE_SHARE
    samples = DepthSamples(args.data, args.labels, args.scenes, pair_share, paste_share)
    decorrelation_weight = 0.0 if "decorrelation" in args.without else 1.0
    recent: list[tuple[float, float]] = []
    saved_at = begun = time.monotonic()
    with ThreadPoolExecutor(12 if device.type == "cuda" else 2) as pool:

        def draw_batch(k: int) -> list[Future[Sample]]:
            size = batch_shape(k, args.side)
            return [pool.submit(samples.draw, k * args.batch + i, size) for i in range(args.batch)]

        ahead = [draw_batch(step + i) for i in range(3)]
        while step < args.steps:
            rgb, disparity, subject = collate([f.result() for f in ahead.pop(0)])
            ahead.append(draw_batch(step + 3))
            set_rates(optimiser, args.rate, step, WARM_UP_STEPS, step / args.steps)
            x = normalise(rgb.to(device)).contiguous(memory_format=torch.channels_last)
            predicted, logit = network(x)
            d_loss = disparity_loss(predicted, disparity.to(device), GRADIENT_WEIGHT, decorrelation_weight)
            s_loss = subject_loss(logit, subject.to(device))
            optimiser.zero_grad()
            (d_loss + SUBJECT_WEIGHT * s_loss).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            average.update_parameters(network)
            recent.append((d_loss.item(), s_loss.item()))
            step += 1
            if len(recent) == 50:
                d, s = np.mean(recent, axis=0)
                checkpoint.log({"step": step, "s": round(time.monotonic() - begun), "disparity": d, "subject": s})
                recent.clear()
            if step == args.steps or time.monotonic() - saved_at > SAVE_EVERY_S:
                saved_at = time.monotonic()
                checkpoint.save(step=step)


if __name__ == "__main__":
    main()
