#version 330
// A vertex is a pixel of the source picture with its inverse depth q. (ray, 1) is its direction from the source camera, so
// (ray, 1, q) is its position in homogeneous coordinates: linear in q, finite at infinity (q = 0), and, because both ray
// and q are linear over a plane's picture, interpolated exactly by the rasteriser.
in vec2 in_ray;
in float in_disparity;
#ifdef SOFT
in float in_fade;
#endif
in vec3 in_texcoord;  // u, v, layer

uniform mat4 pose;    // world (= source camera) to camera
uniform vec2 focal;   // focal length over half of the frame's width and height
uniform vec2 shift;   // principal point offset over half of the frame's width and height
uniform vec4 place;   // factor and offset from the scene's u, v to those of the texture
uniform float step_back;  // see Scene.layer_step

out vec2 texcoord;
#ifdef SOFT
out float fade;
#endif

// The depth buffer is linear in inverse depth: what is nearer than 0.25 scene units is cut off (the nearest surface is at
// 1), and infinity stays before the far plane, where the cleared depth is, on every layer.
const float AT_INFINITY = 0.73;
const float PER_DISPARITY = 0.4325;

void main() {
    vec3 p = mat3(pose) * vec3(in_ray, 1.0) + pose[3].xyz * in_disparity;
    // y is not flipped: row 0 of the frame buffer is the top of the picture, as readers of frames expect.
    float nearness = in_disparity - step_back * in_texcoord.z * p.z;
    gl_Position = vec4(p.xy * focal + shift * p.z, AT_INFINITY * p.z - PER_DISPARITY * nearness, p.z);
    texcoord = in_texcoord.xy * place.xy + place.zw;
#ifdef SOFT
    fade = in_fade;
#endif
}
