#version 330
// Depth alone, with the hems cut: fills the shadow map and, before shading, the picture's depth buffer.
// Compiled once a layer: with LAYER a constant, the code of all other layers falls away.
#define LAYER 0

in vec3 place;
in vec4 carried;

#include "person.glsl"

const int GROUND = 30;

void main() {
    if (LAYER < GROUND && !keep(LAYER, place, carried)) discard;
}
