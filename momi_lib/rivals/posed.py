"""A pose-guided rival behind the same door as MOMI-Net: RGB in, poses found by a frozen pose network, RGB out.

Where the poses come from is a :class:`PoseSource` with a name and a hash: the teacher, a student, labelled joints, or
the nearest of eight canonical poses. Labelled joints cannot be found in pictures, so with them only the pairs of
labelled people can be drawn.
"""

from __future__ import annotations

import copy
import hashlib
from abc import ABC, abstractmethod
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from momi_lib.arguments import (
    check_has,
    check_network,
    check_pictures,
    check_sized,
    device_from,
    flag,
    index_of,
    number,
    told,
    word,
)
from momi_lib.data import People, size_of, to_float
from momi_lib.pose import decode, load_teacher, teacher_maps
from momi_lib.pose.cache import teacher_key
from momi_lib.pose.heatmaps import Decoder
from momi_lib.rivals.base import Landmarks, PoseGuided, RivalConfig
from momi_lib.skeleton import JOINTS
from momi_lib.translate import MomiNet, load_network
from momi_lib.translate.swaps import RGB, SOURCE_POSE, device_of

__all__ = ["CanonicalPoses", "FoundPoses", "LabelledPoses", "PoseSource", "Posed", "SourceName", "pose_source"]

PEOPLE = "People, as momi_lib.data.load gives them"
SourceName = Literal["teacher", "student", "joints", "canonical"]


class PoseSource(nn.Module, ABC):
    """Where the poses of a rival come from.

    Attributes:
        name: ``"teacher"``, ``"student"``, ``"joints"`` or ``"canonical"``.
        sha256: of all that decides the poses but the people: of the weights and settings of a pose network.
    """

    name: SourceName
    sha256: str

    @abstractmethod
    def find(self, pictures: Tensor) -> Landmarks:
        """The poses in pictures (N, 3, H, W) in [-1, 1], in their pixels.

        Raises:
            ValueError: where poses cannot be found in pictures.
        """

    @abstractmethod
    def of_people(self, people: People) -> Landmarks:
        """The poses of all N pictures of ``people``, on the CPU.

        Raises:
            ValueError: where ``people`` lack labels, and the poses are labels.
        """

    def key(self, people: People) -> str:
        """SHA-256 of all that decides the poses of ``people``. Raises as :meth:`of_people`."""
        return self.sha256


class FoundPoses(PoseSource):
    """Poses that a frozen pose network finds in pictures, with the decoder and threshold that MOMI-Net takes, too.

    Args:
        name: ``"teacher"`` or ``"student"``.
        network: pictures (N, 3, H, W) in [-1, 1] → heatmaps (N, 17, h, w). A copy of it is kept, as it is now.
        decoder, threshold, upsample: see :func:`~momi_lib.pose.pose_maps`; the committed networks' are the defaults.

    >>> poses = FoundPoses("student", load_network("small").student)
    >>> found = poses.find(torch.zeros(2, 3, 128, 64))
    >>> found.places.shape, found.valid.shape, len(poses.sha256)
    (torch.Size([2, 17, 2]), torch.Size([2, 17]), 64)
    """

    def __init__(
        self,
        name: SourceName,
        network: nn.Module,
        *,
        decoder: Decoder = "newton",
        threshold: float = 0.2,
        upsample: bool = False,
    ) -> None:
        super().__init__()
        word("name", name, get_args(SourceName))
        word("decoder", decoder, get_args(Decoder))
        check_network("network", network, "a pose network", resting=False)  # its copy is put into evaluation mode
        threshold, upsample = number("threshold", threshold), flag("upsample", upsample)
        self.name = name
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decoder: Decoder = decoder
        self.threshold, self.upsample = threshold, upsample
        self.sha256 = teacher_key(self.network, f"{decoder} {threshold} {upsample}")

    def train(self, mode: bool = True) -> FoundPoses:
        """Nothing changes: a frozen network stays in evaluation mode."""
        return self

    @torch.no_grad()
    def find(self, pictures: Tensor) -> Landmarks:
        """The poses in pictures (N, 3, H, W) in [-1, 1], in their pixels; computed in float32."""
        check_pictures("pictures", pictures)
        device = device_of(self.network)
        with torch.autocast(device.type, enabled=False):
            found = self.decoded(self.network(pictures.to(device).float()), size_of(pictures))
        return Landmarks(*(part.to(pictures.device) for part in found))

    @torch.no_grad()
    def of_people(self, people: People) -> Landmarks:
        """The poses of all N pictures of ``people``, on the CPU; the heatmaps are kept in the cache."""
        check_has("people", people, PEOPLE, "pictures", "fingerprint")
        maps = teacher_maps(self.network, people)
        found = [self.decoded(some, size_of(people.pictures)) for some in maps.split(256)]
        return Landmarks(*(torch.cat(parts) for parts in zip(*found, strict=True)))

    def decoded(self, heatmaps: Tensor, size: tuple[int, int]) -> Landmarks:
        """Heatmaps (N, 17, h, w) of this network → poses in pixels of pictures of ``size``."""
        places, confidence = decode(heatmaps, method=self.decoder, size=size, upsample=self.upsample)
        return Landmarks(places, confidence >= self.threshold)


class LabelledPoses(PoseSource):
    """The joints that a data set's labels say: all that are in the picture, hidden ones too.

    >>> LabelledPoses().find(torch.zeros(1, 3, 128, 64))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: poses 'joints' are labels of a data set, which pictures alone do not have; ...
    """

    name = "joints"
    sha256 = hashlib.sha256(b"labelled joints, visibility from 1").hexdigest()

    def find(self, pictures: Tensor) -> Landmarks:
        """Refused: labels cannot be found in pictures (ValueError)."""
        raise ValueError(
            "poses 'joints' are labels of a data set, which pictures alone do not have; draw pairs of labelled people, "
            "as truth and evaluate do, or take poses 'teacher' or 'student'"
        )

    def of_people(self, people: People) -> Landmarks:
        """The labelled poses of ``people``, on the CPU; ``valid`` where a joint is in the picture.

        Raises:
            ValueError: for people without labelled joints.
        """
        if people.joints is None or people.visibility is None:
            raise ValueError(
                f"{people.folder}: expected labelled people for poses 'joints', got pictures without joints; take "
                "poses 'teacher' or 'student'"
            )
        valid = people.visibility.cpu() > 0
        return Landmarks(people.joints.cpu().float().masked_fill(~valid[..., None], 0), valid)

    def key(self, people: People) -> str:
        """SHA-256 of the labels of ``people``. Raises as :meth:`of_people`."""
        digest = hashlib.sha256(self.sha256.encode())
        for part in self.of_people(people):
            digest.update(part.contiguous().numpy().tobytes())
        return digest.hexdigest()


class CanonicalPoses(PoseSource):
    """The poses that another source finds, each replaced by the nearest of a few canonical ones.

    That is how PN-GAN is used for re-identification: everybody is drawn in the same eight poses. As the pose source of
    a swap it shows what is lost by that. For rivals that are given the target's pose alone.

    Args:
        found: the other source.
        canonical: K poses, of :func:`~momi_lib.rivals.pn_gan.canonical_poses`.

    Source: PN-GAN (Qian et al. 2018); see :func:`~momi_lib.rivals.pn_gan.canonical_poses` for what is different.

    >>> canonical = Landmarks(64 * torch.rand(8, 17, 2), torch.ones(8, 17, dtype=torch.bool))
    >>> poses = CanonicalPoses(pose_source("teacher"), canonical)
    >>> found = poses.find(torch.zeros(2, 3, 128, 64))
    >>> all(bool((canonical.places == each).all((1, 2)).any()) for each in found.places)
    True
    """

    name = "canonical"
    places: Tensor
    valid: Tensor

    def __init__(self, found: PoseSource, canonical: Landmarks) -> None:
        super().__init__()
        self.found = found
        for part, tensor in zip(("places", "valid"), canonical, strict=True):
            self.register_buffer(part, tensor.detach().clone())
        digest = hashlib.sha256(found.sha256.encode())
        for tensor in canonical:
            digest.update(tensor.cpu().contiguous().numpy().tobytes())
        self.sha256 = digest.hexdigest()

    def find(self, pictures: Tensor) -> Landmarks:
        """The canonical poses nearest to those in pictures (N, 3, H, W) in [-1, 1]."""
        return self._nearest(self.found.find(pictures))

    def of_people(self, people: People) -> Landmarks:
        """The canonical poses nearest to those of all N pictures of ``people``, on the CPU."""
        return self._nearest(self.found.of_people(people))

    def key(self, people: People) -> str:
        """SHA-256 of all that decides the poses of ``people``. Raises as :meth:`of_people`."""
        return hashlib.sha256(f"{self.sha256} {self.found.key(people)}".encode()).hexdigest()

    def _nearest(self, poses: Landmarks) -> Landmarks:
        from momi_lib.rivals.pn_gan import nearest_canonical

        canonical = Landmarks(self.places.to(poses.places.device), self.valid.to(poses.places.device))
        rows = nearest_canonical(poses, canonical)
        return Landmarks(*(part[rows] for part in canonical))


def pose_source(
    name: SourceName, *, network: nn.Module | None = None, device: torch.device | str = "cpu"
) -> PoseSource:
    """The pose source of a name.

    Args:
        name: ``"teacher"``, ``"student"``, ``"joints"``, or ``"canonical"``: the nearest of the eight canonical poses
            of the training people of ``$MOMI_DATA`` or the embedded set.
        network: another teacher (also for ``"canonical"``), or the network whose student is meant; ``None`` is the
            committed teacher, and the student of the committed network ``small``. Labels need none.
        device: where the pose network computes.

    Raises:
        FileNotFoundError: where the committed weights are missing, with what to do.
        ValueError: for another name, or a network that labels do not need.

    >>> pose_source("joints").name
    'joints'
    >>> pose_source("detector")
    Traceback (most recent call last):
    ...
    ValueError: poses: expected one of teacher, student, joints, canonical, got 'detector'
    """
    word("poses", name, get_args(SourceName))
    device = device_from("device", device)
    if network is not None:
        check_network("network", network, "a pose network, or the network whose student is meant", resting=False)
    if name == "joints":
        if network is not None:
            raise ValueError("network: expected None with poses 'joints', which are labels, got a network")
        return LabelledPoses()
    if name == "canonical":
        from momi_lib.data import load
        from momi_lib.rivals.pn_gan import canonical_poses

        teacher = pose_source("teacher", network=network, device=device)
        return CanonicalPoses(teacher, canonical_poses(*teacher.of_people(load(None, "train")))).to(device)
    if name == "teacher":
        return FoundPoses(name, network or load_teacher(None)).to(device)
    known = load_network("small") if network is None else network
    if not isinstance(known, MomiNet):  # a student alone
        return FoundPoses(name, known).to(device)
    c = known.config
    upsample = c.decode_at == "full"
    return FoundPoses(name, known.student, decoder=c.decoder, threshold=c.threshold, upsample=upsample).to(device)


class Posed(nn.Module):
    """A pose-guided rival with a pose source: it satisfies :class:`~momi_lib.translate.swaps.Swaps`, RGB in, RGB out.

    The pose network is frozen and stays so in training mode; gradients reach the rival through :meth:`draw`.

    Args:
        rival: draws from a picture and landmarks.
        poses: where landmarks come from.

    Raises:
        TypeError: for a rival that is not pose-guided, or without a pose source.
        ValueError: for canonical poses and a rival that is given the source's pose.

    >>> Posed(torch.nn.Linear(1, 1), pose_source("joints"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    TypeError: rival: expected a PoseGuided network, got Linear; ...
    """

    def __init__(self, rival: PoseGuided, poses: PoseSource) -> None:
        super().__init__()
        if not isinstance(rival, PoseGuided):
            raise TypeError(
                f"rival: expected a PoseGuided network, got {type(rival).__name__}; what swaps pictures by itself "
                "needs no pose source"
            )
        if not isinstance(poses, PoseSource):
            raise TypeError(
                f"poses: {rival.method} draws from poses, expected a pose source, got {type(poses).__name__}; "
                "pose_source('teacher'), 'student' or 'joints' makes one"
            )
        if SOURCE_POSE in rival.needs and poses.name == "canonical":
            raise ValueError(
                f"poses: {rival.method} is given the source's own pose, too, which canonical poses would replace; take "
                "'teacher' or 'student', or a rival that is given the target's pose alone"
            )
        self.rival, self.poses = rival, poses

    @property
    def config(self) -> RivalConfig:
        """The rival's options."""
        return self.rival.config

    @property
    def needs(self) -> frozenset[str]:
        """Whose poses the rival is given."""
        return self.rival.needs

    @property
    def given(self) -> str:
        """What a table says that it is given: ``"RGB + target pose (teacher)"``, or ``"both poses"``."""
        whose = "both poses" if SOURCE_POSE in self.needs else "target pose"
        return f"{RGB} + {whose} ({self.poses.name})"

    def key(self, people: People) -> str:
        """SHA-256 of what decides the poses of ``people``. Raises as :meth:`PoseSource.of_people`."""
        return self.poses.key(people)

    def find(self, pictures: Tensor) -> Landmarks:
        """The poses in pictures (N, 3, H, W) in [-1, 1]. Raises as :meth:`PoseSource.find`."""
        return self.poses.find(pictures)

    def draw(self, source: Tensor, source_pose: Landmarks | None, target_pose: Landmarks) -> Tensor:
        """The people of ``source`` (N, 3, H, W) in [-1, 1] in given poses: (N, 3, H, W) in [-1, 1].

        Args:
            source: who.
            source_pose: where their joints are; ``None`` only for a rival that does not need it.
            target_pose: where they shall be.

        Raises:
            ValueError: for another size or range of pictures, other numbers of poses, or a missing source pose.
        """
        source = self._checked("source", source)
        wanted = {"target_pose": target_pose} | ({} if source_pose is None else {"source_pose": source_pose})
        if source_pose is None and SOURCE_POSE in self.needs:
            raise ValueError(
                f"source_pose: {self.rival.method} needs the pose of the source, got None; find(source) finds it"
            )
        for name, pose in wanted.items():
            if not isinstance(pose, Landmarks):
                raise TypeError(f"{name}: expected Landmarks, as find(pictures) returns them, got {told(pose)}")
            shapes = tuple(pose.places.shape), tuple(pose.valid.shape)
            expected = (len(source), len(JOINTS), 2), (len(source), len(JOINTS))
            if shapes != expected:
                raise ValueError(
                    f"{name}: expected places {expected[0]} and valid {expected[1]}, got {shapes[0]} and {shapes[1]}"
                )
        return self.rival.draw(source, source_pose, target_pose)

    def swap(self, source: Tensor, target: Tensor) -> Tensor:
        """The people of ``source`` in the poses found in ``target``: twice (N, 3, H, W) in [-1, 1] → once.

        Raises:
            ValueError: for pictures of another size or range, different numbers of them, or labelled joints as the pose
                source.
        """
        source, target = self._checked("source", source), self._checked("target", target)
        if len(source) != len(target):
            raise ValueError(f"source and target: expected as many of each, got {len(source)} and {len(target)}")
        if SOURCE_POSE not in self.needs:
            return self.draw(source, None, self.find(target))
        found = self.find(torch.cat([source, target]))  # in one pass: small batches cost more a picture
        first, second = zip(*(part.chunk(2) for part in found), strict=True)
        return self.draw(source, Landmarks(*first), Landmarks(*second))

    def swap_people(self, people: People, source: Tensor, target: Tensor) -> Tensor:
        """The people of pictures ``source`` (M,) in the poses of pictures ``target`` (M,): (M, 3, H, W) in [-1, 1].

        With labelled joints as the pose source these are the labels of both; otherwise it is :meth:`swap`.

        Raises:
            ValueError: where the pose source is labels, and ``people`` have none.
        """
        check_has("people", people, PEOPLE, "pictures", "joints", "visibility", "__len__")
        source, target = (index_of(name, each, len(people)) for name, each in (("source", source), ("target", target)))
        device = device_of(self)
        pictures = to_float(people.pictures[source].to(device))
        if not isinstance(self.poses, LabelledPoses):
            return self.swap(pictures, to_float(people.pictures[target].to(device)))
        known = self.poses.of_people(people)
        first, second = (Landmarks(*(part[rows].to(device) for part in known)) for rows in (source, target))
        return self.draw(pictures, first if SOURCE_POSE in self.needs else None, second)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """The same as :meth:`swap`."""
        return self.swap(source, target)

    def _checked(self, name: str, pictures: Tensor) -> Tensor:
        check_sized(name, pictures, self.config.size)
        weight = next(self.rival.parameters(), pictures)
        return pictures.to(weight.dtype)


def _size(pictures: Tensor) -> tuple[int, int]:
    height, width = pictures.shape[-2:]
    return height, width
