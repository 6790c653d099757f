"""ψ, the teacher of Eq. 1: a trained pose network behind one interface, ``teacher(pictures) -> heatmaps``.

A map of a teacher always covers the whole picture (the convention of `heatmaps.py`), whatever the network
inside needs as its input.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from momi_lib import files
from momi_lib.arguments import (
    check_has,
    check_input,
    check_network,
    check_range,
    file_to_write,
    flag,
    path_of,
    size_from,
    told,
)
from momi_lib.data import mirror_maps, mirror_pictures, size_of
from momi_lib.pose.simple_baseline import SimpleBaseline, another_network, depth_of

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet, RGB, for values in [0, 1]
MARGIN = 1.25  # official weights see a person with a quarter of room around it
STRIDE = 4  # input pixels per heatmap cell
FORMAT = "momi-teacher-1"
WHERE_OFFICIAL = (
    "the official COCO checkpoint of Simple Baselines, pose_resnet_<layers>_256x192.pth.tar, which the "
    "authors link from https://github.com/microsoft/human-pose-estimation.pytorch"
)


class Teacher(nn.Module):
    """A Simple Baselines network as the teacher ψ (Eq. 1; used in notebook 02).

    Plain teachers (``official=False``, ours) see the picture resized to `input_size`, RGB, normalised by
    ImageNet's mean and deviation. Official weights want more: channels in BGR order *with the RGB mean and
    deviation*, and the person padded, not stretched, to the aspect of `input_size` with a margin of 1.25.
    Their maps hold the padded picture, so they are resampled here to cover the picture itself. In the
    official code the cell v stands for the input pixel 4v (not for the middle of four pixels, 4v + 1.5), and
    the resampling follows it.

    A teacher is frozen: it starts in eval mode. Training it is the business of momi_lib.train.teacher.

    Args:
        network: a SimpleBaseline.
        input_size: (h, w) of the network's input, both divisible by 32.
        official: whether the weights follow the official conventions.
        name: how tables and cards call it; None makes one from the depth.
        map_size: (h', w') of the maps. None takes the network's own, input_size / 4, and for official weights
            (h / 4, h / 8), which fits a picture twice as high as wide.
        flip: answer with the mean of the maps of a picture and of its mirror image, turned back, as Simple Baselines
            does when it is evaluated. It mixes up left and right less, and takes twice the time.

    Attributes:
        name, input_size, official, map_size, flip: as above.

    Raises:
        ValueError: for an input size that is not divisible by 32.

    >>> teacher = Teacher(SimpleBaseline(18))
    >>> teacher.map_size
    (32, 16)
    >>> with torch.no_grad():
    ...     teacher(torch.zeros(2, 3, 128, 64)).shape
    torch.Size([2, 17, 32, 16])
    """

    mean: Tensor
    deviation: Tensor

    def __init__(
        self,
        network: SimpleBaseline,
        *,
        input_size: tuple[int, int] = (128, 64),
        official: bool = False,
        name: str | None = None,
        map_size: tuple[int, int] | None = None,
        flip: bool = False,
    ) -> None:
        super().__init__()
        check_network("network", network, "a SimpleBaseline", resting=False)
        check_has("network", network, "a SimpleBaseline", "layers")
        height, width = size_from("input_size", input_size, 32)
        if height % 32 or width % 32:
            raise ValueError(f"input_size: expected (height, width) divisible by 32, got {tuple(input_size)}")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"name: expected a name, or None for one of the depth, got {told(name)}")
        official, flip = flag("official", official), flag("flip", flip)
        self.network = network
        self.input_size = (int(height), int(width))
        self.official, self.flip = official, flip
        self.name = name or f"simple-baseline-{network.layers}{'-official' if official else ''}"
        own = (height // STRIDE, height // (2 * STRIDE)) if official else (height // STRIDE, width // STRIDE)
        self.map_size = own if map_size is None else size_from("map_size", map_size)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(DEVIATION).view(3, 1, 1), persistent=False)
        self.eval()

    def forward(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) RGB in [-1, 1] → (N, joints, *map_size) linear maps that cover the whole picture.

        In training mode a picture is never mirrored: the network shall learn from its own answers.

        Raises:
            TypeError, ValueError: for other pictures; outside of training mode also for values outside [-1, 1].
        """
        check_input("pictures", pictures, self)
        if not self.training:  # a training step does not wait for a GPU
            check_range("pictures", pictures)
        maps = self._maps(pictures)
        if self.flip and not self.training:
            maps = (maps + mirror_maps(self._maps(mirror_pictures(pictures)))) / 2
        return maps

    def _maps(self, pictures: Tensor) -> Tensor:
        size = size_of(pictures)
        heatmaps = self.network(self.prepare(pictures))
        if self.official:
            return _sample(heatmaps, *self._map_grid(size, heatmaps))
        if heatmaps.shape[-2:] != self.map_size:
            heatmaps = functional.interpolate(heatmaps, self.map_size, mode="bilinear", align_corners=False)
        return heatmaps

    def prepare(self, pictures: Tensor) -> Tensor:
        """What the network sees: (N, 3, H, W) RGB in [-1, 1] → (N, 3, h, w) normalised, BGR if official."""
        check_input("pictures", pictures, self)
        pictures = (pictures + 1) / 2
        if self.official:
            # Black surrounds the person, as where the official code's crop leaves the photograph.
            pictures = _sample(pictures.flip(1), *self._input_grid(size_of(pictures), pictures))
        elif pictures.shape[-2:] != self.input_size:
            pictures = functional.interpolate(
                pictures, self.input_size, mode="bilinear", align_corners=False, antialias=True
            )
        return (pictures - self.mean) / self.deviation

    def _scale(self, size: tuple[int, int]) -> float:
        """Picture pixels per input pixel of the padded picture, the same in both axes."""
        return MARGIN * max(size[0] / self.input_size[0], size[1] / self.input_size[1])

    def _input_grid(self, size: tuple[int, int], like: Tensor) -> tuple[Tensor, Tensor]:
        """The picture rows and columns under each input pixel; the two centres coincide."""
        scale = self._scale(size)
        rows, columns = (
            (torch.arange(length, device=like.device) - (length - 1) / 2) * scale + (pixels - 1) / 2
            for length, pixels in zip(self.input_size, size, strict=True)
        )
        return rows, columns

    def _map_grid(self, size: tuple[int, int], like: Tensor) -> tuple[Tensor, Tensor]:
        """The rows and columns of the network's map under each cell of the map that covers the picture."""
        scale = self._scale(size)
        grid = []
        for cells, pixels, length in zip(self.map_size, size, self.input_size, strict=True):
            picture = (torch.arange(cells, device=like.device) + 0.5) * pixels / cells - 0.5
            entry = (picture - (pixels - 1) / 2) / scale + (length - 1) / 2
            grid.append(entry / STRIDE)
        return tuple(grid)

    @classmethod
    def from_official(cls, path: str | os.PathLike, *, input_size: tuple[int, int] | None = None) -> Teacher:
        """A teacher with published Simple Baselines weights; every parameter must be there and no other.

        The file is read with ``torch.load(weights_only=True)``, so it cannot run code. What the official training
        script saves is accepted too, ``{"epoch": …, "model": …, "state_dict": …, "perf": …, "optimizer": …}``, of which
        only the weights and the model's name are used, and a ``module.`` before each name. The depth of the ResNet is
        read from the names of the parameters.

        Args:
            path: the checkpoint; safetensors with the same names are read as well.
            input_size: (h, w) of the pictures that it was trained on. ``None`` reads it from the file's name, as in
                ``pose_resnet_50_256x192.pth.tar``, or from the name of the model that the training script writes into
                the file, as in ``256x192_pose_resnet_50_d256d256d256``. Nothing else in a file says it.

        Raises:
            FileNotFoundError: no such file; the message says where to obtain it.
            ValueError: a file that is no checkpoint, or of another network (HRNet, MMPose's, a classifier, 16 joints,
                the variant of Caffe, whose strides lie elsewhere though all names and shapes are the same), or with
                weights that are not finite; a size that nothing says, or two sizes.

        >>> Teacher.from_official("nowhere.pth.tar")  # doctest: +IGNORE_EXCEPTION_DETAIL
        Traceback (most recent call last):
        FileNotFoundError: Teacher.from_official: ...
        """
        path = path_of("path", path)
        wanted = WHERE_OFFICIAL
        input_size = None if input_size is None else size_from("input_size", input_size)
        if not path.is_file():
            raise FileNotFoundError(f"Teacher.from_official: {path}: {files.absent(path)}; expected {wanted}")
        try:
            state, beside = files.read_checkpoint(path)
        except ValueError as error:
            raise ValueError(f"Teacher.from_official: {error} Here that is {wanted}") from error

        def refusal(what: str) -> ValueError:
            return ValueError(f"Teacher.from_official: {path} {what}; expected {wanted}")

        layers, another = depth_of(state), another_network(state)
        if another is not None:
            raise refusal(f"holds {another}")
        if layers is None:
            raise refusal("holds no ResNet of 18, 34, 50, 101 or 152 layers")
        model = beside.get("model")  # a name, or a short name and one with the size of the input
        said = " ".join(part for part in (model if isinstance(model, (tuple, list)) else [model]) if type(part) is str)
        if "caffe" in f"{path.name} {said}".casefold():
            raise refusal(
                "is of the variant of Caffe by its name: its strides lie in other convolutions, which the weights do "
                "not show, and it would answer wrongly here"
            )
        last = state.get("final_layer.weight")
        if last is not None and last.ndim == 4 and len(last) != 17:
            mpii = ", as for MPII" if len(last) == 16 else ""
            raise refusal(f"answers with {len(last)} joints{mpii}, not with the 17 of COCO")
        strange = [f"{name} is {value.dtype}" for name, value in state.items() if not value.is_floating_point()
                   and not name.endswith("num_batches_tracked")]  # fmt: skip
        if strange:
            raise refusal(f"holds weights that are no floating-point numbers: {strange[0]}")
        spoiled = files.not_finite(state)
        if spoiled is not None:
            raise refusal(f"holds values in {spoiled} that are not finite, as of a training that diverged")
        stated = sizes_in(f"{path.name} {said}")
        if input_size is None:
            input_size = _only_size(path, said)
        elif len(stated) == 1 and tuple(input_size) == stated[0][::-1] != stated[0]:
            raise ValueError(
                f"Teacher.from_official: the name of {path} says {stated[0]}, height first, and input_size is "
                f"{tuple(input_size)}; leave it out, or give the height first"
            )
        try:
            network = _filled(state, layers).float()
        except RuntimeError as error:
            reason = "; ".join(line.strip()[:300] for line in str(error).splitlines()[1:3])
            raise refusal(f"does not fit SimpleBaseline({layers}): {reason}") from error
        return cls(network, input_size=input_size, official=True)

    def save(self, path: str | os.PathLike, *, half: bool = False) -> None:
        """Write the weights and how to use them as safetensors, atomically; `half` stores them in 16 bits.

        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Teacher(SimpleBaseline(18), name="example").save(f"{folder}/teacher.safetensors")
        ...     Teacher.load(f"{folder}/teacher.safetensors").name
        'example'
        """
        path, half = file_to_write("path", path), flag("half", half)
        tensors = {
            key: value.half() if half and value.is_floating_point() else value
            for key, value in self.network.state_dict().items()
        }
        metadata = {
            "format": FORMAT,
            "name": self.name,
            "layers": str(self.network.layers),
            "joints": str(self.network.joints),
            "width": str(self.network.width),
            "input_size": "{}x{}".format(*self.input_size),
            "map_size": "{}x{}".format(*self.map_size),
            "official": str(int(self.official)),
            "flip": str(int(self.flip)),
        }
        files.save_tensors(path, tensors, metadata)

    @classmethod
    def load(cls, path: str | os.PathLike) -> Teacher:
        """Read what `save` wrote; the weights come back in single precision, in eval mode, on the CPU.

        Raises:
            FileNotFoundError: no such file.
            ValueError: a file that is no safetensors file or not one of a teacher, metadata or weights that do not fit,
                weights that are not finite.
        """
        path = path_of("path", path)
        expected = "expected a file that Teacher.save or `python -m momi_lib train-teacher` wrote (teacher.safetensors)"
        if not path.is_file():
            raise FileNotFoundError(f"Teacher.load: {path}: {files.absent(path)}; {expected}")
        try:
            state, metadata = files.read_checkpoint(path)
        except ValueError as error:
            raise ValueError(f"Teacher.load: {error}") from error
        if metadata.get("format") != FORMAT:
            if "momi" in metadata or str(metadata.get("format")).startswith("momi-"):
                raise ValueError(f"Teacher.load: {path} holds {files.weights_of(metadata)}; {expected}")
            raise ValueError(
                f"Teacher.load: {path} does not say of which network it is; {expected}, or official weights with the "
                "size of their input: --teacher-input 256 192, or input_size"
            )
        spoiled = files.not_finite(state)
        if spoiled is not None:
            raise ValueError(f"Teacher.load: {path} holds values in {spoiled} that are not finite; train it again")

        def told(name: str, default: str | None = None) -> int:
            return _number(path, metadata, name, default)

        layers, joints, width = told("layers"), told("joints"), told("width", "64")
        try:
            network = _filled(state, layers, joints, width=width)
            return cls(
                network,
                input_size=_size(path, metadata, "input_size"),
                official=metadata.get("official") == "1",
                name=metadata.get("name"),
                map_size=_size(path, metadata, "map_size"),
                flip=metadata.get("flip", "0") == "1",  # files before this option do not say
            )
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:300]
            raise ValueError(f"Teacher.load: {path} is incomplete or damaged ({reason}); {expected}") from error


def _number(path: Path, metadata: Mapping[str, str], name: str, default: str | None = None) -> int:
    """A whole number from 1 that the metadata of a teacher state."""
    value = metadata.get(name, default)
    if value is None or not re.fullmatch(r"[1-9]\d{0,5}", value):
        raise ValueError(f"Teacher.load: {path} states {name} = {value!r} in its metadata, expected a number from 1")
    return int(value)


def _size(path: Path, metadata: Mapping[str, str], name: str) -> tuple[int, int]:
    """A (height, width) that the metadata of a teacher state."""
    found = re.fullmatch(r"([1-9]\d{0,5})x([1-9]\d{0,5})", metadata.get(name, ""))
    if found is None:
        raise ValueError(f"its metadata state {name} = {metadata.get(name)!r}, expected HEIGHTxWIDTH such as 128x64")
    return int(found[1]), int(found[2])


def sizes_in(name: str) -> list[tuple[int, int]]:
    """The different (h, w) in a name such as ``pose_resnet_50_384x288.pth.tar``.

    >>> sizes_in("pose_resnet_152_384x288.pth.tar"), sizes_in("checkpoint.pth.tar")
    ([(384, 288)], [])
    """
    found = re.findall(r"(?<!\d)(\d{2,4})x(\d{2,4})(?!\d)", name)
    return list(dict.fromkeys((int(height), int(width)) for height, width in found))


def _only_size(path: Path, model: str) -> tuple[int, int]:
    """The one size of the input that a file's name and its model's name state, usable and higher than wide."""
    say = "Say it, height first: input_size=(256, 192), or --teacher-input 256 192"
    sizes = sizes_in(f"{path.name} {model}")
    if not sizes:
        raise ValueError(
            f"Teacher.from_official: the name of {path} does not say the size of its input, as "
            f"pose_resnet_50_256x192.pth.tar does, nor does the name of its model. {say}"
        )
    stated = " and ".join(f"{height} x {width}" for height, width in sizes)
    height, width = sizes[0]
    if len(sizes) > 1:
        doubt = "and only one can be the size of its input"
    elif height % 32 or width % 32:
        doubt = "expected a height and a width divisible by 32 as the size of its input"
    elif height < width:
        doubt = "which is wider than high: expected the height first, as people stand"
    else:
        return height, width
    raise ValueError(f"Teacher.from_official: the names of {path} and of its model state {stated}, {doubt}. {say}")


def _filled(state: Mapping[str, Tensor], *shape: int, width: int = 64) -> SimpleBaseline:
    """A network made of these tensors and no others. On the meta device no random weights are drawn first."""
    with torch.device("meta"):
        network = SimpleBaseline(*shape, width=width)
    network.load_state_dict(state, strict=True, assign=True)
    return network


def _sample(maps: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Bilinear values of (N, C, h, w) at each (row, column), in pixels; zero outside."""
    h, w = maps.shape[-2:]
    y = (2 * rows + 1) / h - 1  # grid_sample's coordinates run from edge to edge
    x = (2 * columns + 1) / w - 1
    grid = torch.stack(torch.broadcast_tensors(x[None, :], y[:, None]), dim=-1)
    grid = grid.to(maps.dtype).expand(len(maps), -1, -1, -1)
    return functional.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
