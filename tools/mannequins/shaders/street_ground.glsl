// The grounds: colour of the floor at (x, y) metres; `width` is a pixel's size there.
vec3 worn(vec3 base, vec2 at, float width, float strength) {
    float large = clouds(at, 0.35, 4, width), fine = clouds(at, 9.0, 3, width);
    float stain = smoothstep(0.62, 0.75, clouds(at + 40.0, 0.8, 4, width));
    return base * (1.0 + strength * (1.1 * (large - 0.5) + 0.5 * (fine - 0.5)) - 0.16 * strength * stain);
}

vec3 spots(vec3 base, vec2 at, float width) {  // chewing gum, leaves, bits of paper
    ivec2 cell = ivec2(floor(at * 2.5));
    vec2 centre = (vec2(cell) + 0.2 + 0.6 * vec2(hash(cell), hash(cell + 91))) / 2.5;
    float luck = hash(cell + 17), size = 0.012 + 0.03 * hash(cell + 5);
    float on = 1.0 - smoothstep(size, size + width + 0.004, length((at - centre) * vec2(1.0, 0.7 + hash(cell + 3))));
    if (luck < 0.10) return mix(base, vec3(0.20, 0.19, 0.18), 0.6 * on);
    if (luck < 0.13) return mix(base, vec3(0.45, 0.36, 0.16), 0.8 * on);
    if (luck > 0.985) return mix(base, vec3(0.85), 0.8 * on);
    return base;
}

vec3 grass(vec2 at, float width) {
    float large = clouds(at, 0.5, 3, width), fine = clouds(at * vec2(1.0, 0.6), 22.0, 3, width), dry = smoothstep(0.5, 0.75, clouds(at + 9.0, 0.9, 3, width));
    return mix(vec3(0.27, 0.37, 0.14), vec3(0.52, 0.47, 0.27), dry * 0.65) * (0.45 + 0.55 * large + 0.75 * (fine - 0.2));
}

vec3 slab(vec2 at, vec2 size, float joint, vec3 a, vec3 b, float share, float spread, float width, float shift) {
    float row = floor(at.y / size.y);
    vec2 q = at + vec2(shift * size.x * mod(row, 2.0), 0.0);
    ivec2 cell = ivec2(floor(q / size));
    float fade = clamp(2.0 - width / size.y * 2.0, 0.0, 1.0), luck = hash(cell);
    vec3 base = mix(a, b, mix(share, step(1.0 - share, hash(cell + 71)), fade));
    base *= 1.0 + spread * fade * (luck - 0.5);
    float sunk = luck > 0.985 ? 0.25 * fade : 0.0;
    return worn(base * (1.0 - sunk), at, width, 0.55) * (1.0 - 0.38 * joints(q, size, joint, width));
}

vec3 ground(int which, vec2 at, float width) {
    vec3 base;
    if (which == 0) {  // tiles: a forecourt of pale square slabs with a darker border every few metres
        base = slab(at, vec2(0.6), 0.012, vec3(0.66, 0.64, 0.60), vec3(0.60, 0.57, 0.53), 0.3, 0.14, width, 0.0);
        float strip = max(band(mod(at.x + 1.2, 4.8) - 0.3, 0.3, width), band(mod(at.y, 4.8) - 0.3, 0.3, width));
        base = mix(base, base * vec3(0.72, 0.70, 0.70), strip * 0.9);
        vec2 q = mod(at, 0.3) - 0.15;  // a guiding strip for the blind
        float guide = band(at.y - 11.3, 0.3, width);
        base = mix(base, vec3(0.70, 0.58, 0.26) * (0.9 + 0.1 * noise(at * 8.0)) * (0.85 + 0.15 * step(0.05, abs(q.x))), guide * 0.9);
    } else if (which == 1) {  // a path through a lawn
        float side = at.x + 0.22 * at.y - 1.8, edge = 2.3 + 0.10 * (noise(at * 1.5) - 0.5);
        vec3 path = slab(at, vec2(0.4, 0.2), 0.012, vec3(0.60, 0.55, 0.49), vec3(0.55, 0.46, 0.41), 0.35, 0.16, width, 0.5);
        float kerb = band(abs(side) - edge - 0.06, 0.06, width);
        base = mix(grass(at, width), path, 1.0 - smoothstep(edge, edge + width + 0.02, abs(side)));
        base = mix(base, worn(vec3(0.66, 0.65, 0.62), at, width, 0.4), kerb);
        float bare = smoothstep(0.7, 0.0, abs(side) - edge) * step(edge, abs(side)) * smoothstep(0.45, 0.7, clouds(at, 1.7, 3, width));
        base = mix(base, vec3(0.45, 0.37, 0.28) * (0.7 + 0.5 * noise(at * 20.0)), 0.7 * bare);
    } else if (which == 2) {  // asphalt with bays, cracks and patches
        float fine = clouds(at, 40.0, 2, width);
        base = worn(vec3(0.42, 0.42, 0.43), at, width, 0.6) * (0.82 + 0.36 * fine);
        vec2 patch_at = at - vec2(2.4, 7.5);
        if (abs(patch_at.x) < 1.1 && abs(patch_at.y + 0.1 * patch_at.x) < 0.8) base *= 0.78;
        float crack = abs(clouds(at, 0.55, 4, width) - 0.5);
        base *= 1.0 - 0.45 * (1.0 - smoothstep(0.0, 0.004 + width * 0.3, crack)) * step(0.45, noise(at * 0.4 + 3.0));
        float paint = band(mod(at.x - 1.5, 2.7) - 1.35, 0.05, width) * step(9.3, at.y) * step(at.y, 13.2);
        base = mix(base, vec3(0.78, 0.77, 0.72) * (0.8 + 0.3 * fine), paint * (0.55 + 0.4 * noise(at * 5.0)));
        float lid = length(at - vec2(-1.3, 6.2));
        if (lid < 0.36) base = vec3(0.26, 0.25, 0.24) * (0.85 + 0.3 * step(0.5, fract(at.x * 12.0)) * step(0.5, fract(at.y * 12.0)));
    } else if (which == 3) {  // paving in two colours
        base = slab(at, vec2(0.5, 0.25), 0.01, vec3(0.58, 0.55, 0.51), vec3(0.56, 0.39, 0.34), 0.3, 0.18, width, 0.5);
        float lane = step(15.5, at.y);
        vec3 asphalt = worn(vec3(0.40, 0.40, 0.41), at, width, 0.5) * (0.85 + 0.3 * clouds(at, 30.0, 2, width));
        asphalt = mix(asphalt, vec3(0.8, 0.8, 0.76), band(mod(at.x, 2.6) - 1.3, 0.06, width) * step(19.0, at.y) * 0.8);
        base = mix(base, asphalt, lane);
        base = mix(base, worn(vec3(0.67, 0.66, 0.63), at, width, 0.3), band(at.y - 15.4, 0.1, width));
    } else if (which == 4) {  // slabs before the shops: warm, chequered here and there
        base = slab(at, vec2(0.8), 0.012, vec3(0.68, 0.62, 0.53), vec3(0.58, 0.50, 0.43), 0.45, 0.12, width, 0.0);
        float strip = band(at.y - 9.9, 0.25, width);
        base = mix(base, worn(vec3(0.42, 0.41, 0.40), at, width, 0.4), strip);
    } else {  // a road with a zebra crossing, a kerb and a pavement behind
        float fine = clouds(at, 35.0, 2, width);
        base = worn(vec3(0.43, 0.43, 0.42), at, width, 0.6) * (0.83 + 0.34 * fine);
        float zebra = step(4.6, at.y) * step(at.y, 8.2) * band(mod(at.x + 0.15 * at.y, 1.0) - 0.5, 0.24, width) * step(-2.6, at.x) * step(at.x, 3.4);
        base = mix(base, vec3(0.80, 0.79, 0.75) * (0.78 + 0.35 * fine), zebra * smoothstep(0.16, 0.42, noise(at * 3.0)));
        base = mix(base, vec3(0.78, 0.66, 0.25) * (0.8 + 0.3 * fine), band(at.y - 9.1, 0.06, width) * 0.8);
        vec3 walk = slab(at, vec2(0.4), 0.012, vec3(0.62, 0.60, 0.56), vec3(0.56, 0.52, 0.48), 0.3, 0.14, width, 0.5);
        base = mix(base, walk, step(9.6, at.y));
        base = mix(base, worn(vec3(0.68, 0.67, 0.64), at, width, 0.3), band(at.y - 9.5, 0.1, width));
    }
    return spots(base, at, width);
}
