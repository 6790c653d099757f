"""The body template: what is needed of `anny`, baked once into the user's cache and read with numpy alone afterwards.

anny (Apache-2.0, © NAVER; its MakeHuman/MPFB2 data are CC0) gives a skinned body of 19,158 vertices with 104 bones,
blend shapes for body shape, a regressor of the 17 COCO joints, and the helper meshes (tights, skirt, hair) that
garments start from. The topology `anny-full` is used and no other: some others fetch non-commercial data.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path

import numpy as np

from momi_lib.data.cache import cache_folder

__all__ = ["PHENOTYPES", "Template", "template", "template_path"]

FORMAT = 1  # raise it whenever what is baked changes
PHENOTYPES = ("gender", "age", "muscle", "weight", "height", "proportions")  # what anny exposes by default


@dataclass(frozen=True)
class Template:
    """B bones, V vertices, S blend shapes; metres, X the person's left, -Y the front, Z up.

    Attributes:
        bones: (B,) names; parents: (B,) indices, the root's is -1, parents come before children.
        vertices: (V, 3), vertex_shapes: (S, V, 3); heads: (B, 3), head_shapes: (S, B, 3).
        orientation, orientation_shapes: (B, 3, 3), (S, B, 3, 3); the nearest rotation of their sum is a bone's rest.
        reference: (B, 3, 3) the axes' reference orientations (anny's pose parameters `local-ref`).
        masks: (C, 26) which variations each corner is the product of; projection: (C, S) corners to shapes.
        weights: (V, B) skinning weights; regressor: (17, V) COCO joints from vertices.
        canonical: (V, 3) the standing reference body, root at 0.
        body, eyes, tights, skirt, hair: (F, 3) triangles.
    """

    bones: np.ndarray
    parents: np.ndarray
    vertices: np.ndarray
    vertex_shapes: np.ndarray
    heads: np.ndarray
    head_shapes: np.ndarray
    orientation: np.ndarray
    orientation_shapes: np.ndarray
    reference: np.ndarray
    masks: np.ndarray
    projection: np.ndarray
    weights: np.ndarray
    regressor: np.ndarray
    canonical: np.ndarray
    body: np.ndarray
    eyes: np.ndarray
    tights: np.ndarray
    skirt: np.ndarray
    hair: np.ndarray

    def bone(self, name: str) -> int:
        """The index of a bone."""
        return _bone_numbers()[name]


def template_path() -> Path:
    """Where the baked template lies, see :func:`momi_lib.data.cache.cache_folder`."""
    return cache_folder("mannequins") / f"template-{FORMAT}.npz"


@lru_cache(1)
def template() -> Template:
    """The template, baked first where it is missing (minutes on a fresh machine, a tenth of a second afterwards)."""
    path = template_path()
    if not path.is_file():
        # In a process of its own: anny loads triton, whose LLVM and Mesa's, if that came first, end a process.
        root = Path(__file__).resolve().parents[3]
        subprocess.run([sys.executable, "-m", "tools.mannequins.body.template"], cwd=root, check=True)
    with np.load(path) as stored:
        return Template(**{field.name: stored[field.name] for field in fields(Template)})


@lru_cache(1)
def _bone_numbers() -> dict[str, int]:
    return {str(name): number for number, name in enumerate(template().bones)}


def _write(path: Path, baked: Template) -> None:
    from momi_lib.files import write_atomically

    write_atomically(path, lambda file: np.savez(file, **{f.name: getattr(baked, f.name) for f in fields(Template)}))


def _bake() -> Template:
    """Everything from anny: its first call builds its own cache in 150 to 190 s."""
    try:
        import anny
        import torch
        from anny.keypoints import KeypointsRegressor
        from anny.utils.obj_utils import load_obj_file
    except ImportError as error:
        raise ImportError("the mannequins need the package anny: pip install 'momi[mannequins]'") from error

    model = anny.Anny(topology="anny-full").to(dtype=torch.float32)
    if tuple(model.phenotype_labels) != PHENOTYPES:
        raise RuntimeError(f"this version of anny has the phenotypes {model.phenotype_labels}, expected {PHENOTYPES}")
    joints = KeypointsRegressor.coco(model)
    # the helper meshes are not among the model's faces, but its source file groups them by name
    source = anny.paths.get_anny_root_dir() / "data/mpfb2/3dobjs/base.obj"
    groups = load_obj_file(str(source), dtype=torch.float64)[2]
    helper = {name: _triangles(group["face_vertex_indices"]) for name, group in groups.items()}
    weights = torch.zeros(len(model.template_vertices), model.bone_count)
    weights = weights.scatter_add_(1, model.vertex_bone_indices, model.vertex_bone_weights)
    standing = model(phenotype_kwargs={**dict.fromkeys(PHENOTYPES, 0.5), "age": 0.66})
    return Template(
        bones=np.array(model.bone_labels),
        parents=np.array(model.bone_parents, np.int32),
        vertices=model.template_vertices.numpy(),
        vertex_shapes=model.blendshapes.numpy(),
        heads=model.template_bone_heads.numpy(),
        head_shapes=model.bone_heads_blendshapes.numpy(),
        orientation=model.bone_template_orientation_matrices.numpy(),
        orientation_shapes=model.bone_orientation_blendshapes.numpy(),
        reference=model.reference_bone_orientations.numpy(),
        masks=model.stacked_phenotype_blend_shapes_mask.numpy(),
        projection=model.phenotype_blendshape_projection.numpy(),
        weights=weights.numpy(),
        regressor=joints.regression_weights[:17].numpy(),
        canonical=(standing["rest_vertices"][0] - standing["rest_bone_heads"][0, 0]).numpy(),
        body=_triangles(model.faces),
        eyes=np.concatenate([helper["helper-l-eye"], helper["helper-r-eye"]]),
        **{name: helper[f"helper-{name}"] for name in ("tights", "skirt", "hair")},
    )


def _triangles(faces: object) -> np.ndarray:
    """(F, 3) int32 of triangles or quads of any nesting; degenerate triangles left out."""
    faces = np.asarray(faces)
    faces = faces.reshape(len(faces), -1)
    if faces.shape[1] == 4:
        faces = np.concatenate([faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]])
    a, b, c = faces.T
    return faces[(a != b) & (b != c) & (a != c)].astype(np.int32)


if __name__ == "__main__":
    _write(template_path(), _bake())
