#version 330
// SOFT: triangles that may be transparent. DEFOCUS: the frame's alpha becomes its sharpness instead of its coverage.
// BATCH: four frames are targets, of which the colour mask lets one through.
in vec2 texcoord;
uniform sampler2D picture;  // times its alpha
#ifdef SOFT
in float fade;
#endif
#if defined(SOFT) && defined(DEFOCUS)
layout(location = 0, index = 0) out vec4 colour;
layout(location = 0, index = 1) out vec4 cover;  // what blends both colour and sharpness
#else
layout(location = 0) out vec4 colour;
#endif
#ifdef BATCH
layout(location = 1) out vec4 colour1;
layout(location = 2) out vec4 colour2;
layout(location = 3) out vec4 colour3;
#endif

#ifdef VIGNETTE
uniform vec3 falloff;  // the frame's centre, px, and the darkening per squared px

float lens_gain() {
    // In linear light this is nearly the cos^4 law of lenses: the square root of cos^4 stands for the sRGB curve.
    vec2 off_centre = gl_FragCoord.xy - falloff.xy;
    return 1.0 / (1.0 + falloff.z * dot(off_centre, off_centre));
}
#endif

#ifdef DEFOCUS
float sharpness(float depth);
#endif

void main() {
    vec4 texel = texture(picture, texcoord);
#ifdef SOFT
    // What covers a tear for want of better is not seen through, whatever the texture says. A fade of 1 may come out of the
    // rasteriser a little larger.
    texel = fade > 1.5 ? vec4(texel.rgb / max(texel.a, 1.0 / 255.0), 1.0) : texel * fade;
    if (texel.a < 1.0 / 255.0) discard;  // must not hide what is drawn later
#else
    texel.a = 1.0;
#endif
#ifdef VIGNETTE
    texel.rgb *= lens_gain();
#endif
#if defined(DEFOCUS)
#ifdef SOFT
    cover = texel.aaaa;
#endif
    texel.a = sharpness(gl_FragCoord.z);
#endif
    colour = texel;
#ifdef BATCH
    colour1 = colour2 = colour3 = texel;
#endif
}
