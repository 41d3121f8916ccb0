"""Layers joined into one scene: places, order, kinds of triangles."""

from __future__ import annotations

import numpy as np

from render.mesh import Mesh, Surface, build_mesh
from render.scene import SOFT_CELL_PX, SOFT_STEP, Scene, build_scene, far_to_near
from tests.scenes import two_planes

FOCAL_PX = 100.0


def flat_mesh(q: float, height: int, width: int, soft: bool = False) -> Mesh:
    plane = np.full((height, width), q, np.float32)
    alpha = np.full_like(plane, 0.5 if soft else 1)
    links = np.ones((height, width - 1), bool), np.ones((height - 1, width), bool)
    return build_mesh(Surface(plane, *links, np.ones((height, width), bool)), alpha, 20.0)


def scene_of(meshes: list[Mesh], border: int = 2, scale: float = 1.0, height: int = 20, width: int = 30) -> Scene:
    texture_border = int(np.ceil(border * scale))
    size = (round(height * scale) + 2 * texture_border, round(width * scale) + 2 * texture_border)
    return build_scene(
        meshes, border, scale, np.zeros((len(meshes), *size, 4), np.uint8), texture_border, FOCAL_PX, 20.0
    )


def test_size_is_that_of_the_picture_without_its_border() -> None:
    scene = scene_of([flat_mesh(0.5, 24, 34)])
    assert (scene.width_px, scene.height_px, scene.focal_px) == (30, 20, FOCAL_PX)


def test_rays_and_texture_coordinates_name_the_same_pixel() -> None:
    for scale in (1.0, 1.5, 2.0):
        scene = scene_of([flat_mesh(0.5, 24, 34), flat_mesh(0.1, 24, 34)], scale=scale)
        size = np.array([scene.width_px, scene.height_px])
        picture = scene.rays * FOCAL_PX + size / 2
        _, texture_h, texture_w, _ = scene.textures.shape
        texel = scene.texcoord[:, :2] * (texture_w, texture_h) - (texture_w - size[0]) / 2
        np.testing.assert_allclose(picture, texel, atol=1e-3)
        assert set(scene.texcoord[:, 2].tolist()) == {0, 1}
        np.testing.assert_allclose(picture.min(0), -1.5 * scale, atol=1e-3, err_msg="first pixel of a border of two")


def test_opaque_triangles_come_layer_by_layer_and_soft_ones_far_first() -> None:
    meshes = [flat_mesh(q, 24, 34, soft) for q, soft in ((0.9, True), (0.2, False), (0.5, True), (0.7, False))]
    scene = scene_of(meshes)
    assert len(scene.opaque) + len(scene.soft) == sum(len(m.triangles) for m in meshes)
    layers, soft = scene.texcoord[scene.opaque[:, 0], 2], scene.disparity[scene.soft].mean(1)
    assert (np.diff(layers) >= 0).all() and (np.diff(soft) >= -1e-6).all()
    np.testing.assert_allclose([layers[0], layers[-1], soft[0], soft[-1]], [1, 3, 0.5, 0.9], rtol=1e-5)


def test_at_one_depth_the_front_layer_is_the_nearer_one() -> None:
    scene = scene_of([flat_mesh(0.5, 24, 34, True), flat_mesh(0.5, 24, 34, True)])
    layer = scene.texcoord[scene.soft[:, 0], 2]
    assert (np.diff(layer) <= 0).all() and set(layer.tolist()) == {0, 1}


def test_soft_triangles_of_about_one_depth_are_neighbours_in_a_row() -> None:
    rng = np.random.default_rng(0)
    x, y = (rng.uniform(0, 1000, 5000).astype(np.float32) for _ in range(2))
    disparity = (0.5 + rng.uniform(0, 0.1, 5000)).astype(np.float32)
    layer = rng.integers(0, 3, 5000).astype(np.float32)
    order = far_to_near(x, y, disparity, layer)
    q = disparity[order]
    assert (np.maximum.accumulate(q) - q).max() <= SOFT_STEP, "far to near but for less than a step"
    steps = np.hypot(np.diff(x[order]), np.diff(y[order]))
    assert np.median(steps) < 250, "scattered they would be 500 px apart"
    same_place = far_to_near(x % SOFT_CELL_PX, y % SOFT_CELL_PX, disparity, np.zeros_like(layer))
    assert (np.diff(disparity[same_place]) >= 0).all(), "in one place there is no tolerance"


def test_triangles_keep_to_their_layer() -> None:
    planes = two_planes(24, 34)
    right, down = planes.near[:, :-1] == planes.near[:, 1:], planes.near[:-1] == planes.near[1:]
    surface = Surface(planes.disparity, right, down, np.ones((24, 34), bool))
    torn = build_mesh(surface, np.ones((24, 34), np.float32), 20.0)
    scene = scene_of([torn, flat_mesh(0.1, 24, 34), flat_mesh(0.05, 24, 34)])
    for triangles in (scene.opaque, scene.soft):
        assert (np.ptp(scene.texcoord[triangles, 2], axis=1) == 0).all()
    np.testing.assert_array_equal(scene.fade[: len(torn.xy)], torn.fade)
