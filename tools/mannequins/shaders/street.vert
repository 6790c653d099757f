#version 330
in vec3 position;   // metres, world
in vec3 normal;
in vec3 colour;     // sRGB
in vec2 material;   // kind (see street.frag), gloss

uniform mat4 matrix;  // world to clip space
uniform mat4 to_light;

out vec3 world;
out vec3 world_normal;
out vec3 own_colour;
out vec4 in_light;
out float depth;
flat out int kind;
flat out float gloss;

void main() {
    gl_Position = matrix * vec4(position, 1.0);
    depth = gl_Position.w;
    world = position;
    world_normal = normal;
    own_colour = colour;
    in_light = to_light * vec4(position, 1.0);
    kind = int(material.x + 0.5);
    gloss = material.y;
}
