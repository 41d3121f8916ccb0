#version 330
// Half of the size with an even weight over 4 x 4 pixels: smooth enough to be enlarged again without steps.
uniform sampler2D finer;

in vec2 at;
out vec4 coarser;

void main() {
    vec2 texel = 1.0 / vec2(textureSize(finer, 0));
    coarser = 0.25 * (texture(finer, at + texel * vec2(-1.0, -1.0)) + texture(finer, at + texel * vec2(1.0, -1.0))
                    + texture(finer, at + texel * vec2(-1.0, 1.0)) + texture(finer, at + texel * vec2(1.0, 1.0)));
}
