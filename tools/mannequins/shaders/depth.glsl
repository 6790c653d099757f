#version 330
// Depth alone, with the hems cut: fills the shadow map and, before shading, the picture's depth buffer.
in vec3 place;
in vec4 carried;
flat in int layer;

#include "person.glsl"

const int GROUND = 30;

void main() {
    if (layer < GROUND && !keep(layer, place, carried)) discard;
}
