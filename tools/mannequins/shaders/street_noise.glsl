// Value noise from an integer hash, so that every driver draws the same street.
uniform int seed;

float hash(ivec2 cell) {
    uint h = uint(cell.x) * 0x8da6b343u ^ uint(cell.y) * 0xd8163841u ^ uint(seed) * 0xcb1ab31fu;
    h ^= h >> 15; h *= 0x2c1b3c6du; h ^= h >> 12; h *= 0x297a2d39u; h ^= h >> 15;
    return float(h >> 8) / 16777216.0;
}

float noise(vec2 at) {
    ivec2 cell = ivec2(floor(at));
    vec2 f = fract(at);
    f = f * f * (3.0 - 2.0 * f);
    return mix(mix(hash(cell), hash(cell + ivec2(1, 0)), f.x), mix(hash(cell + ivec2(0, 1)), hash(cell + ivec2(1, 1)), f.x), f.y);
}

// Octaves from a coarse to a fine scale; those finer than a pixel (`width` metres) are left out.
float clouds(vec2 at, float scale, int octaves, float width) {
    float sum = 0.0, weight = 0.5, total = 0.0;
    for (int i = 0; i < octaves; i++) {
        float fade = clamp(1.5 - width * scale * 1.5, 0.0, 1.0);
        sum += weight * mix(0.5, noise(at * scale + float(37 * i)), fade);
        total += weight; weight *= 0.5; scale *= 2.0;
    }
    return sum / total;
}

// 1 in the joints of a grid (`size` metres, joints `joint` metres wide), softened to the pixel's width.
float joints(vec2 at, vec2 size, float joint, float width) {
    vec2 edge = min(mod(at, size), size - mod(at, size));
    float soft = max(width, 0.002);
    vec2 inside = 1.0 - smoothstep(0.5 * joint, 0.5 * joint + soft, edge);
    return max(inside.x, inside.y) * min(1.0, joint / soft * 2.0);
}

// 1 in a band |d| < half, softened.
float band(float d, float half_width, float width) { return 1.0 - smoothstep(half_width, half_width + max(width, 0.004), abs(d)); }
