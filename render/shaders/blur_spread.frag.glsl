#version 330
// How blurred the things in front of the focus are, spread to where their blur reaches.
uniform sampler2D depth;

in vec2 at;
out float spread;

void main() {
    vec2 texel = 1.0 / vec2(textureSize(depth, 0));
    float nearest = 1.0;
    for (int y = -5; y <= 5; y += 2) {
        for (int x = -5; x <= 5; x += 2) {
            nearest = min(nearest, texture(depth, at + texel * float(DIVISOR) * vec2(x, y)).r);
        }
    }
    spread = blur_px(min(nearest, lens.x));
}
