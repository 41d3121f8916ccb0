#version 330
uniform sampler2DArray layers;

in vec3 texcoord;
in float fade;
out vec4 colour;

void main() {
    vec4 texel = texture(layers, texcoord);
    float alpha = min(texel.a * fade, 1.0);
    if (alpha < 1.0 / 255.0) discard;  // must not hide what is drawn later
    colour = vec4(texel.rgb, alpha);
}
