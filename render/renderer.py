"""Offscreen rendering of a scene with OpenGL through moderngl."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import moderngl
import numpy as np
import numpy.typing as npt

from render.errors import RenderError
from render.scene import Scene

SHADERS = Path(__file__).parent / "shaders"
GL_VERSION = 330
BACKEND = "EGL" if sys.platform.startswith("linux") else "native"  # EGL needs no display
_ADVICE = "on Debian or Ubuntu: apt-get install libegl1 libgl1 libgl1-mesa-dri"


@dataclass(frozen=True)
class GLInfo:
    """What draws the frames."""

    backend: str
    vendor: str
    renderer: str
    version: str


def create_context() -> Any:
    """A standalone OpenGL 3.3 context: EGL (no display needed) on Linux, the platform's own elsewhere.

    Raises RenderError with the cure where there is none.
    """
    try:
        backend: dict[str, Any] = {"backend": "egl"} if BACKEND == "EGL" else {}
        return moderngl.create_context(standalone=True, require=GL_VERSION, **backend)
    except Exception as error:  # moderngl raises bare Exception
        raise RenderError(f"no offscreen OpenGL 3.3 context ({error}); {_ADVICE}") from error


def describe(context: Any) -> GLInfo:
    """Backend, vendor, renderer and version of a context."""
    info = context.info
    return GLInfo(BACKEND, info["GL_VENDOR"], info["GL_RENDERER"], info["GL_VERSION"])


class Renderer:
    """Draws one scene from many cameras. Buffers are made once; use as a context manager to release them."""

    def __init__(self, context: Any, scene: Scene, width: int, height: int, supersample: int = 1) -> None:
        self.context = context
        self.scene = scene
        self.size = (width, height)
        limit = context.info["GL_MAX_TEXTURE_SIZE"]
        layers, texture_h, texture_w, _ = scene.textures.shape
        if max(texture_w, texture_h, width * supersample, height * supersample) > limit:
            raise RenderError(f"the graphics driver takes textures up to {limit} px; use a smaller --size")
        self._program = context.program(
            vertex_shader=(SHADERS / "layers.vert.glsl").read_text(),
            fragment_shader=(SHADERS / "layers.frag.glsl").read_text(),
        )
        self._texture = context.texture_array((texture_w, texture_h, layers), 4, scene.textures.tobytes())
        # Textures have the clip's own resolution and no move takes the camera far back: no mipmaps, which would blur.
        self._texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
        self._texture.repeat_x = self._texture.repeat_y = False
        vertices = np.column_stack([scene.rays, scene.disparity, scene.fade, scene.texcoord]).astype(np.float32)
        self._vertices = context.buffer(vertices.tobytes())
        triangles = np.concatenate([scene.opaque, scene.soft])
        self._indices = context.buffer(triangles.astype(np.int32).tobytes())
        self._array = context.vertex_array(
            self._program,
            [(self._vertices, "2f 1f 1f 3f", "in_ray", "in_disparity", "in_fade", "in_texcoord")],
            self._indices,
        )
        big = (width * supersample, height * supersample)
        self._colour = context.texture(big, 4)
        self._colour.filter = (moderngl.LINEAR, moderngl.LINEAR)
        self._depth = context.depth_renderbuffer(big)
        self._frame = context.framebuffer([self._colour], self._depth)
        self._supersample = supersample

    def __enter__(self) -> Renderer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for resource in (self._frame, self._colour, self._depth, self._array, self._vertices, self._indices,
                         self._texture, self._program):  # fmt: skip
            resource.release()

    def draw(
        self, world_to_camera: npt.NDArray[np.float64], focal_factor: float, shift: npt.NDArray[np.float64]
    ) -> None:
        """Draw one view into the frame buffer.

        `world_to_camera` (4, 4); `focal_factor` over the source's focal length; `shift` (2,) of the principal point in
        units of the source's focal length. The frame shows the source picture's field of view at the identity pose.
        """
        gl, scene = self.context, self.scene
        half = np.array([scene.width_px / 2, scene.height_px / 2])
        self._program["pose"].write(world_to_camera.T.astype(np.float32).tobytes())
        self._program["focal"].value = tuple(scene.focal_px * focal_factor / half)
        self._program["shift"].value = tuple(scene.focal_px * np.asarray(shift) / half)
        self._frame.use()
        gl.viewport = (0, 0, *self._frame.size)
        gl.enable_only(moderngl.DEPTH_TEST)
        gl.depth_func = "<"
        gl.blend_equation = moderngl.FUNC_ADD
        # Colour as usual; alpha accumulates coverage, so that 1 means: nothing behind shows through.
        gl.blend_func = (moderngl.SRC_ALPHA, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA)
        gl.wireframe = False
        self._frame.depth_mask = True
        self._frame.color_mask = (True, True, True, True)
        self._frame.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        self._texture.use(0)
        self._program["layers"].value = 0
        opaque, soft = 3 * len(scene.opaque), 3 * len(scene.soft)
        self._array.render(moderngl.TRIANGLES, vertices=opaque)
        if soft:
            gl.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
            self._array.render(moderngl.TRIANGLES, vertices=soft, first=opaque)

    def read(self, components: int = 3) -> npt.NDArray[np.uint8]:
        """The frame buffer as (H, W, components) uint8; the fourth component is coverage."""
        width, height = self._frame.size
        data = self._frame.read(components=components, alignment=1)
        image = np.frombuffer(data, np.uint8).reshape(height, width, components)
        if self._supersample > 1:
            import cv2

            image = cv2.resize(image, self.size, interpolation=cv2.INTER_AREA)
        return image
