"""The depth loss: blind to scale and shift, and to what is unknown; not blind to soft edges."""

import pytest

torch = pytest.importorskip("torch")

from training.losses import decorrelation, disparity_loss  # noqa: E402


@pytest.fixture
def target():
    torch.manual_seed(0)
    return torch.rand(2, 32, 48)


def test_scale_and_shift_cost_nothing(target) -> None:
    assert disparity_loss(3 * target + 5, target, 2.0) < 1e-4
    assert disparity_loss(-target, target, 2.0) > 0.5


def test_unknown_pixels_cost_nothing(target) -> None:
    holes, predicted = target.clone(), target.clone()
    holes[:, :10] = torch.nan
    predicted[:, :10] = 100.0
    assert disparity_loss(predicted, holes, 2.0) < 1e-4


def test_soft_edges_cost() -> None:
    step = torch.zeros(1, 32, 64)
    step[:, :, 32:] = 1
    soft = torch.clamp((torch.arange(64.0) - 24) / 16, 0, 1).expand(1, 32, 64)
    assert disparity_loss(soft, step, 2.0) > disparity_loss(step, step, 2.0) + 0.05


def test_nothing_known_is_no_loss_and_no_nan(target) -> None:
    loss = disparity_loss(target.requires_grad_(), torch.full_like(target, torch.nan), 2.0)
    loss.backward()
    assert loss == 0 and torch.isfinite(target.grad).all()


def test_decorrelation_is_one_less_pearson(target) -> None:
    predicted = target + torch.rand(2, 32, 48)
    known = torch.rand(2, 32, 48) > 0.3
    pearson = [
        torch.corrcoef(torch.stack([p[k], t[k]]))[0, 1] for p, t, k in zip(predicted, target, known, strict=True)
    ]
    assert torch.isclose(decorrelation(predicted, target, known), 1 - torch.stack(pearson).mean(), atol=1e-4)
