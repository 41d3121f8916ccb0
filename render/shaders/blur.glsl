// How blurred a depth value is; shared by all shaders of the depth of field.
uniform vec3 lens;  // depth value in focus, half of the sharp range, blur in px (sigma) per unit of depth value

const float EDGE_PX = 0.7 * DIVISOR;  // the blur of the small pictures' finest level; less is mixed with the sharp frame

float blur_px(float depth) {
    return lens.z * max(abs(depth - lens.x) - lens.y, 0.0);
}

float sharpness(float depth) {
    float ratio = blur_px(depth) / EDGE_PX;
    return max(1.0 - ratio * ratio, 0.0);  // a mixture of both has the variance that is asked for
}
