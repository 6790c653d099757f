"""Draws a street: depth from the sun, what stands close above the ground, then the camera's full frame."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import resources

import moderngl
import numpy as np
from scipy.ndimage import gaussian_filter

from tools.mannequins.render.renderer import RendererError
from tools.mannequins.street.cameras import FRAME_HEIGHT, FRAME_WIDTH, Camera, Look
from tools.mannequins.street.pieces import Piece, box
from tools.mannequins.street.walls import Surface

__all__ = ["draw_street"]

SHADOW_MAP, CONTACT_MAP = 2048, 1024  # texels each way
CONTACT_AREA = (-20.0, 0.0, 40.0, 40.0)  # x, y of the corner, width, depth, metres
CONTACT_HEIGHT = 0.35  # metres: what is lower darkens the ground beneath
SUN_HALF_WIDTH, SUN_HALF_DEPTH, SUN_CENTRE = 19.0, 45.0, (0.0, 13.0, 1.0)
LEAF, SKY = 1, 30  # kinds of material, besides streets' surfaces


def draw_street(parts: Sequence[Piece | Surface], ground: int, camera: Camera, look: Look, seed: int) -> np.ndarray:
    """The camera's full frame at half size, (540, 960, 3) float32 in 0..255.

    Args:
        parts: what stands there; ground: index into streets.GROUNDS; seed: of the textures.

    Raises RendererError where there is no OpenGL.
    """
    # OpenGL's current context belongs to a thread: in its own, this one leaves a caller's renderer alone
    with ThreadPoolExecutor(max_workers=1) as aside:
        return aside.submit(_draw_aside, parts, ground, camera, look, seed).result()


def _draw_aside(*arguments) -> np.ndarray:
    try:
        context = moderngl.create_context(standalone=True, backend="egl", require=330)
    except Exception as error:
        raise RendererError(
            f"OpenGL 3.3 without a window (EGL) cannot be had here ({error}). "
            "On Debian and Ubuntu: apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri"
        ) from error
    try:
        return _draw(context, *arguments)
    finally:
        context.release()


def _draw(context: moderngl.Context, parts, ground: int, camera: Camera, look: Look, seed: int) -> np.ndarray:
    program = context.program(vertex_shader=_source("street.vert"), fragment_shader=_source("street.frag"))
    cut = context.program(
        vertex_shader=_source("street.vert"), fragment_shader="#version 330\nin vec3 world;\nvoid main() {}"
    )
    floor = Surface(box((60, 60, 0.5), (0, 55, -0.5), (0.5, 0.5, 0.5)), 10 + ground)
    dome = [Surface(box((150, 0.1, 80), (0, 75, 0), (0.5, 0.5, 0.5)), SKY)]
    standing = _upload(context, program, cut, parts)
    still = _upload(context, program, cut, [floor, *dome])

    context.enable(moderngl.DEPTH_TEST)
    shadow_map = context.depth_texture((SHADOW_MAP, SHADOW_MAP))
    shadow_map.compare_func = ""
    to_light = _sun_matrix(look.sun)
    _depth_pass(context, cut, standing[1], to_light, shadow_map)

    below = context.depth_texture((CONTACT_MAP, CONTACT_MAP))
    _depth_pass(context, cut, standing[1], _below_matrix(), below)
    covered = np.frombuffer(below.read(), np.float32).reshape(CONTACT_MAP, CONTACT_MAP) < 1
    per_metre = CONTACT_MAP / CONTACT_AREA[2]
    dark = np.maximum(
        gaussian_filter(covered.astype(np.float32), 0.06 * per_metre),
        0.9 * gaussian_filter(covered.astype(np.float32), 0.3 * per_metre),
    )
    contact = context.texture(
        (CONTACT_MAP, CONTACT_MAP), 1, np.ascontiguousarray(dark, np.float32).tobytes(), dtype="f4"
    )
    contact.repeat_x = contact.repeat_y = False

    frame = context.simple_framebuffer((FRAME_WIDTH, FRAME_HEIGHT))
    frame.use()
    frame.clear(0.7, 0.75, 0.8, 1.0, depth=1.0)
    shadow_map.use(0)
    contact.use(1)
    values = {
        "matrix": camera.matrix((0, 0, FRAME_WIDTH, FRAME_HEIGHT)),
        "to_light": to_light,
    }
    for name, matrix in values.items():
        program[name].write(np.ascontiguousarray(matrix.T, np.float32).tobytes())
    program["shadow_map"], program["contact_map"] = 0, 1
    settings = {
        "contact_area": CONTACT_AREA,
        "eye": tuple(camera.eye),
        "light_direction": tuple(look.sun),
        "key": tuple(look.key_rgb),
        "ambient": tuple(look.ambient_rgb),
        "haze": tuple(np.array([0.80, 0.83, 0.86]) * min(1.0, 0.75 + 0.25 * look.ambient / 0.6)),
        "focal": camera.focal,
        "shadow_softness": 1.3 if look.key > 0.6 else 4.0,
        "seed": seed,
    }
    for name, value in settings.items():
        if name in program:
            program[name] = value
    for arrays in (standing[0], still[0]):  # what stands in front first: the ground behind it is not shaded
        arrays.render()
    seen = np.frombuffer(frame.read(components=3), np.uint8).reshape(FRAME_HEIGHT, FRAME_WIDTH, 3)
    halves = seen.reshape(FRAME_HEIGHT // 2, 2, FRAME_WIDTH // 2, 2, 3)
    return halves.astype(np.float32).mean((1, 3))


def _depth_pass(context, program, array, matrix: np.ndarray, target) -> None:
    frame = context.framebuffer(depth_attachment=target)
    frame.use()
    frame.clear(depth=1.0)
    program["matrix"].write(np.ascontiguousarray(matrix.T, np.float32).tobytes())
    array.render()


def _upload(context: moderngl.Context, program, cut, parts: Sequence[Piece | Surface]) -> tuple:
    """Vertex arrays for shading and for depth of all parts in one."""
    rows, faces, start = [], [], 0
    for part in parts:
        each, kind = (part.piece, part.kind) if isinstance(part, Surface) else (part, LEAF if part.leafy else 0)
        count = len(each.positions)
        look = np.tile(np.array([*each.colour, kind, each.gloss], np.float32), (count, 1))
        rows.append(np.concatenate([each.positions, each.normals, look], 1, dtype=np.float32))
        faces.append(each.faces + start)
        start += count
    vertices = context.buffer(np.concatenate(rows).tobytes())
    index = context.buffer(np.ascontiguousarray(np.concatenate(faces), np.int32).tobytes())
    shade = context.vertex_array(
        program, [(vertices, "3f 3f 3f 2f", "position", "normal", "colour", "material")], index
    )
    return shade, context.vertex_array(cut, [(vertices, "3f 32x", "position")], index)


def _sun_matrix(sun: np.ndarray) -> np.ndarray:
    """(4, 4) world to the shadow map's clip space: parallel light."""
    right = np.cross([0.0, 0.0, 1.0], sun)
    right /= np.linalg.norm(right)
    matrix = np.eye(4)
    axes = np.stack([right, np.cross(sun, right), -sun])
    matrix[:3, :3] = axes / np.array([SUN_HALF_WIDTH, SUN_HALF_WIDTH, SUN_HALF_DEPTH])[:, None]
    matrix[:3, 3] = -matrix[:3, :3] @ np.array(SUN_CENTRE)
    return matrix


def _below_matrix() -> np.ndarray:
    """(4, 4) world to clip space seen from straight below, up to CONTACT_HEIGHT."""
    x, y, width, depth = CONTACT_AREA
    matrix = np.diag([2 / width, 2 / depth, 2 / CONTACT_HEIGHT, 1.0])
    matrix[:3, 3] = [-2 * x / width - 1, -2 * y / depth - 1, -1.0]
    return matrix


def _source(name: str) -> str:
    """A shader's text with its includes filled in."""
    folder = resources.files("tools.mannequins") / "shaders"
    lines = []
    for line in (folder / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#include"):
            line = (folder / line.split('"')[1]).read_text(encoding="utf-8")
        lines.append(line)
    return "\n".join(lines)
