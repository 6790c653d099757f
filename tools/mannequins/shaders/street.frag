#version 330
// What stands still before a camera. Light as in shading.glsl: sky by the normal, sun by a shadow map.
in vec3 world;
in vec3 world_normal;
in vec3 own_colour;
in vec4 in_light;
in float depth;
flat in int kind;   // 0 paint, 1 leaves, 10.. grounds, 20.. walls, 30 sky
flat in float gloss;

layout(location = 0) out vec4 colour;

#include "street_noise.glsl"
#include "street_ground.glsl"
#include "street_wall.glsl"

uniform sampler2D shadow_map;
uniform sampler2D contact_map;  // how much stands close above the ground, 0 to 1
uniform vec4 contact_area;      // x, y of its corner, metres; its width and depth
uniform vec3 eye, light_direction, key, ambient, haze;
uniform float focal;            // pixels: size of a pixel at one metre is 1 / focal
uniform float shadow_softness;  // texels

float shadow() {
    vec3 q = in_light.xyz / in_light.w * 0.5 + 0.5;
    if (any(lessThan(q, vec3(0.0))) || any(greaterThan(q, vec3(1.0)))) return 0.0;
    float blocked = 0.0, texel = shadow_softness / float(textureSize(shadow_map, 0).x);
    for (int i = -1; i <= 1; i++)
        for (int j = -1; j <= 1; j++)
            blocked += q.z - 0.0012 > texture(shadow_map, q.xy + vec2(i, j) * texel).r ? 1.0 : 0.0;
    return blocked / 9.0;
}

vec3 sky(vec3 direction) {
    float up = clamp(direction.z, 0.0, 1.0);
    vec3 zenith = mix(vec3(0.42, 0.58, 0.80), haze, 0.35);
    float cloud = smoothstep(0.45, 0.75, clouds(direction.xy / (up + 0.15), 1.2, 4, 0.0));
    return mix(mix(haze, zenith, sqrt(up)), vec3(0.9), 0.6 * cloud * smoothstep(0.02, 0.2, up));
}

void main() {
    vec3 view = normalize(eye - world), n = normalize(world_normal);
    if (kind == 30) { colour = vec4(sky(-view), 1.0); return; }
    if (dot(n, view) < 0.0 && kind != 1) n = -n;
    float width = depth / focal;
    if (kind >= 10 && kind < 20) width /= max(view.z, 0.08);
    vec3 paint = own_colour;
    float open = 1.0;
    vec2 at = abs(n.x) > 0.7 ? world.yz : (abs(n.z) > 0.7 ? world.xy : world.xz);
    if (kind >= 10 && kind < 20) {
        paint = ground(kind - 10, world.xy, width);
        vec2 where = (world.xy - contact_area.xy) / contact_area.zw;
        open = 1.0 - 0.72 * texture(contact_map, where).r;
    } else if (kind >= 20 && kind < 30) {
        paint = wall(kind - 20, own_colour, at, width);
        open = mix(0.72, 1.0, smoothstep(0.0, 0.7, world.z));
    } else if (kind == 0) {
        paint *= 1.0 + 0.16 * (clouds(at, 5.0, 3, width) - 0.5);
        open = mix(0.55, 1.0, smoothstep(0.0, 0.45, world.z)) * (0.75 + 0.25 * smoothstep(-0.9, 0.2, n.z));
    } else if (kind == 1) {
        paint *= 0.75 + 0.5 * hash(ivec2(gl_PrimitiveID / 2, 7));
        open = mix(0.5, 1.0, smoothstep(0.0, 0.8, world.z)) * (0.65 + 0.35 * smoothstep(-0.7, 0.6, n.z));
    }
    paint = mix(vec3(dot(paint, vec3(0.3, 0.6, 0.1))), paint, 0.85);  // dust and cheap sensors
    vec3 albedo = pow(max(paint, 0.0), vec3(2.2));
    float blocked = shadow(), facing = dot(n, light_direction);
    float lit = kind == 1 ? 0.25 + 0.6 * max(facing, 0.0) + 0.2 * max(-facing, 0.0) : max(facing, 0.0);
    vec3 light = ambient * (0.62 + 0.38 * n.z) * open + key * lit * (1.0 - blocked);
    vec3 seen = albedo * light;
    if (gloss > 0.15) {
        vec3 bounced = reflect(-view, n);
        float fresnel = mix(0.06, 1.0, pow(1.0 - max(dot(n, view), 0.0), 4.0)) * gloss;
        vec3 around = bounced.z > 0.0 ? sky(bounced) : vec3(0.35, 0.34, 0.32);
        float trees = smoothstep(0.35, 0.6, clouds(bounced.xz / (abs(bounced.y) + 0.3) + 5.0, 2.2, 3, 0.0)) * smoothstep(0.35, 0.1, bounced.z);
        around = mix(around, vec3(0.20, 0.22, 0.18), 0.7 * trees);
        seen = mix(seen, pow(around, vec3(2.2)) * (0.5 + 0.5 * length(ambient)), clamp(fresnel + 0.12 * gloss, 0.0, 0.8));
        seen += 0.5 * gloss * key * pow(max(dot(n, normalize(light_direction + view)), 0.0), 60.0) * (1.0 - blocked);
    }
    seen = pow(max(seen, 0.0), vec3(1.0 / 2.2));
    seen /= 1.0 + 0.6 * max(seen - 0.8, 0.0);
    colour = vec4(mix(haze, seen, exp(-max(depth - 6.0, 0.0) / 140.0)), 1.0);
}
