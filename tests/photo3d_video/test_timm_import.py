"""timm is imported in part, and yet whole for everybody else in the process."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def run_python(code: str) -> str:
    """What a fresh Python prints: in this one, other tests have imported timm."""
    start = "import sys; sys.modules['triton'] = None; from photo3d_video.timm_import import import_efficientnet\n"
    done = subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout.strip()


def test_compiler_torchvision_hub_and_other_models_are_not_imported() -> None:
    unused = "{'torch._dynamo', 'sympy', 'torchvision', 'huggingface_hub', 'timm.data.loader', 'timm.models.beit'}"
    assert run_python(f"import_efficientnet(); print({unused} & set(sys.modules))") == "set()"


def test_network_is_the_one_that_timm_makes_and_nothing_is_missing_later() -> None:
    code = """
import torch
part = import_efficientnet().tf_efficientnet_lite0(features_only=True).eval()
import timm, timm.models, torchvision, torch._dynamo
whole = timm.create_model("tf_efficientnet_lite0", features_only=True, pretrained=False).eval()
whole.load_state_dict(part.state_dict())
picture = torch.rand(1, 3, 32, 32)
assert all(torch.equal(a, b) for a, b in zip(part(picture), whole(picture)))
assert timm.models.beit and timm.layers and len(timm.list_models()) > 500
assert timm.data.create_transform and timm.data.IMAGENET_DEFAULT_MEAN
assert isinstance(timm.models._hub.has_hf_hub(), bool) and torch._dynamo.config
box = torch.tensor([[0, 0, 8.0, 8.0]])
assert torch.ops.torchvision.nms(box, torch.ones(1), 0.5).tolist() == [0]
print(tuple(torchvision.ops.roi_align(picture, [box], 4).shape))
"""
    assert run_python(code) == "(1, 3, 4, 4)"


def test_version_of_timm_that_is_built_otherwise_is_imported_as_a_whole() -> None:
    code = """
import photo3d_video.timm_import as ours
ours._TIMM["timm.layers"] = ("create_classifier",)  # as if code at import time needed what is put off
ours._TIMM["timm.models._builder"] = ("pretrained_cfg_for_features", "build_model_with_cfg")
ours._late_function = None  # and that failed
network = import_efficientnet().tf_efficientnet_lite0(features_only=True)
import timm
print(type(timm).__name__, type(timm.layers).__name__, timm.create_model.__name__)
"""
    assert run_python(code) == "module module create_model"


def test_torchvision_that_timm_needs_at_once_stays() -> None:
    code = """
import photo3d_video.timm_import as ours
put_off = ours._put_off
def put_off_and_need(name, functions):
    put_off(name, functions)
    if name == "timm":
        import torchvision
        ours.needed = torchvision if torchvision.datasets else None
ours._put_off = put_off_and_need
network = import_efficientnet().tf_efficientnet_lite0(features_only=True)
import torchvision
print(torchvision is ours.needed, bool(torchvision.ops.nms))
"""
    assert run_python(code) == "True True"
