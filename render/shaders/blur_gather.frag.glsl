#version 330
// The frame at 1 / DIVISOR of its size, weighted: what is out of focus behind, and (NEAR) what is out of focus in front.
uniform sampler2D frame;  // alpha is the sharpness
uniform sampler2D depth;

in vec2 at;
layout(location = 0) out vec4 behind;
#ifdef NEAR
layout(location = 1) out vec4 front;
#endif

const float LEAST = 0.002;  // sharp things count only where there is nothing else
const float FRONT_LEAST = 0.000004;  // and what is in front only where there is not even that
const float SCALE = 256.0;  // lifts the smallest weights above what half floats can tell from zero
const int TAPS = DIVISOR / 2;

void main() {
    vec2 texel = 1.0 / vec2(textureSize(frame, 0));
    behind = vec4(0.0);
#ifdef NEAR
    front = vec4(0.0);
#endif
    for (int y = 0; y < TAPS; ++y) {
        for (int x = 0; x < TAPS; ++x) {
            vec2 place = at + texel * (2.0 * vec2(x, y) + 1.0 - float(TAPS));
            vec4 tap = texture(frame, place);
            float blurred = 1.0 - tap.a;
            float least = LEAST;
            float weight = blurred * blurred;  // to the 8th power: the mean of 2 x 2 pixels may hold a sharp one
            weight *= weight;
            weight *= weight;
#ifdef NEAR
            float z = texture(depth, place).r;
            if (z < lens.x) {
                front += vec4(tap.rgb, 1.0) * blurred;
                weight *= 1.0 - blurred;
                least = mix(LEAST, FRONT_LEAST, blurred);
            }
#endif
            behind += vec4(tap.rgb, 1.0) * max(weight, least);
        }
    }
    behind *= SCALE / float(TAPS * TAPS);
#ifdef NEAR
    front /= float(TAPS * TAPS);
#endif
}
