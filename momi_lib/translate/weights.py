"""Trained networks as files: half-precision safetensors that carry their own config, with a card beside them."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from momi_lib.arguments import device_from, file_to_write, path_of, told
from momi_lib.files import (
    NotInstalledError,
    absent,
    fill,
    form_of,
    load_tensors,
    missing_weights,
    save_tensors,
    sha256,
    tensor_metadata,
    weights_folder,
    weights_of,
    write_json,
)
from momi_lib.translate.carrying import CarryNet
from momi_lib.translate.network import MomiNet, NetworkConfig

Network = TypeVar("Network", bound=nn.Module)

FORMAT, KEY = "momi-network-2", "momi"
#: Earlier files, and what their words mean today: they call ``dark`` what is ``newton`` now.
EARLIER: dict[str, dict[str, dict[str, str]]] = {"momi-network-1": {"decoder": {"dark": "newton"}}}
#: All formats of a MomiNet's file.
MOMI_FORMATS = (FORMAT, *EARLIER)
RENAMED = {"lookup.question.": "lookup.query.", "lookup.address.": "lookup.key."}

#: Beginnings of the names of committed files.
MOMI, RIVAL = "momi-", "rival-"
#: What a training leaves in its folder: the weights at its end, checkpoints on the way there, and its log.
WEIGHTS, CHECKPOINTS, LOG = "weights.safetensors", "checkpoint-*.pt", "log.jsonl"
#: What to do with a file of another method.
OTHER = "weights of another method; momi_lib.rivals.weights.load_answer loads those of any method"
TRAIN = "train some with `python -m momi_lib train`"


def network_of(config: NetworkConfig) -> MomiNet:
    """A network with random weights, of the kind that its config names.

    >>> from momi_lib.train.presets import preset
    >>> type(network_of(preset("tiny").network)).__name__
    'MomiNet'
    """
    if not isinstance(config, NetworkConfig):
        raise TypeError(f"config: expected a NetworkConfig, got {told(config)}")
    return CarryNet(config) if config.carry else MomiNet(config)


def save_network(network: MomiNet, path: str | Path, card: dict[str, Any] | None = None) -> Path:
    """Write ``network`` as safetensors (fp16) and ``card`` as JSON beside it, with the SHA-256 of the weights.

    >>> import tempfile
    >>> from momi_lib.train.presets import preset
    >>> folder = Path(tempfile.mkdtemp())
    >>> path = save_network(MomiNet(preset("tiny").network), folder / "tiny.safetensors", {"seed": 0})
    >>> load_network(path).config.width
    16
    """
    if not isinstance(network, MomiNet):
        raise TypeError(f"network: expected a MomiNet, got {told(network)}")
    if card is not None and not isinstance(card, Mapping):
        raise TypeError(f"card: expected a dict, or None, got {told(card)}")
    path = file_to_write("path", path)
    state = {n: v.half() if v.is_floating_point() else v for n, v in network.state_dict().items()}
    # One entry: safetensors writes several in no fixed order, and equal weights would have unequal hashes.
    about = {"format": FORMAT, "network": asdict(network.config)}
    save_tensors(path, state, {KEY: json.dumps(about, sort_keys=True)})
    write_json(path.with_suffix(".json"), {**(card or {}), "sha256": sha256(path)})
    return path


def weights_file(name: str | Path) -> Path:
    """The file of a MomiNet's weights: a path, or the name of committed ones, with the momi- of tables or without.

    Raises:
        FileNotFoundError: where there are no such weights, with what there is.
        ValueError: for the name of a rival's committed weights.

    >>> [weights_file(name).name for name in ("small", "lookup")]
    ['momi-small.safetensors', 'momi-lookup.safetensors']
    """
    given = path_of("name", name)
    found = given if given.is_file() else committed(given, MOMI)
    if found is not None:
        return found
    if committed(given, RIVAL) is not None:
        raise ValueError(f"weights {str(name)!r}: {OTHER}")
    raise no_weights(given, MOMI)


def committed(name: Path, *kinds: str) -> Path | None:
    """The committed file of a name, with the beginning of its kind (:data:`MOMI`, :data:`RIVAL`) or without it."""
    whole = [f"{kind}{str(name).removeprefix(kind)}.safetensors" for kind in kinds]
    return next((weights_folder() / file for file in whole if (weights_folder() / file).is_file()), None)


def no_weights(given: Path, *kinds: str) -> FileNotFoundError:
    """The error for what is neither a file nor the name of committed weights of some kinds, to be raised.

    Raises:
        FileNotFoundError, ValueError: as :func:`refuse_run`.
    """
    refuse_run(given)
    folder = weights_folder()
    known = [file.stem.removeprefix(kind) for kind in kinds for file in sorted(folder.glob(f"{kind}*.safetensors"))]
    names = f"one of {known or 'the committed weights (there are none)'} in {folder}"
    how = missing_weights(folder / f"{MOMI}{given}.safetensors", TRAIN)
    if given.exists():
        return FileNotFoundError(f"weights {str(given)!r}: {absent(given)}; expected a file of weights, or {names}")
    error = FileNotFoundError if how.endswith(TRAIN) else NotInstalledError
    return error(f"weights {str(given)!r}: neither a file nor {names}{how}")


def refuse_run(path: Path) -> None:
    """Refuse what belongs to a training and is not its weights: its folder, a checkpoint, weights that are to come.

    Raises:
        FileNotFoundError: with the file that was meant, or with how to get it where it is not there yet.
        ValueError: likewise for a checkpoint.
    """
    checkpoint = path.is_file() and path.match(CHECKPOINTS)
    if not (checkpoint or path.is_dir() or (path.name == WEIGHTS and not path.exists())):
        return
    folder, error = path if path.is_dir() else path.parent, ValueError if checkpoint else FileNotFoundError
    what = "is a checkpoint, from which training can be resumed" if checkpoint else absent(path)
    if (folder / WEIGHTS).is_file():
        raise error(f"weights '{path}': {what}; the weights of that training are {folder / WEIGHTS}")
    if checkpoint or (folder / LOG).is_file() or any(folder.glob(CHECKPOINTS)):
        raise error(
            f"weights '{path}': {what}, and the training in {folder} has not written its {WEIGHTS} yet; wait until "
            "it ends, or resume it: run its command again with --resume"
        )


def names_of(weights: Sequence[str | Path]) -> list[str]:
    """What a table calls weights: momi-NAME for committed ones, else their file, or its folder for those of a run.

    Names that would come twice get the folders above, until they differ. They can be names of files themselves.

    Raises:
        FileNotFoundError: as :func:`weights_file` does.
        ValueError: for the same file twice.

    >>> names_of(["small"])
    ['momi-small']
    >>> import tempfile
    >>> folder, files = Path(tempfile.mkdtemp()), ["a/best.pt", "b/best.pt", "c/weights.pt"]
    >>> for file in files:
    ...     _ = (folder / file).parent.mkdir(), (folder / file).write_bytes(b"")
    >>> names_of([folder / file for file in files])
    ['a-best', 'b-best', 'c']
    """
    files = [Path(os.path.abspath(weights_file(each))) for each in weights]
    twice = next((str(each) for each, file in zip(weights, files, strict=True) if files.count(file) > 1), None)
    if twice is not None:
        raise ValueError(f"weights: expected different ones, got {twice} twice")
    return told_apart([_way(each, file) for each, file in zip(weights, files, strict=True)], files)


def told_apart(ways: Sequence[tuple[str, ...]], files: Sequence[Path]) -> list[str]:
    """Names that differ: the last part of each way, and where two would be the same as many before it as it takes.

    Args:
        ways: the parts of each name, folders first; one that has a single part stays as it is.
        files: whose hash tells those apart that are alike to the first folder.

    >>> told_apart([("runs", "a", "best"), ("runs", "b", "best"), ("runs", "c")], [])
    ['a-best', 'b-best', 'c']
    """
    depths = [1] * len(ways)
    while True:
        names = ["-".join(way[-depth:]) for way, depth in zip(ways, depths, strict=True)]
        alike = [i for i, name in enumerate(names) if names.count(name) > 1 and depths[i] < len(ways[i])]
        if not alike:
            break
        for i in alike:
            depths[i] += 1
    names = [f"{name}[{sha256(files[i])[:8]}]" if names.count(name) > 1 else name for i, name in enumerate(names)]
    # Bytes of a name that are no text, which Python keeps as surrogates, become escapes.
    return [name.encode("utf-8", "backslashreplace").decode("utf-8") for name in names]


def _way(given: str | Path, file: Path) -> tuple[str, ...]:
    """The folders and the name of weights, from the root; committed ones have a name alone."""
    if weights_file(given) != Path(given):
        return (file.stem,)
    return file.parts[1:-1] if file.stem == "weights" and len(file.parts) > 2 else (*file.parts[1:-1], file.stem)


def load_network(name: str | Path = "small", *, device: torch.device | str = "cpu") -> MomiNet:
    """A trained network, ready to translate: in evaluation mode, frozen, float32, channels-last.

    Args:
        name: a preset whose weights come with the package, or the path of a file that ``python -m momi_lib train``
            wrote. ``"small"`` is a :class:`~momi_lib.translate.carrying.CarryNet`, ``"lookup"`` a plain MomiNet that
            draws everything itself.
        device: where to put it.

    Raises:
        FileNotFoundError: where there are no such weights, with what there is.
        ValueError: where the file is damaged, does not fit its card's hash, or holds something else, such as a rival.

    >>> [load_network(name).config.carry for name in ("small", "lookup")]
    [True, False]
    >>> load_network("no such weights")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    FileNotFoundError: weights 'no such weights': ...
    """
    path, device = weights_file(name), device_from("device", device)
    about = described(path)
    if about.get("format") not in MOMI_FORMATS:
        if "method" in about:
            raise ValueError(f"{path}: {OTHER}")
        if str(about.get("format")).startswith("momi-network-"):
            raise ValueError(f"{path}: has the format {about['format']!r}, which this version of momi_lib does not "
                             "know; update the library")  # fmt: skip
        raise ValueError(f"{path}: expected weights of a MomiNet, got {weights_of(tensor_metadata(path))}")
    if not isinstance(about.get("network"), dict):
        raise ValueError(f"{path}: its metadata lack the network's config; train again or download it again")
    shape: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in about["network"].items()}
    for field, words in EARLIER.get(about["format"], {}).items():
        if field in shape:
            shape[field] = words.get(shape[field], shape[field])
    known = {f.name for f in fields(NetworkConfig)}
    if not shape.keys() <= known:
        raise ValueError(
            f"{path}: is of a network with {', '.join(sorted(shape.keys() - known))}, which this version of momi_lib "
            "does not know; update the library, or train again"
        )
    network, tensors = network_of(NetworkConfig(**shape)), load_tensors(path)
    if about["format"] in EARLIER:
        for old, new in RENAMED.items():
            tensors = {name.replace(old, new): value for name, value in tensors.items()}
    return ready(filled(network, tensors, path), device)


def described(path: Path) -> dict[str, Any]:
    """What a file of weights says of itself: its format, and the config of its network.

    Raises:
        ValueError: where the file is damaged or does not fit the hash in the card beside it.
    """
    refuse_run(path)
    form_of(path)  # says what another file is; a hash would only say that it is another
    card = path.with_suffix(".json")
    if card.is_file():
        try:
            told = json.loads(card.read_bytes()).get("sha256")
        except (ValueError, AttributeError) as error:
            raise ValueError(f"{card}: expected the card of weights, JSON, got {error}; copy it again") from error
        if told != sha256(path):
            raise ValueError(f"{path}: does not fit the SHA-256 in {card.name}; copy or download both again")
    return json.loads(tensor_metadata(path).get(KEY, "{}"))


def filled(network: Network, tensors: Mapping[str, Tensor], path: Path) -> Network:
    """``network`` with the tensors of its file.

    Raises:
        ValueError: where they are not those of such a network.
    """
    expected = network.state_dict()
    shapes = [{name: value.shape for name, value in each.items()} for each in (expected, tensors)]
    unlike = [name for name in expected.keys() | tensors.keys() if shapes[0].get(name) != shapes[1].get(name)]
    if unlike:
        raise ValueError(
            f"{path}: {len(unlike)} tensors, such as {min(unlike)}, do not fit the network that the file names: it was "
            "written by another version of momi_lib, or changed since; train again"
        )
    fill(network, tensors, path, "the network that the file names")
    return network


def ready(network: Network, device: torch.device | str) -> Network:
    """``network`` on a device as it is used: in evaluation mode, frozen, channels-last."""
    return network.to(device).to(memory_format=torch.channels_last).eval().requires_grad_(False)
