"""How often the judge of dragged limbs is right: ``python -m benchmarks.drag_truth`` (needs the extra ``mannequins``).

What :mod:`momi_lib.study.drags` asks of a network's pictures is asked here of true ones: the source's person of random
true swaps, rendered in the target's pose with one forearm or shin turned on the picture by 30°, 45°, 90° or 180°, as
far towards the camera as it takes to be seen. Where the teacher ψ does not find a joint that is there, no network can
be seen to obey: a share of obedience is to be read beside the share that stands here.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
import tyro

from momi_lib.data.records import EMBEDDED
from momi_lib.files import sha256, weights_folder, write_json
from momi_lib.metrics.pose import find_joints
from momi_lib.pose.weights import load_teacher
from momi_lib.provenance import environment
from momi_lib.study.drags import ANGLES, LIMBS, WITHIN, Drag, inside, rows
from tools.mannequins.body.any_pose import dragged
from tools.mannequins.body.arms import Pose
from tools.mannequins.body.poses import POSES
from tools.mannequins.dataset.body_maps import LIFTS, to_camera
from tools.mannequins.dataset.labels import read_attributes, read_scenes
from tools.mannequins.dataset.truth import Taken, draw_pairs
from tools.mannequins.photograph.person import Person
from tools.mannequins.photograph.picture import Studio
from tools.mannequins.photograph.scene import Scene

log = logging.getLogger("drag_truth")
ROOT = Path(__file__).resolve().parents[1]
VISIBLE = 2


@dataclass(frozen=True)
class Config:
    """What to measure.

    Attributes:
        pairs: how many pairs of held-out people.
        seed: of the pairs and of the directions.
        out: JSON to write.
    """

    pairs: int = 60
    seed: int = 0
    out: Path = ROOT / "benchmarks" / "results" / "drag-truth.json"


@dataclass(frozen=True)
class Posed(Scene):
    """A scene whose person takes another pose."""

    other: Pose | None = None

    def pose(self) -> Pose:
        """The other one."""
        return self.other


def drags(studio: Studio, person: Person, target: Taken, rng: np.random.Generator) -> list[tuple[Drag, torch.Tensor]]:
    """Every drag of one pair, with its true picture (3, H, W) uint8; at 0° first. Unseen joints are left out."""
    scene, found = target.scene, []

    def picture(pose: Pose):
        facts = {field.name: getattr(scene, field.name) for field in fields(Scene)}
        return studio.picture(Posed(**facts, other=pose), person, obstacle=False, crop=target.crop)

    plain = picture(scene.pose())
    for kind, limbs in LIMBS.items():
        for (joint, _), side in zip(limbs, "LR", strict=True):
            old = torch.from_numpy(plain.joints[joint]).float()
            directions = rng.choice([-1, 1], size=len(ANGLES))
            if plain.visibility[joint] != VISIBLE:
                continue
            found.append((Drag(kind, 0, joint, torch.from_numpy(plain.joints).float(), old), _tensor(plain.image)))
            for angle, direction in zip(ANGLES, directions, strict=True):
                limb, radians = f"{'arm' if kind == 'wrist' else 'leg'} {side}", float(np.radians(direction * angle))
                for lift in LIFTS:
                    taken = picture(dragged(scene.pose(), limb, radians, to_camera(scene), lift))
                    if taken.visibility[joint] == VISIBLE:
                        break
                places = torch.from_numpy(taken.joints).float()
                if taken.visibility[joint] == VISIBLE and inside(places[joint], (128, 64)):
                    found.append((Drag(kind, angle, joint, places, old), _tensor(taken.image)))
    return found


def _tensor(image: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(image.copy()).permute(2, 0, 1)


@torch.inference_mode()
def measure(config: Config) -> dict[str, Any]:
    """All drags of all pairs, JSON-ready."""
    people = read_attributes(EMBEDDED)
    test = [one for one in read_scenes(EMBEDDED) if not one.file.startswith("bounding_box_train")]
    free = [one for one in test if not POSES[one.scene.kind].holds]  # what hands hold would come along
    studio, rng = Studio(seed=0), np.random.default_rng(config.seed)
    found, persons = [], []
    for source, target in draw_pairs(free, config.pairs, config.seed):
        some = drags(studio, Person.of(people[free[source].person]), free[target], rng)
        found += some
        persons += [(free[source].person, free[target].person)] * len(some)
    joints = find_joints(load_teacher(None), "teacher", torch.stack([picture for _, picture in found])).landmarks
    placed = [(drag, joints[row, drag.joint]) for row, (drag, _) in enumerate(found)]
    return {
        "what": "share of wrists and ankles in true pictures of dragged limbs that the teacher finds within 6 pixels "
        "of where they are (obeys), and nearer to where they were before (stays), ± the standard error, resampled by "
        "person",
        **environment(),
        "teacher": f"mannequin-teacher[{sha256(weights_folder() / 'mannequin-teacher.safetensors')[:8]}]",
        "pairs": config.pairs,
        "seed": config.seed,
        "within": WITHIN,
        "rows": rows(placed, persons),
    }


def main(config: Config) -> None:
    """Measure, and write the JSON."""
    result = measure(config)
    write_json(config.out, result)
    for row in result["rows"]:
        log.info("%s", json.dumps(row))


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(tyro.cli(Config, description=__doc__))
