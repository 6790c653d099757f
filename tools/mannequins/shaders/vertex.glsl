#version 330
// One vertex stage for every pass. `invariant` makes the passes agree on depth to the last bit, which the test
// "depth equals what the depth pass wrote" of the shading pass needs.
invariant gl_Position;

in vec3 position;   // metres, world
in vec3 normal;
in vec3 canonical;  // metres, on the standing reference body
in vec4 aux;        // layer, part, weight of the arm's bones, weight of the hand's bones

uniform mat4 matrix;        // world to clip space, of the camera or of the light
uniform mat4 light_matrix;  // world to the shadow map

out vec3 world_normal;
out vec3 world;
out vec3 place;
out vec4 carried;
out vec4 in_light;
out float depth;  // metres along the camera's axis
flat out int part;

void main() {
    gl_Position = matrix * vec4(position, 1.0);
    depth = gl_Position.w;
    world_normal = normal;
    world = position;
    place = canonical;
    carried = aux;
    in_light = light_matrix * vec4(position, 1.0);
    part = int(aux.y + 0.5);
}
