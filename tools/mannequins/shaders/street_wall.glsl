// Walls at (across, up) metres, and the boxes' plain paint. `width` is a pixel's size there.
vec3 weathered(vec3 base, vec2 at, float width) {
    float large = clouds(at, 0.7, 4, width), fine = clouds(at, 14.0, 2, width);
    float runs = smoothstep(0.55, 0.85, noise(vec2(at.x * 3.0, at.y * 0.25))) * smoothstep(3.5, 0.5, at.y);
    float splash = smoothstep(0.55, 0.0, at.y + 0.25 * noise(at * vec2(3.0, 1.0)));
    return base * (1.0 + 0.28 * (large - 0.5) + 0.16 * (fine - 0.5) - 0.10 * runs - 0.22 * splash);
}

vec3 wall(int which, vec3 paint, vec2 at, float width) {
    if (which == 1) {  // bricks
        vec2 size = vec2(0.24, 0.077);
        float row = floor(at.y / size.y);
        vec2 q = at + vec2(0.5 * size.x * mod(row, 2.0), 0.0);
        float fade = clamp(2.0 - width / size.y * 1.6, 0.0, 1.0), luck = hash(ivec2(floor(q / size)));
        vec3 base = paint * (1.0 + fade * 0.35 * (luck - 0.5));
        base = mix(base, vec3(0.60, 0.57, 0.52), 0.7 * joints(q, size, 0.012, width));
        return weathered(base, at, width);
    }
    if (which == 2) {  // panels of stone or concrete
        vec2 size = vec2(1.2, 0.6);
        float luck = hash(ivec2(floor(at / size)));
        return weathered(paint * (1.0 + 0.10 * (luck - 0.5)), at, width) * (1.0 - 0.35 * joints(at, size, 0.012, width));
    }
    if (which == 3) {  // what stands behind a shop's glass: shelves of goods, dim
        vec2 size = vec2(0.16, 0.34);
        vec2 q = at;
        float luck = hash(ivec2(floor(q / size))), tone = hash(ivec2(floor(q / size)) + 13);
        vec3 goods = mix(vec3(0.35, 0.30, 0.24), mix(vec3(0.62, 0.24, 0.18), vec3(0.25, 0.42, 0.52), tone), luck * 0.7);
        float shelf = band(mod(at.y, 0.34) - 0.02, 0.02, width);
        float lights = smoothstep(1.9, 2.5, at.y) * 0.25 * band(mod(at.x, 1.6) - 0.8, 0.5, width);
        return mix(goods * (0.45 + 0.5 * luck), vec3(0.65), 0.5 * shelf) * paint + lights;
    }
    return weathered(paint, at, width);  // render
}
