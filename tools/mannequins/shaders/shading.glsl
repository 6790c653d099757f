#version 330
// Colour, and what the labels need: layer, part, object, canonical place and depth of the surface in front.
// Compiled once a layer: with LAYER a constant, the code of all other layers falls away.
#define LAYER 0

in vec3 world_normal;
in vec3 world;
in vec3 place;
in vec4 carried;
in vec4 in_light;
in float depth;
flat in int part;

layout(location = 0) out vec4 colour;  // sRGB, alpha: how much it covers the backdrop (shadows cover in part)
layout(location = 1) out vec4 ids;     // (layer + 1, part + 1, object, 255) / 255; 0 is the backdrop or the ground
layout(location = 2) out vec4 where;   // canonical place (3), depth

uniform sampler2D shadow_map;
uniform float shadow_texel;     // width of one texel in the map's coordinates
uniform vec3 eye;               // metres, world
uniform vec3 light_direction;   // unit, towards the light
uniform vec3 key;               // the light's colour times its strength
uniform vec3 ambient;
uniform float shadow_strength;  // of the shadow on the ground, 0 to 1
uniform vec4 feet[2];           // (x, y) of both ankles of two people, metres
uniform float object_id;
uniform vec3 paint[8];          // colours of what is no person, sRGB

#include "person.glsl"

const int GROUND = 30;
const int OCCLUDER = 31;

// How much of the light is blocked, 0 to 1: nine taps soften the edge.
float shadow() {
    vec3 q = in_light.xyz / in_light.w * 0.5 + 0.5;
    if (any(lessThan(q, vec3(0.0))) || any(greaterThan(q, vec3(1.0)))) return 0.0;
    float blocked = 0.0;
    for (int i = -1; i <= 1; i++)
        for (int j = -1; j <= 1; j++)
            blocked += q.z - 0.006 > texture(shadow_map, q.xy + vec2(i, j) * 1.6 * shadow_texel).r ? 1.0 : 0.0;
    return blocked / 9.0;
}

// The dark patch where a sole meets the ground, and a wider, fainter one under the body.
float contact(vec4 ankles) {
    vec2 a = world.xy - ankles.xy, b = world.xy - ankles.zw;
    float near = min(dot(a, a), dot(b, b));
    return 0.75 * exp(-dot(a, a) / 0.02) + 0.75 * exp(-dot(b, b) / 0.02) + 0.35 * exp(-near / 0.12);
}

void main() {
    if (LAYER == GROUND) {
        float dark = min(0.65 * (contact(feet[0]) + contact(feet[1])), 0.8);
        colour = vec4(0.0, 0.0, 0.0, 1.0 - (1.0 - shadow() * shadow_strength) * (1.0 - dark));
        ids = vec4(0.0);
        where = vec4(0.0, 0.0, 0.0, depth);
        return;
    }
    vec3 view = normalize(eye - world);
    vec3 n = normalize(world_normal);
    if (dot(n, view) < 0.0) n = -n;  // cloth is thin: its inside is seen, too
    vec3 albedo = vec3(0.5);
    float specular = 0.0, occlusion = 1.0, material = float(LAYER);
    if (LAYER == OCCLUDER) {
        albedo = paint[int(carried.z + 0.5)];
        specular = carried.w;
    } else {
        surface(LAYER, part, place, carried, world, n, albedo, specular, occlusion, material);
        n = normalize(n);
    }
    albedo = pow(max(albedo, 0.0), vec3(2.2));
    float blocked = shadow();
    vec3 between = normalize(light_direction + view);
    vec3 light = ambient * (0.62 + 0.38 * n.z) * occlusion
               + key * max(dot(n, light_direction), 0.0) * (1.0 - 0.9 * blocked);
    vec3 shine = 0.4 * specular * key * pow(max(dot(n, between), 0.0), 18.0) * (1.0 - blocked);
    vec3 seen = pow(albedo * light + shine, vec3(1.0 / 2.2));
    seen /= 1.0 + 0.6 * max(seen - 0.8, 0.0);  // highlights roll off, as in a camera
    colour = vec4(seen, 1.0);
    ids = vec4(material + 1.0, float(part_at(LAYER, part, place, carried)) + 1.0, object_id, 255.0) / 255.0;
    where = vec4(place, depth);
}
