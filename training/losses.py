"""Losses for relative disparity (Ranftl et al., "Towards Robust Monocular Depth Estimation", 2020)."""

from __future__ import annotations

import torch
from torch import Tensor

TRIM = 0.03  # share of the largest errors left out: labels are wrong in places; more would leave out all depth edges


def align(x: Tensor, known: Tensor) -> Tensor:
    """Each map (B, H, W) shifted to median 0 and scaled to mean absolute deviation 1 over its known pixels."""
    holes = torch.where(known, x, torch.nan).flatten(1)
    centre = holes.nanmedian(dim=1, keepdim=True).values.nan_to_num()
    spread = (holes - centre).abs().nanmean(dim=1, keepdim=True).nan_to_num().clamp_min(1e-3)
    return (x - centre[..., None]) / spread[..., None]


def trimmed_error(error: Tensor, known: Tensor) -> Tensor:
    """Mean of the smallest 1 - TRIM of the known absolute errors, per picture, then over the batch."""
    flat = torch.where(known, error.abs(), torch.nan).flatten(1)
    limit = torch.nanquantile(flat.detach(), 1 - TRIM, dim=1, keepdim=True)
    kept = torch.where(flat <= limit, flat, torch.nan)
    return kept.nanmean(dim=1).nan_to_num().mean()


def gradient_error(error: Tensor, known: Tensor, scales: int = 4) -> Tensor:
    """Mean absolute gradient of the error over several scales: sharp steps where the target has them."""
    total = error.new_zeros(())
    for k in range(scales):
        e, m = error[:, :: 2**k, :: 2**k], known[:, :: 2**k, :: 2**k]
        for dim in (1, 2):
            n = e.shape[dim]
            both = m.narrow(dim, 1, n - 1) & m.narrow(dim, 0, n - 1)
            step = (e.narrow(dim, 1, n - 1) - e.narrow(dim, 0, n - 1)).abs() * both
            total = total + step.sum() / both.sum().clamp_min(1)
    return total / scales


def decorrelation(predicted: Tensor, truth: Tensor, known: Tensor) -> Tensor:
    """1 - Pearson correlation over the known pixels, mean over the pictures: what is far off counts the most."""
    count = known.sum(dim=(1, 2), keepdim=True).clamp_min(1)
    a, b = (torch.where(known, x, 0) for x in (predicted, truth))
    a, b = ((x - x.sum(dim=(1, 2), keepdim=True) / count) * known for x in (a, b))
    norms = a.square().sum(dim=(1, 2)) * b.square().sum(dim=(1, 2))
    correlation = (a * b).sum(dim=(1, 2)) / (norms + 1e-4).sqrt()
    return ((1 - correlation) * known.any(dim=(1, 2))).mean()


def disparity_loss(
    predicted: Tensor, target: Tensor, gradient_weight: float, decorrelation_weight: float = 1.0
) -> Tensor:
    """Scale- and shift-invariant loss; (B, H, W) each, NaN in `target` where unknown."""
    known = ~target.isnan()
    truth = torch.where(known, target, torch.zeros_like(target))
    error = (align(predicted, known) - align(truth, known)) * known
    apart = decorrelation_weight * decorrelation(predicted, truth, known)
    return apart + trimmed_error(error, known) + gradient_weight * gradient_error(error, known)
