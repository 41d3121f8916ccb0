#version 330
// The blurred picture: from the four sizes, those whose blur is next to what each pixel's depth asks for.
uniform sampler2D depth;
uniform sampler2D behind0, behind1, behind2, behind3;
#ifdef NEAR
uniform sampler2D front0, front1, front2, front3;
uniform sampler2D spread;
#endif

in vec2 at;
layout(location = 0) out vec4 far_picture;
#ifdef NEAR
layout(location = 1) out vec4 near_picture;  // times its cover
#endif

vec4 shares(float blur) {
    float level = clamp(log2(max(blur, 0.01) / EDGE_PX), 0.0, 3.0);
    return max(1.0 - abs(level - vec4(0.0, 1.0, 2.0, 3.0)), 0.0);
}

void main() {
    vec2 quarter = 0.25 * float(DIVISOR) / vec2(textureSize(depth, 0));
    vec4 z = vec4(texture(depth, at - quarter).r, texture(depth, at + quarter).r,
                  texture(depth, at + quarter * vec2(1.0, -1.0)).r, texture(depth, at + quarter * vec2(-1.0, 1.0)).r);
    float blur = blur_px(max(lens.x, max(max(z.x, z.y), max(z.z, z.w))));
#ifdef NEAR
    float near_blur = texture(spread, at).r;
    vec4 part = shares(near_blur);
    near_picture = part.x * texture(front0, at) + part.y * texture(front1, at)
                 + part.z * texture(front2, at) + part.w * texture(front3, at);
    blur = max(blur, near_blur * min(4.0 * near_picture.a, 1.0));  // what shows through the rim of something blurred
#endif
    vec4 share = shares(blur);
    vec4 sum = share.x * texture(behind0, at) + share.y * texture(behind1, at)
             + share.z * texture(behind2, at) + share.w * texture(behind3, at);
    far_picture = vec4(sum.rgb / max(sum.a, 1e-5), 1.0);
}
