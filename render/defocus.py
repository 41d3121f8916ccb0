"""Depth of field: a drawn frame is blurred by depth, in a few passes over small pictures of it.

What is out of focus behind the sharp plane is gathered without the sharp things before it, so that these do not bleed
into the blur; what is out of focus in front of it gets a soft cover that spreads over what is sharp. Costs hardly
depend on how far the blur reaches, since wide blurs come from smaller pictures.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import moderngl

from render.lens import Lens
from render.programs import make_program

LEVELS = 4  # sizes of small pictures; each has twice the blur of the one before
REACH = 12  # pixels of the largest small picture: farther than anything in front is spread
_DIAGONAL_PER_DIVISOR = 550.0  # px
_REPLACE = (moderngl.ONE, moderngl.ZERO, moderngl.ONE, moderngl.ZERO)
_WHERE_NOT_SHARP = (moderngl.ONE_MINUS_DST_ALPHA, moderngl.DST_ALPHA, moderngl.ONE, moderngl.ZERO)
_OVER = (moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA, moderngl.ZERO, moderngl.ONE)


def divisor_for(width: int, height: int) -> int:
    """How much smaller than the frame the largest of the small pictures is: 2 for previews, 4 at 1080p, 8 at 4K."""
    return int(2 ** min(3, max(1, round(math.log2(math.hypot(width, height) / _DIAGONAL_PER_DIVISOR)))))


@dataclass(frozen=True)
class _Pass:
    """One drawing over a whole target."""

    array: Any
    program: Any
    target: Any  # frame buffer
    sources: dict[str, Any]  # textures by the names of their samplers
    blend: tuple[int, int, int, int]
    only_front: bool  # whether it changes nothing away from what is in front of the focus


class Defocus:
    """The passes over one frame buffer. `colour` has its sharpness as alpha; both textures stay the caller's."""

    def __init__(self, context: Any, colour: Any, depth: Any) -> None:
        self.context = context
        self._made: list[Any] = []
        self.divisor = divisor_for(*colour.size)
        self._frame = self._keep(context.framebuffer([colour]))  # without depth: that is read from
        size = tuple(-(-side // self.divisor) for side in colour.size)
        sizes = [tuple(-(-side // 2**level) for side in size) for level in range(LEVELS)]
        behind = [self._picture(size, dtype="f2") for size in sizes]  # small weights need floating point
        front = [self._picture(size) for size in sizes]
        spread = self._picture(sizes[2], components=1, dtype="f2")
        far, near = self._picture(sizes[0]), self._picture(sizes[0])
        pyramid = {"depth": depth} | {f"behind{k}": picture for k, picture in enumerate(behind)}
        in_front = {"spread": spread} | {f"front{k}": picture for k, picture in enumerate(front)}
        self._only_behind = [
            self._pass("gather", [behind[0]], {"frame": colour}),
            *self._halvings(behind),
            self._pass("assemble", [far], pyramid),
            self._pass("lay", None, {"small": far}, _WHERE_NOT_SHARP),
        ]
        self._on_both_sides = [
            self._pass("gather", [behind[0], front[0]], {"frame": colour, "depth": depth}, near=True),
            *self._halvings(behind),
            *self._halvings(front),
            self._pass("spread", [spread], {"depth": depth}),
            self._pass("assemble", [far, near], pyramid | in_front, near=True),
            self._pass("lay", None, {"small": far}, _WHERE_NOT_SHARP),
            self._pass("lay", None, {"small": near}, _OVER, only_front=True),
        ]

    def release(self) -> None:
        """Release everything that was made here."""
        for resource in reversed(self._made):
            resource.release()

    def apply(self, lens: Lens) -> None:
        """Blur the frame; its alpha is 1 afterwards."""
        gl = self.context
        for step in self._on_both_sides if lens.front else self._only_behind:
            step.target.use()
            gl.viewport = (0, 0, *step.target.size)
            gl.scissor = self._box(lens.front) if step.only_front and lens.front else None
            gl.enable_only(moderngl.NOTHING if step.blend == _REPLACE else moderngl.BLEND)
            gl.blend_func = step.blend  # even if unused: one with two sources is refused for several targets
            for unit, (name, texture) in enumerate(step.sources.items()):
                texture.use(unit)
                step.program[name].value = unit
            if "lens" in step.program:
                step.program["lens"].value = lens.uniform
            step.array.render(moderngl.TRIANGLES, vertices=3)
        gl.scissor = None

    def _box(self, front: tuple[float, float, float, float]) -> tuple[int, int, int, int]:
        """Left, top, width and height in px of `Lens.front` with the reach of its blur."""
        reach = REACH * self.divisor
        sides = [
            (max(0, math.floor((low + 1) / 2 * size) - reach), min(size, math.ceil((high + 1) / 2 * size) + reach))
            for low, high, size in zip(front[:2], front[2:], self._frame.size, strict=True)
        ]
        (left, right), (top, bottom) = sides
        return left, top, max(0, right - left), max(0, bottom - top)

    def _keep(self, resource: Any) -> Any:
        self._made.append(resource)
        return resource

    def _picture(self, size: tuple[int, ...], components: int = 4, dtype: str = "f1") -> Any:
        texture = self._keep(self.context.texture(size, components, dtype=dtype))
        texture.filter = (moderngl.LINEAR, moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        return texture

    def _halvings(self, pictures: list[Any]) -> list[_Pass]:
        return [self._pass("halve", [coarse], {"finer": fine}) for fine, coarse in itertools.pairwise(pictures)]

    def _pass(
        self,
        name: str,
        targets: list[Any] | None,
        sources: dict[str, Any],
        blend: tuple[int, int, int, int] = _REPLACE,
        near: bool = False,
        only_front: bool = False,
    ) -> _Pass:
        """The pass of a shader into `targets`; None is the frame."""
        defines = {"DIVISOR": self.divisor, "NEAR": 1 if near else None}
        program = self._keep(make_program(self.context, "fullscreen", "blur", f"blur_{name}.frag", **defines))
        array = self._keep(self.context.vertex_array(program, []))
        target = self._frame if targets is None else self._keep(self.context.framebuffer(targets))
        return _Pass(array, program, target, sources, blend, only_front)
