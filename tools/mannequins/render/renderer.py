"""Rendering: meshes become colour and, for every sample, what is seen there.

OpenGL 3.3 without a window (EGL; Mesa's llvmpipe where there is no graphics card), four samples a pixel each way.
Three passes: a shadow map seen from the light; the depth of what `keep` leaves standing; shading of the surface in
front, which is the one whose depth equals the depth buffer's. One `Renderer` a process is enough.

Every layer of a mesh is drawn by programs of its own: a software renderer runs all branches of a shader, so one
program for everything would cost three times as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources

import moderngl
import numpy as np

from tools.mannequins.render.mesh import Layer, Mesh

__all__ = ["Buffers", "Drawable", "Light", "Renderer", "RendererError"]

SHADOW_MAP = 512  # texels each way
SHADOW_HALF_WIDTH, SHADOW_HALF_DEPTH = 1.35, 3.0  # metres around the person
NOISE_SIZE, NOISE_SEED = 32, 1
SAMPLERS = {0x8B5E: 0, 0x8B5F: 1}  # GL_SAMPLER_2D: the shadow map; GL_SAMPLER_3D: the noise
FRAGMENTS = ("shading.glsl", "depth.glsl")
FAR_AWAY = (1e3, 1e3, 1e3, 1e3)  # feet of nobody
ATTRIBUTES = {"position": "3f", "normal": "3f", "canonical": "3f", "aux": "4f"}
SKIPS = {"3f": "3x4", "4f": "4x4"}


class RendererError(RuntimeError):
    """There is no OpenGL to draw with; the message says what to install."""


@dataclass(frozen=True, eq=False)
class Light:
    """One key light with a shadow and a sky: direction (3,) unit, towards the light; colours (3,); shadow 0 to 1.

    `shadow` is the strength of the shadow on the ground.
    """

    direction: np.ndarray
    key: np.ndarray
    ambient: np.ndarray
    shadow: float


@dataclass(frozen=True, eq=False)
class Drawable:
    """A mesh in the world, the values of its shader uniforms by name, and the id its samples get (0 to 255)."""

    mesh: Mesh
    uniforms: Mapping[str, np.ndarray] = field(default_factory=dict)
    object_id: int = 0


@dataclass(frozen=True, eq=False)
class Buffers:
    """What each of (H·s, W·s) samples shows, s samples a pixel each way, top row first.

    Attributes:
        colour: (H·s, W·s, 4) uint8 sRGB and how much it covers the backdrop.
        layer, part: (H·s, W·s) uint8, 0 for the backdrop and the ground, else `Layer` or `Part` plus 1.
        object_id: (H·s, W·s) uint8, of the drawable; 0 for the backdrop and the ground.
        canonical: (H·s, W·s, 3) float32 metres.
        depth: (H·s, W·s) float32 metres along the camera's axis; infinite on the backdrop.
    """

    colour: np.ndarray
    layer: np.ndarray
    part: np.ndarray
    object_id: np.ndarray
    canonical: np.ndarray
    depth: np.ndarray


class Renderer:
    """Draws into one buffer of a fixed size. Raises RendererError where there is no OpenGL.

    Args:
        height, width: of the picture, pixels.
        supersampling: samples a pixel each way.
    """

    def __init__(self, height: int = 128, width: int = 64, supersampling: int = 4) -> None:
        self.height, self.width, self.supersampling = height, width, supersampling
        try:
            context = moderngl.create_context(standalone=True, backend="egl", require=330)
        except Exception as error:  # moderngl and glcontext raise plain Exceptions
            raise RendererError(
                f"OpenGL 3.3 without a window (EGL) cannot be had here ({error}). "
                "On Debian and Ubuntu: apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri"
            ) from error
        self._context = context
        size = self._size = (width * supersampling, height * supersampling)
        self._targets = [context.texture(size, 4), context.texture(size, 4), context.texture(size, 4, dtype="f4")]
        self._picture = context.framebuffer(self._targets, context.depth_renderbuffer(size))
        self._shadow_map = context.depth_texture((SHADOW_MAP, SHADOW_MAP))
        self._shadow_map.compare_func = ""
        self._shadow = context.framebuffer(depth_attachment=self._shadow_map)
        self._programs: dict[int, tuple[_Program, _Program]] = {}
        values = np.random.default_rng(NOISE_SEED).integers(0, 256, (NOISE_SIZE,) * 3 + (4,), np.uint8)
        self._noise = context.texture3d((NOISE_SIZE,) * 3, 4, values.tobytes())
        self._noise.filter = (moderngl.LINEAR, moderngl.LINEAR)
        context.enable(moderngl.DEPTH_TEST)

    def draw(
        self,
        drawables: Sequence[Drawable],
        matrix: np.ndarray,
        eye: np.ndarray,
        light: Light,
        feet: Sequence[Sequence[float]] = (),
    ) -> Buffers:
        """Draw what a camera sees.

        Args:
            matrix: (4, 4), world to clip space; its rows' last is the depth along the axis, metres.
            eye: (3,) the camera's place, metres.
            feet: (x, y) of both ankles, metres, of at most two people: their soles darken the ground. The shadow map
                looks at the first.
        """
        with self._context:  # another renderer's may be current
            return self._draw(drawables, matrix, eye, light, feet)

    def _draw(
        self,
        drawables: Sequence[Drawable],
        matrix: np.ndarray,
        eye: np.ndarray,
        light: Light,
        feet: Sequence[Sequence[float]],
    ) -> Buffers:
        context = self._context
        to_light = light_matrix(light.direction, feet[0] if feet else (0, 0, 0, 0))
        uploaded = [self._upload(drawable) for drawable in drawables]
        pieces = [piece for _, some in uploaded for piece in some]
        frame = {
            "light_matrix": to_light.T, "eye": eye, "light_direction": light.direction, "key": light.key,
            "ambient": light.ambient, "shadow_strength": light.shadow, "feet": [*feet, FAR_AWAY, FAR_AWAY][:2],
            "shadow_texel": 1 / SHADOW_MAP,
        }  # fmt: skip
        self._noise.use(1)  # hems and hairlines need it, so the depth passes do
        self._shadow.use()
        self._shadow.clear(depth=1.0)
        for piece in pieces:
            if piece.layer != Layer.GROUND:  # it receives shadows and casts none
                piece.draw_depth({"matrix": to_light.T})
        self._picture.use()
        self._picture.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        self._picture.color_mask = ((False,) * 4,) * 3
        for piece in pieces:
            piece.draw_depth({"matrix": matrix.T})
        self._picture.color_mask = ((True,) * 4,) * 3
        self._picture.depth_mask = False
        context.depth_func = "=="
        self._shadow_map.use(0)
        for piece in pieces:
            piece.draw_colour({"matrix": matrix.T, **frame})
        self._picture.depth_mask = True
        context.depth_func = "<"
        for buffers, some in uploaded:
            for item in (*buffers, *(array for piece in some for array in (piece.shade, piece.cut))):
                item.release()
        return self._read()

    def _read(self) -> Buffers:
        width, height = self._size
        colour, ids, where = (
            np.frombuffer(self._picture.read(components=4, attachment=index, dtype=kind), dtype).reshape(
                height, width, 4
            )
            for index, (kind, dtype) in enumerate((("f1", np.uint8), ("f1", np.uint8), ("f4", np.float32)))
        )
        drawn = where[..., 3] > 0
        return Buffers(
            colour=colour,
            layer=ids[..., 0],
            part=ids[..., 1],
            object_id=ids[..., 2],
            canonical=where[..., :3],
            depth=np.where(drawn, where[..., 3], np.float32(np.inf)),
        )

    def _upload(self, drawable: Drawable) -> tuple[tuple, list[_Piece]]:
        """The buffers of a mesh, and one piece for each of its layers."""
        mesh = drawable.mesh
        data = np.concatenate([mesh.positions, mesh.normals, mesh.canonical, mesh.aux], axis=1, dtype=np.float32)
        layers = np.rint(mesh.aux[mesh.faces[:, 0], 0]).astype(int)
        order = np.argsort(layers, kind="stable")
        vertices = self._context.buffer(data.tobytes())
        faces = self._context.buffer(np.ascontiguousarray(mesh.faces[order], np.int32).tobytes())
        pieces = []
        for layer, first, count in zip(*np.unique(layers[order], return_index=True, return_counts=True), strict=True):
            programs = self._layer_programs(int(layer))
            arrays = (self._context.vertex_array(it.program, [(vertices, *it.layout)], faces) for it in programs)
            pieces.append(_Piece(drawable, int(layer), 3 * int(first), 3 * int(count), programs, *arrays))
        return (vertices, faces), pieces

    def _layer_programs(self, layer: int) -> tuple[_Program, _Program]:
        """The programs for shading and for depth of a layer, compiled when first needed."""
        if layer not in self._programs:
            vertex = _source("vertex.glsl")
            sources = (_source(name).replace("#define LAYER 0", f"#define LAYER {layer}") for name in FRAGMENTS)
            programs = [self._context.program(vertex_shader=vertex, fragment_shader=source) for source in sources]
            self._programs[layer] = (_Program(programs[0]), _Program(programs[1]))
        return self._programs[layer]


class _Program:
    """A program with its uniforms, its samplers bound: unit 0 is the shadow map, unit 1 the noise of person.glsl."""

    def __init__(self, program: moderngl.Program) -> None:
        self.program = program
        used = [name for name in ATTRIBUTES if name in program]
        sizes = (size if name in used else SKIPS[size] for name, size in ATTRIBUTES.items())
        self.layout = (" ".join(sizes), *used)  # an attribute that a program does not read must be skipped
        members = {name: program[name] for name in program}
        self._uniforms = {name: each for name, each in members.items() if isinstance(each, moderngl.Uniform)}
        for name, uniform in list(self._uniforms.items()):
            if uniform.gl_type in SAMPLERS:
                uniform.value = SAMPLERS[uniform.gl_type]
                del self._uniforms[name]

    def write(self, *values: Mapping[str, object]) -> None:
        """Set uniforms. What the program does not use is left out; of an array, GLSL trims the unused tail."""
        for name, uniform in self._uniforms.items():
            for some in values:
                if name in some:
                    data = np.ascontiguousarray(some[name], np.float32).tobytes()
                    uniform.write(data[: 4 * uniform.dimension * uniform.array_length])


@dataclass(frozen=True, eq=False)
class _Piece:
    """One layer of a drawable: a range of its index buffer, and vertex arrays for both programs."""

    drawable: Drawable
    layer: int
    first: int
    count: int
    programs: tuple[_Program, _Program]
    shade: moderngl.VertexArray
    cut: moderngl.VertexArray

    def draw_depth(self, values: Mapping[str, object]) -> None:
        self.programs[1].write(values, self.drawable.uniforms)
        self.cut.render(vertices=self.count, first=self.first)

    def draw_colour(self, values: Mapping[str, object]) -> None:
        own = {"object_id": self.drawable.object_id}
        self.programs[0].write(values, self.drawable.uniforms, own)
        self.shade.render(vertices=self.count, first=self.first)


def light_matrix(direction: np.ndarray, feet: Sequence[float]) -> np.ndarray:
    """(4, 4) world to the shadow map's clip space: parallel light from `direction`, centred on who stands at `feet`.

    >>> centre = light_matrix(np.array([0.0, -0.6, 0.8]), (1, 5, 3, 5)) @ [2, 5, 0.9, 1]
    >>> np.allclose(centre, [0, 0, 0, 1])
    True
    """
    right = np.cross([0.0, 0.0, 1.0], direction)
    right /= np.linalg.norm(right)
    up = np.cross(direction, right)
    matrix = np.eye(4)
    extent = np.array([SHADOW_HALF_WIDTH, SHADOW_HALF_WIDTH, SHADOW_HALF_DEPTH])
    matrix[:3, :3] = np.stack([right, up, -np.asarray(direction)]) / extent[:, None]
    centre = np.array([(feet[0] + feet[2]) / 2, (feet[1] + feet[3]) / 2, 0.9])
    matrix[:3, 3] = -matrix[:3, :3] @ centre
    return matrix


def _source(name: str) -> str:
    """A shader's text with its one kind of `#include` filled in."""
    folder = resources.files("tools.mannequins") / "shaders"
    text = (folder / name).read_text(encoding="utf-8")
    include = '#include "person.glsl"'
    return text.replace(include, (folder / "person.glsl").read_text(encoding="utf-8")) if include in text else text
