"""Offscreen rendering of a scene with OpenGL through moderngl."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from itertools import islice
from types import TracebackType
from typing import Any

import cv2
import moderngl
import numpy as np
import numpy.typing as npt

from render.defocus import Defocus
from render.errors import RenderError
from render.lens import Optics
from render.programs import make_program
from render.scene import Scene
from render.textures import Finer, Textures, refine

UInt8 = npt.NDArray[np.uint8]

GL_VERSION = 330
BACKEND = "EGL" if sys.platform.startswith("linux") else "native"  # EGL needs no display
# So many frames share a frame buffer, each in a slot of its own, which the colour mask picks. Drivers that draw square
# by square then have the texture of a square at hand for all of them: a fifth less time. Large frames take much memory.
# The shader has as many outputs.
BATCH, MAX_BATCH_PX = 4, 16e6
CHANNELS = 4  # of what is read: drivers take several times as long to leave one out as OpenCV does
VIGNETTE = 0.35  # falloff of strength 1 at the corners: half of the light, see layers.frag.glsl
# Colours come times their alpha; alpha accumulates coverage, so that 1 means: nothing behind shows through.
_BLEND_COVERAGE = (moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA)
_SRC1_ALPHA, _ONE_MINUS_SRC1_ALPHA = 0x8589, 0x88FB  # OpenGL's numbers; moderngl has no names for them
_BLEND_SHARPNESS = (moderngl.ONE, _ONE_MINUS_SRC1_ALPHA, _SRC1_ALPHA, _ONE_MINUS_SRC1_ALPHA)
# Mesa's software renderer samples textures in 8-bit integers, which was faster once, but no longer is: a tenth of all
# the time that a frame takes. Other drivers do not look at this setting.
_FASTER_SAMPLING = "no_aos_sampling"
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
    os.environ.setdefault("GALLIVM_PERF", _FASTER_SAMPLING)
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
    """Draws one scene from many cameras. Buffers are made once; use as a context manager to release them.

    `supersample`: 2 draws at twice the size. `dof`: strength of the depth of field, 1 is usual, 0 is none. `vignette`:
    darkening towards the corners, 1 takes half of the light there, 0 is none. `finer`: what `refine` makes of the
    front's texture, for those who have had it made meanwhile. `batch`: so many frames share a buffer, where they can.
    """

    def __init__(
        self,
        context: Any,
        scene: Scene,
        width: int,
        height: int,
        supersample: int = 1,
        dof: float = 0.0,
        vignette: float = 0.0,
        finer: Finer | None = None,
        batch: int = BATCH,
    ) -> None:
        self.context = context
        self.size = (width, height)
        limit = context.info["GL_MAX_TEXTURE_SIZE"]
        _, texture_h, texture_w, _ = scene.textures.shape
        if max(texture_w, texture_h, width * supersample, height * supersample) > limit:
            raise RenderError(f"the graphics driver takes textures up to {limit} px; use a smaller --size")
        self._textures = Textures(context, scene.textures, finer or refine(scene.textures[0]))
        vertices = np.column_stack([scene.rays, scene.disparity, scene.fade, scene.texcoord]).astype(np.float32)
        self._vertices = context.buffer(vertices)
        opaque, soft = scene.opaque, scene.soft
        pictures = self._textures.choose(scene.texcoord, opaque, everywhere=False)
        order = np.lexsort((pictures, scene.texcoord[opaque[:, 0], 2]))  # front first
        self._opaque_runs = _runs(pictures[order], 0)
        # Soft triangles lie on outlines, which had better be sharp; and each change of texture takes time.
        self._soft_runs = _runs(self._textures.choose(scene.texcoord, soft, everywhere=True), len(opaque))
        self._indices = context.buffer(np.concatenate([opaque[order], soft]).astype(np.int32))
        big = (width * supersample, height * supersample)
        self._n_slots = batch if not dof and batch * big[0] * big[1] <= MAX_BATCH_PX else 1
        self._colours = [context.texture(big, CHANNELS) for _ in range(self._n_slots)]
        for colour in self._colours:
            colour.filter = (moderngl.LINEAR, moderngl.LINEAR)
            colour.repeat_x = colour.repeat_y = False
        if dof:
            self._depth = context.depth_texture(big)
            self._depth.compare_func = ""
            self._depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
            self._depth.repeat_x = self._depth.repeat_y = False
        else:
            self._depth = context.depth_renderbuffer(big)
        self._frame = context.framebuffer(self._colours, self._depth)
        self._defocus = Defocus(context, self._colours[0], self._depth) if dof else None
        self._optics = Optics(scene, dof, float(np.hypot(*big))) if dof else None
        self._falloff = (big[0] / 2, big[1] / 2, vignette * VIGNETTE / (np.hypot(*big) / 2) ** 2)
        self._focal = scene.focal_px / np.array([scene.width_px / 2, scene.height_px / 2])
        self._opaque, self._opaque_array = self._layers(scene.layer_step, soft=False)
        self._soft, self._soft_array = self._layers(scene.layer_step, soft=True)
        self._supersample = supersample

    def _layers(self, step: float, soft: bool) -> tuple[Any, Any]:
        """Program and vertices of the opaque or of the soft triangles. `step`: see `Scene.layer_step`."""
        flags = {"SOFT": soft, "VIGNETTE": self._falloff[2], "BATCH": self._n_slots > 1}
        defines = {name: 1 if flag else None for name, flag in flags.items()}
        fragment = ["layers.frag"]
        if self._defocus:
            defines |= {"DEFOCUS": 1, "DIVISOR": self._defocus.divisor}
            fragment.insert(0, "blur")
        program = make_program(self.context, "layers", *fragment, **defines)
        program["step_back"].value = step
        layout, names = ("2f 1f 1f 3f", ("in_fade",)) if soft else ("2f 1f 1x4 3f", ())
        attributes = ("in_ray", "in_disparity", *names, "in_texcoord")
        return program, self.context.vertex_array(program, [(self._vertices, layout, *attributes)], self._indices)

    def __enter__(self) -> Renderer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._defocus:
            self._defocus.release()
        for resource in (self._frame, *self._colours, self._depth, self._opaque_array, self._soft_array, self._vertices,
                         self._indices, self._textures, self._opaque, self._soft):  # fmt: skip
            resource.release()

    def draw(
        self,
        world_to_camera: npt.NDArray[np.float64],
        focal_factor: float,
        shift: npt.NDArray[np.float64],
        focus: npt.NDArray[np.float64] | None = None,
        *,
        slot: int = 0,
    ) -> None:
        """Draw one view into a slot of the frame buffer.

        `world_to_camera` (4, 4); `focal_factor` over the source's focal length; `shift` (2,) of the principal point in
        units of the source's focal length. The frame shows the source picture's field of view at the identity pose.
        `focus` (3,): the point that is sharp where there is depth of field, as x / z, y / z and inverse depth in the
        source camera. `slot`: `read` gives the first one back, 0; there are more where `frames` draws several at once.
        """
        gl = self.context
        focal, offset = self._focal * focal_factor, self._focal * np.asarray(shift)
        lens = None
        if self._optics is not None:
            if focus is None:
                raise ValueError("a depth of field needs a focus")
            lens = self._optics.lens(world_to_camera, focal_factor, focal, offset, focus)
        self._frame.use()
        gl.viewport = (0, 0, *self._frame.size)
        gl.enable_only(moderngl.DEPTH_TEST)
        gl.depth_func = "<"
        gl.blend_equation = moderngl.FUNC_ADD
        gl.wireframe = False
        self._frame.depth_mask = True
        masks = [(n == slot,) * CHANNELS for n in range(self._n_slots)]
        self._frame.color_mask = masks[0] if self._n_slots == 1 else tuple(masks)
        self._frame.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        for program in (self._opaque, self._soft):
            program["pose"].write(world_to_camera.T.astype(np.float32).tobytes())
            program["focal"].value = tuple(focal)
            program["shift"].value = tuple(offset)
            if lens:
                program["lens"].value = lens.uniform
            if self._falloff[2]:
                program["falloff"].value = self._falloff
        self._render(self._opaque, self._opaque_array, self._opaque_runs)
        gl.enable_only(moderngl.DEPTH_TEST | moderngl.BLEND)
        gl.blend_func = _BLEND_SHARPNESS if lens else _BLEND_COVERAGE
        self._render(self._soft, self._soft_array, self._soft_runs)
        if self._defocus and lens:
            self._defocus.apply(lens)

    def _render(self, program: Any, array: Any, runs: list[tuple[int, int, int]]) -> None:
        for number, first, count in runs:
            self._textures.all[number].use()
            program["place"].value = self._textures.places[number]
            array.render(moderngl.TRIANGLES, vertices=count, first=first)

    def read(self, components: int = 3) -> UInt8:
        """What was drawn last into the first slot, as (H, W, 3 or 4) uint8.

        The fourth component is coverage (1 with depth of field).
        """
        return self._image(self._frame.read(components=CHANNELS), components)

    def frames(self, views: Iterable[tuple[Any, ...]]) -> Generator[UInt8, None, None]:
        """The frames (H, W, 3) uint8, read-only, of views, each given as the first arguments of `draw`.

        A frame is fetched from the driver while others are drawn: on a GPU, neither waits for the other.
        """
        width, height = self._frame.size
        buffers = [self.context.buffer(reserve=CHANNELS * width * height) for _ in range(2)]
        n_read = 0
        views = iter(views)
        try:
            while batch := list(islice(views, self._n_slots)):
                for slot, view in enumerate(batch):
                    self.draw(*view, slot=slot)
                for slot in range(len(batch)):
                    self._frame.read_into(buffers[n_read % 2], components=CHANNELS, attachment=slot)
                    n_read += 1
                    if n_read > 1:
                        yield self._image(buffers[n_read % 2].read(), 3)
            if n_read:
                yield self._image(buffers[(n_read - 1) % 2].read(), 3)
        finally:
            for buffer in buffers:
                buffer.release()

    def _image(self, data: bytes, components: int) -> UInt8:
        width, height = self._frame.size
        image = np.frombuffer(data, np.uint8).reshape(height, width, CHANNELS)
        if self._supersample > 1:
            image = np.asarray(cv2.resize(image, self.size, interpolation=cv2.INTER_AREA), np.uint8)
        if components < CHANNELS:
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGBA2RGB), np.uint8)
        image.flags.writeable = False  # so that nobody needs to copy it before the next one comes
        return image


def _runs(pictures: npt.NDArray[np.int64], start: int) -> list[tuple[int, int, int]]:
    """Number of a texture, first vertex and number of vertices of each stretch of triangles that share the texture.

    `pictures` (T,): the textures' numbers. `start`: how many triangles come before them.
    """
    ends = np.flatnonzero(np.diff(pictures)) + 1
    stretches = zip(np.r_[0, ends], np.r_[ends, len(pictures)], strict=True)
    return [(int(pictures[a]), 3 * (start + int(a)), 3 * int(b - a)) for a, b in stretches if b > a]
