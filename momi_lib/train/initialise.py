"""Training that begins with weights instead of random numbers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Literal

from momi_lib.translate import CarryNet, MomiNet, load_network

Parts = Literal["all", "student", "maps"]


def initialise_from(network: MomiNet, path: Path, parts: Parts = "all", option: str = "init.start") -> None:
    """Copy the weights of ``path`` into ``network``; a lookup or pose detail that they do not have keeps its own.

    Args:
        network: changed in place.
        path: weights of a MomiNet; all of those of a CarryNet need another one.
        parts: ``"all"``, or ``"student"``: F_p alone, so that a run can compare what comes after it without
            distilling again. Then only the student's width and norm must agree, whatever else either network is.
            ``"maps"``: F_p and both body maps, whose channels must then agree, too.
        option: that named the file, for messages.

    Raises:
        ValueError: where the shapes differ, with the fields of the config that do.
    """
    start = load_network(path)
    mine, theirs = asdict(network.config), asdict(start.config)
    # What has no weights, or new ones.
    free = {"transfer", "sigma", "threshold", "decoder", "decode_at"}
    if not (network.config.pose_detail and start.config.pose_detail):
        free.add("pose_detail")
    if not network.config.carry:
        free |= {"body_source", "body_target", "painter"}  # of parts that it lacks
    needed = {"student": ["student"], "maps": ["student", "carry", "body_source", "body_target"]}
    names = needed.get(parts, [name for name in mine if name not in free])
    unlike = {name: (theirs[name], mine[name]) for name in names if mine[name] != theirs[name]}
    if network.student.state_dict().keys() != start.student.state_dict().keys():  # batch norm or group norm
        unlike["norm"] = (theirs["norm"], mine["norm"])
    if unlike:
        said = "; ".join(f"{name} is {a} there and {b} here" for name, (a, b) in unlike.items())
        raise ValueError(
            f"{option}: the network in {path} has another shape: {said}. Give this run the same --network."
        )
    if parts != "all":
        network.student.load_state_dict(start.student.state_dict())
        if parts == "maps":
            assert isinstance(network, CarryNet) and isinstance(start, CarryNet)  # refused above where only one is
            network.body_maps.load_state_dict(start.body_maps.state_dict())
        return
    kept = {name: value for name, value in start.state_dict().items() if name in network.state_dict()}
    network.load_state_dict(kept, strict=False)


def committed_body_maps(network: CarryNet, name: str | Path = "small") -> None:
    """Copy the body maps of committed weights into ``network``: for data without labels.

    They were trained on mannequins and stay as they are. The student must be theirs or one that finds the same joints,
    because the maps are given its landmarks.

    Args:
        network: changed in place.
        name: weights of a network that carries.

    Raises:
        ValueError: where those weights have no body maps, or maps of another shape.
    """
    known = load_network(name)
    if not isinstance(known, CarryNet):
        raise ValueError(f"body_labels: the weights {str(name)!r} have no body maps to take")
    shapes = [(each.config.body_source, each.config.body_target) for each in (known, network)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"body_labels: the committed maps have channels {shapes[0]}, this network's {shapes[1]}")
    network.body_maps.load_state_dict(known.body_maps.state_dict())
