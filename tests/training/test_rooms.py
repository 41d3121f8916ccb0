"""Rooms: things in 3D whose depth and outlines are exact."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from training.models import catalogue, load
from training.rooms import make_room, surfaces_of
from training.stage import Stage

CUBE = """mtllib cube.mtl
v 0 0 0
v 2 0 0
v 2 2 0
v 0 2 0
v 0 0 2
v 2 0 2
v 2 2 2
v 0 2 2
usemtl red
f 1 4 3 2
f 5 6 7 8
f 1 2 6 5
f 4 8 7 3
f 1 5 8 4
f 2 3 7 6
"""
PROPERTIES = """id#1=Cube
model#1=/cubes/cube.obj
width#1=80
depth#1=40
height#1=120
elevation#1=10.0
id#2=Door
model#2=/cubes/cube.obj
width#2=80
depth#2=40
height#2=120
doorOrWindow#2=true
id#3=Gone
model#3=/cubes/gone.obj
width#3=1
depth#3=1
height#3=1
"""


@pytest.fixture(scope="module")
def furniture(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("furniture")
    (folder / "catalogue" / "cubes").mkdir(parents=True)
    (folder / "catalogue" / "PluginFurnitureCatalog.properties").write_text(PROPERTIES)
    (folder / "catalogue" / "cubes" / "cube.obj").write_text(CUBE)
    (folder / "catalogue" / "cubes" / "cube.mtl").write_text("newmtl red\nKd 1 0 0\n")
    return folder


@pytest.fixture(scope="module")
def backdrops(tmp_path_factory) -> list[Path]:
    path = tmp_path_factory.mktemp("backdrops") / "noise.png"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8))
    return [path]


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


def test_a_catalogue_has_what_can_stand(furniture) -> None:
    (model,) = catalogue(furniture)
    assert model.path.name == "cube.obj"
    assert model.size == pytest.approx((0.8, 1.2, 0.4)) and model.lift == pytest.approx(0.1)


def test_a_model_has_the_size_that_its_catalogue_says(furniture) -> None:
    (surface,) = load(catalogue(furniture)[0])
    points = surface.vertices[:, :3]
    np.testing.assert_allclose(points.min(0), [-0.4, 0, -0.2], atol=1e-6)
    np.testing.assert_allclose(points.max(0), [0.4, 1.2, 0.2], atol=1e-6)
    np.testing.assert_allclose(surface.tint, [1, 0, 0], atol=0.01)
    np.testing.assert_allclose(np.linalg.norm(surface.vertices[:, 3:6], axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("seed", range(4))
def test_rooms_are_the_same_again_and_things_stand_in_them(stage, furniture, backdrops, seed: int) -> None:
    models = catalogue(furniture)
    (rgb, disparity, owner), again = (
        make_room(stage, models, backdrops, np.random.default_rng(seed)) for _ in range(2)
    )
    for one, other in zip((rgb, disparity, owner), again, strict=True):
        np.testing.assert_array_equal(one, other)
    assert rgb.dtype == np.uint8 and rgb.shape == (*disparity.shape, 3) and owner.shape == disparity.shape
    assert disparity.min() > 1 / 61 and disparity.max() < 1 / 0.14


def test_things_are_red_and_in_front(stage, furniture, backdrops) -> None:
    seen = 0
    for seed in range(6):
        rgb, _, owner = make_room(stage, catalogue(furniture), backdrops, np.random.default_rng(seed))
        thing = cv2.erode((owner >= 10).astype(np.uint8), np.ones((5, 5))) > 0
        seen += int(thing.sum())
        assert (rgb[thing][:, 1:].astype(int).mean(1) <= rgb[thing][:, 0]).mean() > 0.95 if thing.any() else True
    assert seen > 5000


def test_a_plane_that_recedes_is_one_surface_and_a_step_is_none() -> None:
    y, x = np.mgrid[:100, :120].astype(np.float32)
    ground = 0.02 + y / 100
    label, steps = surfaces_of(ground, np.ones_like(ground))
    assert len(np.unique(label)) == 1 and not steps.any()
    box = (x > 30) & (x < 80) & (y > 20) & (y < 60)
    label, steps = surfaces_of(np.where(box, 2.0, ground).astype(np.float32), np.ones_like(ground))
    assert label[40, 50] != label[10, 50] and steps[40, 31] and not steps[40, 60]


def test_things_that_touch_are_two_surfaces_without_a_step() -> None:
    flat = np.full((40, 60), 0.5, np.float32)
    owner = np.where(np.arange(60) < 30, 1, 2)[None].repeat(40, 0).astype(np.float32)
    label, steps = surfaces_of(flat, owner)
    assert label[20, 10] != label[20, 50] and not steps.any()
