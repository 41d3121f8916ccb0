#version 330
// A small picture laid over the frame.
uniform sampler2D small;

in vec2 at;
out vec4 colour;

void main() {
    colour = texture(small, at);
}
