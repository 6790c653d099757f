"""Rivals as files, in half precision with their method and config; and any answer by its name, whatever its method."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, cast, get_args

import torch
from torch import nn

from momi_lib.arguments import device_from, file_to_write, path_of, told
from momi_lib.files import expanded, load_tensors, save_tensors, sha256, tensor_metadata, weights_of, write_json
from momi_lib.pose import load_teacher
from momi_lib.rivals.base import PoseGuided
from momi_lib.rivals.methods import method
from momi_lib.rivals.posed import Posed, PoseSource, SourceName, pose_source
from momi_lib.translate import MomiNet, load_network
from momi_lib.translate.swaps import Swaps
from momi_lib.translate.weights import (
    KEY,
    MOMI,
    MOMI_FORMATS,
    RIVAL,
    committed,
    described,
    filled,
    no_weights,
    ready,
    told_apart,
)

__all__ = ["FORMAT", "answer_file", "answer_names", "load_answer", "load_rival", "save_rival", "split_name"]

log = logging.getLogger(__name__)

FORMAT = "momi-rival-1"


def save_rival(network: nn.Module, path: str | Path, card: dict[str, Any] | None = None) -> Path:
    """Write a rival's network as safetensors (fp16) and ``card`` as JSON beside it, with the SHA-256 of the weights.

    Args:
        network: with ``method``, its name, and ``config``, its options, a dataclass from which it can be made again.
        path: ``.safetensors`` to write.
        card: what else is known of the weights.

    Raises:
        TypeError: for a network without ``method``, such as a MomiNet.

    >>> save_rival(nn.Linear(1, 1), "x.safetensors")
    Traceback (most recent call last):
    ...
    TypeError: network: expected one of a rival, with `method` and `config`, got Linear
    """
    name, config = getattr(network, "method", None), getattr(network, "config", None)
    if not isinstance(name, str) or config is None:
        raise TypeError(
            f"network: expected one of a rival, with `method` and `config`, got {type(network).__name__}"
            + ("; momi_lib.translate.save_network writes it" if isinstance(network, MomiNet) else "")
        )
    path = file_to_write("path", path)
    if card is not None and not isinstance(card, dict):
        raise TypeError(f"card: expected a dict, or None, got {told(card)}")
    state = {n: v.half() if v.is_floating_point() else v for n, v in network.state_dict().items()}
    about = {"format": FORMAT, "method": name, "config": asdict(config)}
    save_tensors(path, state, {KEY: json.dumps(about, sort_keys=True)})
    write_json(path.with_suffix(".json"), {**(card or {}), "sha256": sha256(path)})
    return path


def split_name(name: str | Path) -> tuple[str, SourceName | Path | None]:
    """What a name on the command line says: the weights, and where poses shall come from, perhaps a teacher's file.

    Raises:
        ValueError: where something else than a pose source follows the last ``@`` of what is not a file.

    >>> split_name("pg2@student"), split_name("small")
    (('pg2', 'student'), ('small', None))
    >>> split_name("pg2@detector")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: weights 'pg2@detector': expected teacher, student, joints, canonical or a teacher's file after the ...
    """
    text = str(path_of("name", name))
    if "@" not in text or _is_file(text):
        return text, None
    start, _, end = text.rpartition("@")
    if not start:
        raise ValueError(f"weights {text!r}: expected weights in front of the @, as in pg2@teacher, got none")
    if end in get_args(SourceName):
        return start, cast("SourceName", end)
    signs = [place for place, sign in enumerate(text) if sign == "@"]
    for place in reversed(signs):  # a file may have the sign in its name, too
        if place and _is_file(text[place + 1 :]):
            return text[:place], expanded(text[place + 1 :])
    there = "" if Path(end).name == end and "." not in end else ", and there is no such file"
    raise ValueError(
        f"weights {text!r}: expected teacher, student, joints, canonical or a teacher's file after the @, got "
        f"{end!r}{there}"
    )


def _is_file(path: str) -> bool:
    """Whether there is a file; what cannot be the name of one is none."""
    try:
        return expanded(path).is_file()
    except (OSError, RuntimeError, ValueError):
        return False


def _teacher(path: Path, device: torch.device) -> PoseSource:
    """The poses of a teacher that was named behind an ``@``, where no option can say the size of its input."""
    try:
        network = load_teacher(path, device)
    except ValueError as error:
        if "--teacher-input" not in str(error):
            raise
        raise ValueError(
            f"{path}: behind an @, the name of an official teacher's file has to state the size of its input; rename "
            "it, for example to pose_resnet_50_256x192.pth.tar"
        ) from error
    return pose_source("teacher", network=network, device=device)


def name_of_teacher(path: Path) -> str:
    """What a table and a menu call the file of a teacher: its name and the first digits of its hash."""
    return f"{path.name.split('.')[0]}[{sha256(path)[:8]}]"


def answer_file(name: str | Path) -> Path:
    """The file of weights of any method: a path, or the name of committed ones, with the momi- or rival- of its file or
    without; ``@`` and a pose source may follow.

    Raises:
        FileNotFoundError: where there are no such weights, with what there is.

    >>> answer_file("small").name
    'momi-small.safetensors'
    """
    path = Path(split_name(name)[0])
    found = path if path.is_file() else committed(path, MOMI, RIVAL)
    if found is None:
        raise no_weights(path, MOMI, RIVAL)
    return found


def answer_names(names: Sequence[str | Path]) -> list[str]:
    """What a table calls weights: momi-NAME or the rival's NAME for committed ones, else the file or its folder.

    The pose source stands behind it where the name says one. Names that would come twice get the folders above, until
    they differ.

    >>> answer_names(["small", "lookup"])
    ['momi-small', 'momi-lookup']
    """
    ways, files = [], [answer_file(each) for each in names]
    for each, file in zip(names, files, strict=True):
        text, poses = split_name(each)
        path = Path(os.path.abspath(file))
        way = path.parts[1:-1] if path.stem == "weights" and len(path.parts) > 2 else (*path.parts[1:-1], path.stem)
        if file != Path(text):
            way = (path.stem.removeprefix(RIVAL),)
        whose = name_of_teacher(poses) if isinstance(poses, Path) else poses
        ways.append((*way[:-1], way[-1] + (f"@{whose}" if whose else "")))
    return told_apart(ways, files)


def load_rival(name: str | Path, *, device: torch.device | str = "cpu") -> nn.Module:
    """A trained rival: in evaluation mode, frozen, float32, channels-last.

    Args:
        name: a method whose weights come with the package (``"pg2"``, ``"pn-gan"``, ``"patn"``, ``"dg-net"``), or the
            path of a file that ``python -m momi_lib train`` wrote.
        device: where to put it.

    Returns:
        a :class:`~momi_lib.rivals.base.PoseGuided` network, which draws from poses, or DG-Net, which swaps pictures.

    Raises:
        FileNotFoundError: where there are no such weights, with what there is.
        ValueError: where the file is damaged, does not fit its card's hash, or holds something else, such as a MomiNet.

    >>> load_rival("small")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: ...momi-small.safetensors: weights of another method, a MomiNet; momi_lib.translate.load_network...
    """
    path, device = answer_file(name), device_from("device", device)
    about = described(path)
    if about.get("format") in MOMI_FORMATS:
        raise ValueError(
            f"{path}: weights of another method, a MomiNet; momi_lib.translate.load_network loads them, and "
            "momi_lib.rivals.weights.load_answer those of any method"
        )
    if about.get("format") != FORMAT:
        raise ValueError(f"{path}: expected weights of a rival, got {weights_of(tensor_metadata(path))}")
    if not isinstance(about.get("config"), dict) or not isinstance(about.get("method"), str):
        raise ValueError(f"{path}: its metadata lack the method or its config; train again or download it again")
    try:
        kind = method(about["method"])
    except ValueError as error:
        raise ValueError(f"{path}: of a method that this version of momi_lib does not know ({error})") from error
    options: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in about["config"].items()}
    unknown = sorted(options.keys() - {field.name for field in fields(kind.config)})
    if unknown:
        raise ValueError(
            f"{path}: is of a network with {', '.join(unknown)}, which this version of momi_lib does not know; update "
            "the library, or train again"
        )
    network = kind.network(kind.config(**options))
    return ready(filled(network, load_tensors(path), path), device)


def load_answer(
    name: str | Path, *, poses: SourceName | PoseSource | None = "teacher", device: torch.device | str = "cpu"
) -> Swaps:
    """A trained network of any method, behind the same door: ``swap(source, target)``, RGB in, RGB out.

    Args:
        name: ``"small"`` or ``"lookup"``; ``"pg2"``, ``"pn-gan"``, ``"patn"`` or ``"dg-net"``; or the path of weights.
            ``@teacher``, ``@student``, ``@joints`` or ``@canonical`` behind a pose-guided rival's name says where its
            poses come from; ``@FILE`` names another teacher, as :func:`~momi_lib.pose.load_teacher` reads it.
        poses: the same where the name does not say it; or a pose source of one's own.
        device: where to put it.

    Returns:
        a :class:`~momi_lib.translate.MomiNet`, a :class:`~momi_lib.rivals.posed.Posed` rival, or DG-Net.

    Raises:
        FileNotFoundError: where there are no such weights, with what there is.
        ValueError: as :func:`load_rival`; for a pose-guided rival without a pose source; and for a pose source behind
            the name of a method that is given none.

    >>> load_answer("small").needs
    frozenset()
    >>> load_answer("small@student")
    Traceback (most recent call last):
    ...
    ValueError: weights 'small@student': this method is given pictures alone; leave '@student' out
    """
    text, asked = split_name(name)
    device = device_from("device", device)
    path = answer_file(text)
    if described(path).get("format") == FORMAT:
        network: Any = load_rival(path, device=device)
    else:
        network = load_network(path, device=device)
    if not isinstance(network, PoseGuided):
        if asked:
            raise ValueError(f"weights {str(name)!r}: this method is given pictures alone; leave '@{asked}' out")
        return network
    source = asked or poses
    if source is None:
        raise ValueError(
            f"weights {str(name)!r}: {network.method} draws from poses, expected poses 'teacher', 'student' or "
            f"'joints', got None; give `poses`, or write {text}@teacher"
        )
    if isinstance(source, Path):
        source = _teacher(source, device)
    elif not isinstance(source, PoseSource):
        source = pose_source(source, device=device)
    _warn_of_another_teacher(path, source)
    return Posed(network, source.to(device)).eval()


def _warn_of_another_teacher(path: Path, source: PoseSource) -> None:
    """Log one line where a rival learned from the poses of another teacher than the one that it is given now."""
    try:
        learned = json.loads(path.with_suffix(".json").read_text(encoding="utf-8")).get("poses_of")
    except (OSError, ValueError, AttributeError):  # without a card nothing is known
        return
    now = f"{source.name}[{source.sha256[:8]}]"
    if source.name == "teacher" and str(learned).startswith("teacher[") and learned != now:
        log.warning("%s: learned from poses of %s and is given those of %s; write @ and the file of its teacher behind "
                    "the name", path, learned, now)  # fmt: skip
