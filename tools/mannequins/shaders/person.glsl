// A dressed person: which fragments of each layer are kept (hems, necklines, hairlines), and how each surface looks.
// Everything is a function of the canonical place c: metres on the standing reference body, root at 0, x the
// person's left, -y the front, z up (crown 0.85, eyes 0.735, chin 0.60, shoulders 0.50, crotch -0.08, knee -0.45).
// carried = (layer, part, weight of the arm's bones, weight of the hand's bones). Uniforms: see paint.py.

uniform sampler3D noise_volume;  // random bytes, linear, repeating

uniform vec3 skin_colour, hair_colour, headwear_colour, top_colour, top_second, outer_colour, outer_second;
uniform vec3 bottom_colour, bottom_second, legwear_colour, shoe_colour, sole_colour, scarf_colour, bag_colour;
uniform vec3 umbrella_colour;
uniform float hair_cut, hair_fringe, hair_part, beard, glasses, mask, headwear, lips, age;
uniform float top_sleeve, top_hem, top_neck, top_collar, top_strap, top_buttons, top_ribs, top_pocket, top_pattern;
uniform float top_scale, top_wrinkle;
uniform float outer_sleeve, outer_hem, outer_open, outer_quilt, outer_lapel, outer_ribs, outer_denim, outer_wrinkle;
uniform float bottom_hem, bottom_pattern, bottom_denim, bottom_crease, bottom_cargo, bottom_cuff, bottom_wrinkle;
uniform float legwear, skirt_dress, shoe_top, shoe_kind, bag_straps, bag_sling, wrinkles;

const int SKIN = 0, BOTTOM = 1, SKIRT = 2, TOP = 3, SHOE = 4, HAIR = 5, LONG_HAIR = 6, HAIR_PIECE = 7, BRIM = 8;
const int BAG = 9, UMBRELLA = 10, SHAFT = 11, PHONE = 12, BOX = 13, SCARF = 14, HAT = 15, OUTER = 16, LEGWEAR = 17;
const vec3 SHOULDER = vec3(0.186, -0.009, 0.482), ELBOW = vec3(0.376, -0.016, 0.268);
const vec3 WRIST = vec3(0.507, -0.191, 0.134);

vec3 noise3(vec3 q) { return texture(noise_volume, q / 32.0).xyz; }
float noise1(vec3 q) { return texture(noise_volume, q / 32.0).x; }

// 0 at the shoulder joint, 0.5 at the elbow, 1 at the wrist
float arm_parameter(vec3 c) {
    vec3 a = vec3(abs(c.x), c.yz), upper = ELBOW - SHOULDER, lower = WRIST - ELBOW;
    float first = dot(a - SHOULDER, upper) / dot(upper, upper), second = dot(a - ELBOW, lower) / dot(lower, lower);
    return first < 1.0 ? 0.5 * first : 0.5 + 0.5 * max(second, 0.0);
}

// above 0 where the top's neckline has been passed
float neckline(vec3 c, float kind, float collar) {
    float over = c.z - 0.575 - 0.35 * c.y;
    if (collar > 1.5) over -= 0.05;
    else if (collar > 0.5) over -= 0.022;
    if (kind > 1.5) over += 0.045 * smoothstep(0.15, 0.05, abs(c.x)) * (c.y < 0.0 ? 1.0 : 0.4);
    else if (kind > 0.5 && c.y < 0.0) over += max(0.0, 0.15 - 1.6 * abs(c.x));
    return over;
}

// how far above the hairline a place of the scalp is, metres
float hairline(vec3 c) {
    float side = abs(c.x);
    float line = mix(0.803, 0.712, smoothstep(-0.092, -0.052, c.y));      // forehead, temple, sideburn
    line = mix(line, 0.640, smoothstep(-0.015, 0.030, c.y));              // behind the ear to the nape
    if (c.y < -0.085) line += 0.010 * smoothstep(0.02, 0.05, side);       // corners of the forehead
    if (hair_cut > 0.5 && hair_cut < 1.5) line += 0.022 + 0.030 * smoothstep(-0.02, -0.08, c.y);
    if (hair_cut < 2.5) line += 0.012;
    if (hair_fringe > 1.5 && hair_cut > 2.5 && c.y < -0.07) line -= 0.022 * smoothstep(-0.06, 0.04, c.x * sign(hair_part + 0.001));
    else if (hair_fringe > 0.5 && hair_cut > 2.5 && c.y < -0.07) line -= 0.030;
    line += (noise1(c * 90.0) - 0.5) * 0.018;
    float ear = length(vec2(c.y + 0.006, (c.z - 0.708) * 0.8));
    if (hair_cut < 4.5 && side > 0.070 && ear < 0.030) return -0.01;
    return c.z - line;
}

bool face_opening(vec3 c) {
    return c.y < -0.055 && length(vec2(c.x * 1.02, (c.z - 0.705) * 0.80)) < 0.072;
}

// The half width of the opening of an outer garment's front.
float opening(vec3 c) { return outer_open * (0.65 + 0.55 * smoothstep(0.5, 0.0, c.z)) + 0.010 * sin(c.z * 9.0 + wrinkles); }

bool keep(int layer, vec3 c, vec4 carried) {
    bool arm = carried.z > 0.5;
    if (layer == SKIN || layer == SKIRT) return true;
    if (layer == TOP) {
        if (neckline(c, top_neck * float(top_collar < 0.5), top_collar) > 0.0) return false;
        float along = arm_parameter(c);
        if (top_strap > 0.5 && c.z > 0.30 && top_sleeve < 0.1) {
            if (carried.z > 0.45 && along > -0.06) return false;
            return abs(c.x) < 0.150 - 0.25 * max(0.0, c.z - 0.36) || c.z < 0.36;
        }
        if (carried.z > 0.15 && (c.z > 0.12 || arm)) return along < top_sleeve;
        return c.z > top_hem - 0.004;
    }
    if (layer == OUTER) {
        float over = neckline(c, 0.0, 1.0) + (outer_lapel > 0.5 && c.y < 0.0 ? max(0.0, 0.20 - 1.5 * abs(c.x)) : 0.0);
        if (over > 0.0) return false;
        if (outer_open > 0.0 && c.y < 0.0 && !arm && abs(c.x) < opening(c)) return false;
        if (carried.z > 0.15 && (c.z > 0.12 || arm)) return arm_parameter(c) < outer_sleeve;
        return true;
    }
    if (layer == BOTTOM) return carried.z < 0.15 && c.z < min(0.10, top_hem + 0.03 + 0.2 * step(0.05, top_hem)) && c.z > bottom_hem;
    if (layer == LEGWEAR) return carried.z < 0.15 && c.z < (legwear > 1.5 ? -0.70 : 0.05);
    if (layer == SHOE) {
        if (shoe_kind > 2.5) return c.z < -0.962 || (c.z < shoe_top && abs(fract(c.y * 14.0 + 0.3) - 0.5) < 0.22);
        return c.z < shoe_top + 0.10 * c.y;
    }
    if (layer == HAIR) return hair_cut > 0.5 || hair_fringe > 9.0 ? hairline(c) > 0.0 && (hair_cut > 1.5 || c.y > -0.06 || abs(c.x) > 0.045) : false;
    if (layer == LONG_HAIR) {
        if (c.y < -0.075 && c.z > 0.60) return false;
        return true;
    }
    if (layer == HAT) return headwear > 5.5 ? !face_opening(c * vec3(1.0, 1.0, 1.0)) : c.z > (headwear > 1.5 && headwear < 2.5 ? 0.765 - 0.10 * smoothstep(-0.08, 0.04, c.y) : 0.764 - 0.020 * smoothstep(-0.08, 0.04, c.y));
    if (layer == SCARF) return carried.y != 1.0 || !face_opening(c);
    return true;
}

// The part a place belongs to, with straight borders: the vertices' own parts end wherever triangles do.
int part_at(int layer, int part, vec3 c, vec4 carried) {
    if (part > 14 || layer == HAIR || layer == LONG_HAIR || layer == HAIR_PIECE || layer == HAT || layer == BRIM) return part;
    int side = c.x > 0.0 ? 0 : 1;
    if (carried.z > 0.5) {
        float along = arm_parameter(c);
        return side + (along < 0.5 ? 2 : along < 1.0 ? 4 : 6);
    }
    if (c.z > 0.632 + 0.25 * c.y && abs(c.x) < 0.12) return 1;
    if (c.z > 0.575 + 0.35 * c.y && abs(c.x) < 0.10) return 14;
    if (c.z > -0.09 + 0.5 * abs(c.x)) return 0;
    return side + (c.z > -0.45 ? 8 : c.z > -0.895 ? 10 : 12);
}

float stripe(float u, float share) { return smoothstep(0.0, 0.08, fract(u)) * smoothstep(share + 0.08, share, fract(u)); }

// Cloth's colour with a pattern; u runs around, v along the garment, metres.
vec3 patterned(vec3 base, vec3 second, float pattern, float scale, vec3 c, float u, float v, bool arm) {
    int kind = int(pattern + 0.5);
    if (kind == 1) return mix(base, second, stripe(v / (0.055 * scale), 0.45));
    if (kind == 2) return mix(base, second, 0.6 * stripe(u / (0.022 * scale), 0.2));
    if (kind == 3) {
        float a = stripe(u / (0.07 * scale), 0.5), b = stripe(v / (0.07 * scale), 0.5);
        vec3 check = mix(base, second, 0.38 * (a + b));
        return check * (1.0 - 0.35 * stripe(u / (0.07 * scale) + 0.3, 0.08)) * (1.0 - 0.35 * stripe(v / (0.07 * scale) + 0.3, 0.08));
    }
    if (kind == 4) {  // a small mark on the chest
        if (!arm && c.y < -0.02 && length(vec2(c.x - 0.075, c.z - 0.36)) < 0.024) return second;
        return base;
    }
    if (kind == 5) {  // a picture or lettering on the chest
        if (arm || c.y > -0.02) return base;
        vec2 q = vec2(c.x, c.z - 0.30) / (0.09 * scale);
        float letters = step(0.45, noise1(vec3(floor(q.x * 4.0) * 3.1, floor(q.y * 2.5) * 5.3, wrinkles)));
        if (fract(wrinkles) < 0.5) return abs(q.x) < 1.0 && abs(q.y) < 0.45 && abs(fract(q.y * 1.25) - 0.5) < 0.36 ? mix(base, second, letters) : base;
        return length(q) < 0.9 ? mix(second, 1.0 - second, step(0.55, noise1(vec3(q * 3.0, wrinkles)))) : base;
    }
    if (kind == 6) return c.z > 0.24 + 0.02 * scale ? second : base;
    if (kind == 7) return !arm && c.z > 0.16 && c.z < 0.16 + 0.11 * scale ? second : base;
    if (kind == 8) {
        vec2 q = vec2(u, v) / (0.045 * scale);
        q.x += 0.5 * mod(floor(q.y), 2.0);
        return length(fract(q) - 0.5) < 0.26 ? second : base;
    }
    if (kind == 9) {
        float petals = noise1(vec3(u, v, wrinkles * 0.01) * vec3(38.0 / scale, 38.0 / scale, 1.0));
        float leaves = noise1(vec3(u + 3.0, v, wrinkles * 0.01) * vec3(55.0 / scale, 55.0 / scale, 1.0));
        vec3 flowers = mix(base, second, smoothstep(0.60, 0.66, petals));
        return mix(flowers, mix(second, vec3(0.95), 0.5), smoothstep(0.72, 0.78, leaves));
    }
    if (kind == 10) {
        float a = noise1(c * 22.0 + wrinkles), b = noise1(c * 30.0 - wrinkles);
        vec3 dapple = mix(base, base * 0.55, step(0.55, a));
        return mix(dapple, mix(base, second, 0.35), step(0.64, b));
    }
    return base;
}

// Wrinkles along a limb run obliquely, not in rings.
void wrinkle_limb(float strength, vec3 c, float fold, inout vec3 normal, inout vec3 albedo) {
    float lean = c.x > 0.0 ? 1.0 : -1.0;
    vec3 q = vec3(c.x * 17.0, c.y * 17.0 + c.z * 5.0 * lean, c.z * 7.0 - lean * c.x * 9.0 + c.y * 6.0);
    vec3 bump = (noise3(q + wrinkles) - 0.5) * 0.75 + (noise3(q * 2.3 + wrinkles * 1.7) - 0.5) * 0.5;
    bump.z += fold;
    normal = normalize(normal + bump * strength * 1.05);
    albedo *= 1.0 + (bump.x + bump.z) * 0.09 * strength;
}

// Wrinkles bend the normal and shade the cloth: a coarse and a fine noise, drawn out along the folds' direction.
void wrinkle(float strength, vec3 c, float fold, inout vec3 normal, inout vec3 albedo) {
    vec3 coarse = noise3(c * vec3(11.0, 11.0, 15.0) + wrinkles) - 0.5;
    vec3 fine = noise3(c.zxy * vec3(34.0, 25.0, 25.0) + wrinkles * 1.7) - 0.5;
    vec3 bump = coarse * 0.8 + 0.6 * fine;
    bump.z += fold;
    normal = normalize(normal + bump * strength * 1.25);
    albedo *= 1.0 + (bump.x + bump.z) * 0.10 * strength;
}

void face(vec3 c, inout vec3 albedo, inout float specular, inout float material) {
    vec3 e = vec3(abs(c.x), c.yz);
    vec3 skin = albedo;
    float dark = dot(skin, vec3(0.3333));
    // cheeks and nose a little redder, eye sockets and the underside of nose and jaw darker
    albedo = mix(albedo, albedo * vec3(1.05, 0.90, 0.88), 0.5 * smoothstep(0.045, 0.0, length(e - vec3(0.05, -0.12, 0.685))));
    albedo *= 1.0 - 0.16 * smoothstep(0.030, 0.008, length((e - vec3(0.032, -0.13, 0.742)).xz * vec2(0.8, 1.3))) * step(c.y, -0.06);
    albedo *= 1.0 - 0.22 * smoothstep(0.016, 0.004, length((c - vec3(0.0, -0.15, 0.686)).xz * vec2(0.8, 2.0))) * step(c.y, -0.1);
    if (age > 0.84) albedo *= 1.0 - 0.10 * step(0.55, noise1(vec3(c.x * 30.0, c.y * 30.0, c.z * 110.0)));
    if (c.y < -0.065) {
        vec2 eye = (e - vec3(0.0325, 0.0, 0.735)).xz;
        float lid = length(eye * vec2(1.0, 2.3));
        if (lid < 0.0175) albedo = mix(vec3(0.88, 0.86, 0.84), vec3(0.07, 0.05, 0.04), smoothstep(0.009, 0.006, length(eye)));
        if (lid > 0.014 && lid < 0.021 && eye.y > -0.002) albedo = mix(albedo, vec3(0.08, 0.06, 0.05), 0.8);
        float brow = 0.7575 - 5.0 * (e.x - 0.030) * (e.x - 0.030);
        if (abs(e.x - 0.034) < 0.023 && abs(c.z - brow) < 0.0058) albedo = mix(albedo, hair_colour * 0.65, 0.8);
        vec2 mouth = (c - vec3(0.0, 0.0, 0.646)).xz;
        float lip = length(mouth * vec2(0.62, 2.1));
        vec3 red = mix(albedo * vec3(0.80, 0.52, 0.50), vec3(0.62, 0.10, 0.14), lips * 0.75);
        albedo = mix(albedo, red, smoothstep(0.0185, 0.0135, lip));
        if (abs(mouth.y) < 0.0022 && abs(mouth.x) < 0.025) albedo *= 0.55;
    }
    float patchy = 0.75 + 0.5 * noise1(c * 120.0);
    bool jaw = c.z < 0.668 - 0.9 * max(0.0, 0.055 - e.x) * step(0.0, c.z - 0.64) * 0.0 && c.y < -0.035;
    bool lip_zone = length((c - vec3(0.0, 0.0, 0.646)).xz * vec2(0.62, 2.1)) < 0.016;
    bool moustache = abs(c.x) < 0.036 && c.z > 0.652 && c.z < 0.675 && c.y < -0.11;
    bool cheek = c.z < 0.66 + 0.05 * smoothstep(0.045, 0.085, e.x) && c.z > 0.585 && c.y < -0.02 && (c.y < -0.04 || c.z > 0.62);
    if (!lip_zone && ((beard > 0.5 && beard < 3.5 && (cheek || moustache)) || (beard > 3.5 && moustache))) {
        float cover = beard < 1.5 ? 0.32 : beard < 2.5 ? 0.72 : 0.92;
        albedo = mix(albedo, hair_colour * patchy, cover);
        material = beard > 1.5 ? float(HAIR) : material;
        specular *= 0.3;
    }
    if (mask > 0.5 && c.y < -0.045 && c.z < 0.703 - 0.25 * e.x * e.x * 9.0 && c.z > 0.597) {
        albedo = mask < 1.5 ? vec3(0.90, 0.91, 0.92) : mask < 2.5 ? vec3(0.56, 0.74, 0.86) : vec3(0.09, 0.09, 0.10);
        albedo *= 0.86 + 0.14 * step(0.25, fract(c.z * 45.0));
        specular = 0.0;
    } else if (mask > 0.5 && abs(c.z - 0.69 + 0.10 * (c.y + 0.045)) < 0.003 && c.y < 0.0) albedo = vec3(0.85);
    if (glasses > 0.5) {
        float rim = length((e - vec3(0.034, 0.0, 0.733)).xz * vec2(0.92, 1.1));
        if (c.y < -0.06 && rim < 0.027) {
            if (glasses > 1.5) { albedo = vec3(0.04, 0.04, 0.05); specular = 0.6; }
            else if (rim > 0.0205) albedo = vec3(0.05);
            else { albedo = mix(albedo, vec3(0.80, 0.84, 0.88), 0.16); specular = 0.5; }
        }
        if (c.y < -0.06 && abs(c.z - 0.738) < 0.0035 && e.x < 0.014) albedo = vec3(0.05);
        if (c.y < -0.005 && c.y > -0.11 && abs(c.z - 0.738) < 0.0035 && e.x > 0.05) albedo = vec3(0.06);
    }
}

// Albedo in sRGB, specular 0..1, occlusion 0..1 (1 is open to the sky), material: the layer the label shows.
void surface(int layer, int part, vec3 c, vec4 carried, vec3 world, inout vec3 normal, out vec3 albedo,
             out float specular, out float occlusion, out float material) {
    bool arm = carried.z > 0.5;
    float along = arm_parameter(c);
    // metres around the trunk, an arm or a leg, for patterns
    float axis = 0.112 + 0.10 * max(0.0, -c.z), leg = atan(abs(c.x) - axis, -c.y - 0.01) * 0.085;
    float around = arm ? c.y + 0.3 * c.z : atan(c.x, -c.y - 0.02) * 0.15;
    float up = arm ? along * 0.62 : c.z;
    albedo = vec3(0.5);
    specular = 0.0;
    material = float(layer);
    // the armpit, the inside of the legs, below the chin and under hems get less of the sky
    occlusion = mix(0.70, 1.0, smoothstep(0.0, 0.12, abs(c.x) + max(0.0, c.z + 0.15) * 2.0));
    if (part == 14) occlusion *= 0.78;
    if (arm && abs(c.x) < 0.24) occlusion *= 0.85;

    if (layer == SKIN) {
        albedo = skin_colour * (0.96 + 0.08 * noise1(c * 26.0));
        specular = 0.12;
        if (part == 1 || part == 14) {
            face(c, albedo, specular, material);
            if (hair_cut > 0.5 && c.z > 0.63) {  // roots under the hair soften its edge
                float near = hairline(c) + 0.010;
                if (near > 0.0) albedo = mix(albedo, hair_colour * 0.8, 0.75 * smoothstep(0.0, 0.012, near));
            }
        }
        if (carried.w > 0.5) albedo *= 0.95;
        if (along > 1.28 && carried.w > 0.5) albedo *= vec3(1.02, 0.94, 0.92);
    } else if (layer == TOP) {
        albedo = patterned(top_colour, top_second, top_pattern, top_scale, c, around, up, arm);
        float over = neckline(c, top_neck * float(top_collar < 0.5), top_collar);
        bool front = c.y < 0.0 && !arm;
        if (top_collar > 0.5 && top_collar < 1.5 && over > -0.040) albedo = mix(albedo, albedo * 1.12 + 0.02, 0.8);
        else if (over > -0.020) albedo *= 0.80;
        if (top_collar > 0.5 && top_collar < 1.5 && abs(over + 0.043) < 0.004) albedo *= 0.62;
        if (top_collar > 0.5 && top_collar < 1.5 && front && over > -0.05 && abs(c.x) < 0.022) albedo = mix(albedo, skin_colour * 0.8, 0.75);
        if (top_buttons > 0.5 && front && abs(c.x) < 0.016 && (top_buttons < 1.5 || c.z > 0.38)) {
            albedo *= abs(abs(c.x) - 0.014) < 0.003 ? 0.72 : 1.04;
            if (length(vec2(c.x, (fract(c.z * 12.0) - 0.5) / 12.0)) < 0.006) albedo = mix(albedo, vec3(0.92), 0.6);
        }
        if (top_pocket > 0.5 && front && c.z > 0.02 && c.z < 0.17 && abs(c.x) < 0.135) {
            float slant = abs(c.x) - (0.135 - 0.35 * max(0.0, c.z - 0.06));
            albedo *= slant > -0.008 || c.z > 0.162 ? 0.66 : 0.93;
        }
        if (top_pocket > 0.5 && front && c.z > 0.38 && abs(abs(c.x) - 0.035) < 0.004) albedo = vec3(0.85);
        bool cuff = arm && along > top_sleeve - 0.05, hem = !arm && c.z < top_hem + 0.045;
        if (top_ribs > 0.5 && (cuff || hem)) albedo *= 0.80 + 0.10 * step(0.5, fract(arm ? atan(c.y, c.z) * 9.0 : around * 90.0));
        else if (arm && along > top_sleeve - 0.02 || !arm && c.z < top_hem + 0.012) albedo *= 0.80;
        float elbow = arm ? exp(-pow((along - 0.5) * 6.5, 2.0)) : 0.0;
        float waist = arm ? 0.0 : smoothstep(0.22, 0.02, c.z);
        float wander = noise1(c * vec3(7.0, 7.0, 5.0) + wrinkles);
        float fold = 0.30 * elbow * sin(along * 60.0 + wander * 25.0 + c.y * 40.0) + 0.16 * waist * sin(c.z * 45.0 + 24.0 * wander + c.x * 18.0);
        wrinkle_limb(top_wrinkle, c, fold, normal, albedo);
    } else if (layer == OUTER) {
        albedo = outer_colour;
        bool front = c.y < 0.0 && !arm;
        float over = neckline(c, 0.0, 1.0) + (outer_lapel > 0.5 && c.y < 0.0 ? max(0.0, 0.20 - 1.5 * abs(c.x)) : 0.0);
        if (over > -0.045) albedo *= outer_lapel > 0.5 ? 0.86 : 0.90;
        if (abs(over + 0.045) < 0.005) albedo *= 0.60;
        if (front) {
            float edge = outer_open > 0.0 ? abs(c.x) - opening(c) : abs(abs(c.x) - 0.004) - 0.004;
            if (edge < 0.005) albedo *= 0.68;
            if (outer_open == 0.0 && abs(c.x) < 0.035) albedo *= 0.94;
            if (outer_lapel > 0.5 && outer_open == 0.0 && c.z < 0.25 && length(vec2(abs(c.x) - 0.02, (fract(c.z * 7.0) - 0.5) / 7.0)) < 0.012) albedo *= 0.45;
            if (c.z < 0.12 && c.z > 0.105 && abs(c.x) > 0.06 && abs(c.x) < 0.14) albedo *= 0.62;
            if (outer_denim > 0.5 && abs(c.z - 0.36) < 0.004) albedo = mix(albedo, vec3(0.72, 0.55, 0.35), 0.6);
        }
        if (outer_ribs > 0.5 && (arm && along > 0.93 || !arm && c.z < outer_hem + 0.05 || over > -0.04)) albedo = mix(albedo, outer_second, 0.55) * 0.9;
        else if (arm && along > outer_sleeve - 0.02 || !arm && c.z < outer_hem + 0.014) albedo *= 0.78;
        if (outer_quilt > 0.5) {
            float tube = fract((arm ? along * 0.62 : c.z) * 13.0);
            normal = normalize(normal + vec3(0.0, 0.0, 0.85 * (tube - 0.5)));
            albedo *= 0.72 + 0.28 * smoothstep(0.0, 0.16, tube) * smoothstep(1.0, 0.84, tube);
            specular = 0.18;
        }
        float elbow = arm ? exp(-pow((along - 0.5) * 6.0, 2.0)) : 0.0;
        float wander = noise1(c * vec3(6.0, 6.0, 4.0) + wrinkles);
        float fold = 0.30 * elbow * sin(along * 52.0 + wander * 25.0 + c.y * 40.0);
        fold += arm ? 0.0 : 0.12 * sin((c.z + 0.6 * abs(c.x)) * 30.0 + 22.0 * wander);
        wrinkle_limb(outer_wrinkle, c, fold, normal, albedo);
    } else if (layer == BOTTOM) {
        albedo = patterned(bottom_colour, bottom_second, bottom_pattern, 1.0, c, leg, c.z, false);
        float outwards = abs(c.x) - 0.135;
        if (bottom_pattern > 10.5 && abs(c.y + 0.01) < 0.016 && outwards > -0.03) albedo = mix(albedo, bottom_second, 0.95);
        if (bottom_denim > 0.5) {
            float worn = smoothstep(0.07, 0.0, abs(outwards)) * smoothstep(0.28, 0.08, abs(c.z + 0.30)) * step(c.y, 0.0);
            albedo *= 1.0 + 0.26 * worn * (0.6 + 0.8 * noise1(c * 30.0)) - 0.06 * noise1(c * 140.0);
            if (abs(c.y - 0.005) < 0.006 && outwards > 0.0) albedo *= 0.86;
        }
        if (bottom_crease > 0.5) albedo *= 1.0 + 0.12 * smoothstep(0.010, 0.0, abs(abs(c.x) - 0.125 - 0.09 * max(0.0, -c.z - 0.1))) * step(c.y, 0.0);
        if (bottom_cargo > 0.5 && outwards > 0.0 && abs(c.y) < 0.07 && abs(c.z + 0.30) < 0.075) albedo *= abs(c.z + 0.24) < 0.005 || abs(abs(c.y) - 0.066) < 0.006 ? 0.6 : 0.92;
        if (c.z > 0.055) albedo *= 0.82;
        if (c.z < bottom_hem + 0.012 || bottom_cuff > 0.5 && c.z < bottom_hem + 0.05) albedo *= 0.82;
        if (c.y < -0.03 && abs(c.x) < 0.008 && c.z > -0.05) albedo *= 0.75;
        float knee = exp(-pow((c.z + 0.47) * 8.0, 2.0)), groin = exp(-pow((c.z + 0.07) * 9.0, 2.0));
        float ankle = smoothstep(-0.72, -0.86, c.z);
        float wander = noise1(c * vec3(9.0, 9.0, 7.0) + wrinkles);
        float fold = 0.30 * knee * sin(c.z * 52.0 + 22.0 * wander + c.x * 55.0) + 0.32 * ankle * sin(c.z * 75.0 + 20.0 * wander + c.y * 45.0);
        fold += 0.4 * groin * sin((abs(c.x) * 1.2 + c.z) * 52.0 + 9.0 * wander);
        wrinkle_limb(bottom_wrinkle, c, fold, normal, albedo);
    } else if (layer == SKIRT) {
        vec3 base = skirt_dress > 0.5 ? top_colour : bottom_colour, second = skirt_dress > 0.5 ? top_second : bottom_second;
        float kind = skirt_dress > 0.5 ? (top_pattern > 3.5 && top_pattern < 6.5 || top_pattern == 7.0 ? 0.0 : top_pattern) : bottom_pattern;
        float turn = atan(c.x, -c.y) * 0.19;
        albedo = patterned(base, second, kind, skirt_dress > 0.5 ? top_scale : 1.0, c, turn, c.z, false);
        if (skirt_dress < 0.5 && c.z > 0.075) albedo *= 0.80;
        if (c.z < bottom_hem + 0.012) albedo *= 0.85;
        if (skirt_dress < 0.5 && bottom_denim > 0.5) albedo *= 1.0 + 0.1 * noise1(c * 60.0);
        wrinkle(0.32, c * vec3(1.6, 1.6, 0.45), 0.0, normal, albedo);
    } else if (layer == LEGWEAR) {
        albedo = legwear_colour;
        if (legwear < 1.5 && dot(albedo, vec3(0.333)) < 0.25) albedo = mix(albedo, skin_colour, 0.18);
        if (legwear > 1.5 && c.z > -0.72) albedo *= 0.85;
        specular = 0.08;
    } else if (layer == SHOE) {
        albedo = shoe_colour;
        specular = shoe_kind < 0.5 || shoe_kind > 1.5 ? 0.30 : 0.12;
        float sole = shoe_kind == 1.0 ? -0.955 : -0.965;
        if (c.z < sole) { albedo = sole_colour * 0.95; specular = 0.05; }
        else if (shoe_kind > 0.5 && shoe_kind < 2.5 && c.y < -0.05 && abs(fract(c.y * 55.0) - 0.5) < 0.2 && c.z > -0.935) albedo = mix(albedo, sole_colour, 0.55);
        if (shoe_kind == 1.0 && c.z < -0.90 && abs(c.z + 0.935 + 0.3 * (c.y + 0.06)) < 0.008 && abs(c.y + 0.06) < 0.07) albedo = mix(albedo, sole_colour, 0.8);
        if (shoe_kind == 1.0 && c.y < -0.16) albedo = mix(albedo, sole_colour, 0.35);
    } else if (layer == HAIR || layer == LONG_HAIR || layer == HAIR_PIECE) {
        vec3 q = layer == HAIR ? vec3(c.x * 150.0, c.y * 60.0, c.z * 60.0) : vec3(c.x * 150.0, c.y * 150.0, c.z * 12.0);
        float strand = noise1(q) * 0.6 + noise1(q * 2.3 + 7.0) * 0.4, clump = noise1(q * 0.33 + wrinkles);
        albedo = hair_colour * (0.62 + 0.40 * strand + 0.34 * clump);
        if (layer == HAIR && abs(c.x - hair_part) < 0.005 && hair_part != 0.0 && c.y < 0.0 && c.z > 0.80) albedo = mix(albedo, skin_colour, 0.45);
        if (hair_cut < 1.5) albedo = mix(albedo, skin_colour, 0.30);
        if (layer == HAIR_PIECE) albedo *= 0.90 + 0.25 * sin((c.z + abs(c.x) * 0.6) * 160.0) * 0.5;
        normal = normalize(normal + (noise3(q * 0.8) - 0.5) * 0.75);
        specular = 0.30;
        occlusion *= 0.9;
    } else if (layer == HAT || layer == BRIM) {
        albedo = headwear_colour;
        if (layer == BRIM) albedo *= 0.88;
        if (headwear > 1.5 && headwear < 2.5) {
            albedo *= 0.90 + 0.14 * step(0.5, fract(atan(c.x, c.y) * 11.0));
            if (c.z < 0.795) albedo *= 0.88;
        } else if (headwear < 1.5 && layer == HAT) {
            albedo *= abs(fract(atan(c.x, c.y) * 0.955) - 0.5) > 0.485 ? 0.75 : 1.0;
            if (c.y < -0.09 && length(vec2(c.x, c.z - 0.81)) < 0.018 && fract(wrinkles) < 0.6) albedo = fract(wrinkles * 3.0) < 0.5 ? vec3(0.92) : vec3(0.12);
        } else if (headwear > 3.5 && headwear < 4.5 && layer == HAT && c.z < 0.795) albedo *= 0.45;
        wrinkle(headwear > 5.5 ? 0.6 : 0.22, c, 0.0, normal, albedo);
    } else if (layer == SCARF) {
        albedo = scarf_colour;
        float drape = sin((c.z * 1.0 + abs(c.x) * 0.8 + 0.3 * c.y) * 75.0 + 9.0 * noise1(c * 9.0 + wrinkles));
        wrinkle(0.55, c, 0.5 * drape, normal, albedo);
    } else if (layer == BAG) {
        albedo = bag_colour;
        if (abs(fract(c.z * 6.0) - 0.5) < 0.03) albedo *= 0.65;
        wrinkle(0.3, c, 0.0, normal, albedo);
        specular = 0.12;
    } else if (layer == UMBRELLA) {
        albedo = umbrella_colour;
        specular = 0.15;
    } else if (layer == SHAFT) {
        albedo = vec3(0.08);
        specular = 0.3;
    } else if (layer == PHONE) {
        albedo = vec3(0.05, 0.05, 0.06);
        specular = 0.6;
    } else if (layer == BOX) {
        albedo = vec3(0.66, 0.50, 0.34) * (0.94 + 0.08 * noise1(c * 30.0));
    }
    if ((layer == TOP || layer == OUTER) && !arm) {  // straps over the shoulders and across the chest
        bool strap = bag_straps > 0.5 && abs(abs(c.x) - 0.108) < 0.020 && c.z > 0.16 && c.y < 0.07;
        bool sling = bag_sling != 0.0 && abs(c.z - 0.28 - 1.55 * bag_sling * c.x) < 0.028 && abs(c.x) < 0.22;
        if ((strap || sling) && carried.z < 0.3) { albedo = bag_colour * 0.85; material = float(BAG); }
    }
}
