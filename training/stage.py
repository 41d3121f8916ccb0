"""A stage: 3D surfaces drawn with one light that casts shadows, with their depth and whose they are."""

from __future__ import annotations

from typing import Any

import moderngl
import numpy as np

from training.edge_targets import Float, Floats, Rng, UInt8
from training.models import Surface

SHADOW_PX = 1024

VERTEX = """
#version 330
uniform mat4 view;
uniform mat4 light;
in vec3 position;
in vec3 normal;
in vec2 uv;
out vec3 n;
out vec2 t;
out vec4 lit;
out vec3 at;
void main() {
    n = normal; t = uv; at = position;
    lit = light * vec4(position, 1);
    gl_Position = view * vec4(position, 1);
}
"""
DEPTH_VERTEX = """
#version 330
uniform mat4 view;
in vec3 position;
void main() { gl_Position = view * vec4(position, 1); }
"""
FRAGMENT = """
#version 330
uniform sampler2D picture;
uniform sampler2D shadow;
uniform vec3 tint;
uniform vec3 sun;
uniform float ambient;
uniform float gloss;
uniform vec3 eye;
uniform float number;
in vec3 n;
in vec2 t;
in vec4 lit;
in vec3 at;
layout(location = 0) out vec4 colour;
layout(location = 1) out float owner;
void main() {
    vec4 base = texture(picture, t);
    if (base.a < 0.5) discard;
    vec3 look = normalize(eye - at);
    vec3 m = normalize(n);
    if (dot(m, look) < 0) m = -m;
    vec3 p = lit.xyz / lit.w * 0.5 + 0.5;
    float open = 0;
    for (int i = -2; i <= 2; i++) for (int j = -2; j <= 2; j++)
        open += texture(shadow, p.xy + vec2(i, j) * 1.5 / SHADOW).r > p.z - 0.003 ? 0.04 : 0.0;
    float direct = max(dot(m, sun), 0) * open;
    float sky = ambient * (0.65 + 0.35 * m.y);
    float shine = gloss * pow(max(dot(reflect(-sun, m), look), 0), 30) * open;
    colour = vec4(base.rgb * tint * (sky + (1.1 - ambient) * direct) + shine, 1);
    owner = number;
}
""".replace("SHADOW", f"{SHADOW_PX}.0")


class Stage:
    """Draws surfaces with one light."""

    def __init__(self) -> None:
        backend: dict[str, Any] = {"backend": "egl"}
        self.context = moderngl.create_context(standalone=True, **backend)
        self.program: Any = self.context.program(VERTEX, FRAGMENT)
        self.depth_program: Any = self.context.program(DEPTH_VERTEX, "#version 330\nvoid main() {}")

    def draw(
        self,
        surfaces: list[Surface],
        view: Floats,
        eye: Floats,
        light: Floats,
        sun: Floats,
        size: tuple[int, int],
        rng: Rng,
    ) -> tuple[UInt8, Float, Float]:
        """(h, w, 3) colours, black where nothing is, (h, w) the depth buffer in 0..1, and (h, w) owners."""
        context, program = self.context, self.program
        context.enable(moderngl.DEPTH_TEST)
        context.disable(moderngl.CULL_FACE)
        buffers = [context.buffer(s.vertices.tobytes()) for s in surfaces]
        shadow = context.depth_texture((SHADOW_PX, SHADOW_PX))
        shadow.compare_func = ""
        below = context.framebuffer(depth_attachment=shadow)
        below.use()
        below.clear()
        self.depth_program["view"].write(light.T.astype("f4").tobytes())
        arrays: list[Any] = [context.vertex_array(self.depth_program, [(b, "3f 5x4", "position")]) for b in buffers]
        for array in arrays:
            array.render()
        colours, owners = context.texture(size, 4), context.texture(size, 1, dtype="f4")
        depths = context.depth_texture(size)
        depths.compare_func = ""
        frame = context.framebuffer([colours, owners], depths)
        frame.use()
        frame.clear(0, 0, 0, 0)
        shadow.use(1)
        program["picture"], program["shadow"] = 0, 1
        for name, matrix in (("view", view), ("light", light)):
            program[name].write(matrix.T.astype("f4").tobytes())
        program["sun"], program["eye"] = tuple(sun), tuple(eye)
        program["ambient"] = float(rng.uniform(0.4, 0.85))
        for surface, buffer in zip(surfaces, buffers, strict=True):
            h, w = surface.picture.shape[:2]
            texture = context.texture((w, h), 4, np.ascontiguousarray(surface.picture[::-1]).tobytes())
            texture.build_mipmaps()
            texture.use(0)
            program["tint"] = tuple(float(v) for v in surface.tint)
            program["number"] = float(surface.owner)
            program["gloss"] = float(rng.uniform(0, 0.3)) if rng.random() < 0.3 else 0.0
            array = context.vertex_array(program, [(buffer, "3f 3f 2f", "position", "normal", "uv")])
            array.render()
            arrays += [array, texture]
        rgb = np.frombuffer(colours.read(), np.uint8).reshape(size[1], size[0], 4)[::-1, :, :3]
        depth, owner = (
            np.frombuffer(x.read(), np.float32).reshape(size[1], size[0])[::-1].copy() for x in (depths, owners)
        )
        out = rgb.copy(), depth, owner
        held: list[Any] = [*arrays, *buffers, shadow, below, colours, owners, depths, frame]
        for thing in held:
            thing.release()
        return out
