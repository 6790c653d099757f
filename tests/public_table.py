"""The table of `tests/test_public_functions.py`: each public function, how it is called, what each of its arguments is,
and when an answer is right.

A new function needs an entry with its name as its package exports it. Arguments are made when they are first needed.
"""

from __future__ import annotations

import copy
import random
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn

import momi_lib
from momi_lib import data, evaluate, features, losses, metrics, patches, pose, study, train, translate
from momi_lib.data import People, Truth
from momi_lib.data.pictures import picture_grid, save_picture
from momi_lib.evaluate.answers import named_methods, swap_pairs
from momi_lib.evaluate.body_maps import another_of
from momi_lib.evaluate.figure import choose
from momi_lib.evaluate.pairs import choose_pairs, identity_halves, load_pairs, save_pairs
from momi_lib.evaluate.pairs import test_pairs as pairs_of
from momi_lib.features import FeatureNetwork, MannequinFeatures, RandomFeatures
from momi_lib.files import weights_folder
from momi_lib.losses import LossWeights
from momi_lib.metrics.affinity import AffinityNetwork, affinity_weights, learned, starting_weights
from momi_lib.metrics.aps import aps, real_affinities, real_pairs
from momi_lib.metrics.copying import copied_share, edge_correlation, joint_colour_distance
from momi_lib.metrics.features import Features, NetworkCard, distinct, rows, same_conditions
from momi_lib.metrics.fid import fid
from momi_lib.metrics.identities import IdentityClassifier
from momi_lib.metrics.inception_score import inception_score, split_scores
from momi_lib.metrics.judges import JudgeNetwork, OfflineJudge, evaluation_network
from momi_lib.metrics.kid import kid
from momi_lib.metrics.masks import PersonMasks, mask_pictures, person_masks, polygon_masks
from momi_lib.metrics.pose import Joints, find_joints, labelled_joints, pose_agreement, score_landmarks
from momi_lib.pose import SimpleBaseline, Student, Teacher
from momi_lib.pose.augment import augment, move, move_with_maps
from momi_lib.pose.body_maps import BodyMap, BodyMaps, body_map_loss, body_map_scores, body_parts
from momi_lib.pose.limbs import limb_masks
from momi_lib.rivals.base import Landmarks, PoseGuided, RivalConfig
from momi_lib.rivals.methods import Method, method
from momi_lib.rivals.posed import FoundPoses, Posed, PoseSource, pose_source
from momi_lib.rivals.weights import load_answer, load_rival, save_rival
from momi_lib.translate import CarryNet, MomiNet, NetworkConfig, PairDiscriminator
from momi_lib.translate.background import filled, widened
from momi_lib.translate.carry import correspond, premultiplied, sample
from momi_lib.translate.swaps import checked_method, swap_people, swap_pictures
from tests.public_doors import (
    FREE,
    NAN,
    REFUSED,
    RIGHT,
    SAME,
    Argument,
    Door,
    Wrong,
    constant,
    device,
    file,
    flag,
    flat,
    network,
    real,
    size,
    tensor,
    tensors,
    thing,
    whole,
    words,
)

SIZE = (32, 16)
DOORS: dict[str, Callable[[], Door]] = {}


def door(name: str) -> Callable[[Callable[[], Door]], Callable[[], Door]]:
    """Enter a function of the table; its arguments are made when they are first needed."""

    def enter(make: Callable[[], Door]) -> Callable[[], Door]:
        assert name not in DOORS, f"{name} comes twice"
        DOORS[name] = cache(make)
        return make

    return enter


# What the calls are made with.


def noise(*shape: int, seed: int = 0) -> Tensor:
    """Numbers in [-1, 1]."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def share(*shape: int, seed: int = 0) -> Tensor:
    """Numbers in [0, 1]."""
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def byte(*shape: int, seed: int = 0) -> Tensor:
    """Pictures in 0…255."""
    return torch.randint(256, shape, generator=torch.Generator().manual_seed(seed), dtype=torch.uint8)


def yes(*shape: int) -> Tensor:
    """All true."""
    return torch.ones(*shape, dtype=torch.bool)


def landmarks(count: int, joints: int = 17, seed: int = 0, high: tuple[int, int] = (16, 32)) -> Tensor:
    """(N, K, 2) inside a picture of `high` (columns, rows)."""
    return share(count, joints, 2, seed=seed) * (torch.tensor(high) - 1)


@cache
def people() -> People:
    """Six labelled pictures of three people."""
    persons, cameras = torch.tensor([3, 3, 5, 5, 9, 9]), torch.tensor([1, 2, 1, 2, 1, 1])
    joints, seen = landmarks(6), torch.full((6, 17), 2, dtype=torch.uint8)
    files = tuple(f"{number}.jpg" for number in range(6))
    return People(Path("folder"), "test", files, byte(6, 3, *SIZE), persons, cameras, joints, seen, yes(6, *SIZE), "0")


@cache
def truth() -> Truth:
    """Two true swaps among them."""
    source, target = torch.tensor([0, 3]), torch.tensor([4, 1])
    seen = torch.full((2, 17), 2, dtype=torch.uint8)
    return Truth(people(), source, target, byte(2, 3, *SIZE, seed=2), yes(2, *SIZE), landmarks(2, seed=3), seen)


@cache
def config(carry: bool = False) -> NetworkConfig:
    """Of a network for small pictures."""
    return replace(train.preset("tiny-carry" if carry else "tiny").network, size=SIZE, norm="batch")


@cache
def momi(carry: bool = False) -> MomiNet:
    """A small network that draws; seeded."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        made = translate.network_of(config(carry)).eval().requires_grad_(False)
    made.student.heatmaps.bias.fill_(0.5)
    return made


@cache
def teacher() -> Teacher:
    """A narrow, untrained teacher."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Teacher(SimpleBaseline(18, width=8), input_size=(32, 32), map_size=(8, 4)).requires_grad_(False)


@cache
def eyes() -> FeatureNetwork:
    """A feature network."""
    return RandomFeatures()


def seeded(make: Callable[[], nn.Module]) -> nn.Module:
    """A part in evaluation mode with the same weights every time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return make().eval().requires_grad_(False)


@cache
def folder() -> Path:
    """An empty folder."""
    return Path(tempfile.mkdtemp())


def shaped(*shape: int | None) -> Callable[..., bool]:
    """Whether an answer has this shape; None is any."""

    def right(answer: Any, **_: Any) -> bool:
        return isinstance(answer, Tensor) and len(answer.shape) == len(shape) and all(
            wanted is None or wanted == found for wanted, found in zip(shape, answer.shape, strict=True)
        )

    return right


def made(kind: type) -> Callable[..., bool]:
    """Whether an answer is of a class."""
    return lambda answer, **_: isinstance(answer, kind)


def number_in(least: float, most: float) -> Callable[..., bool]:
    """Whether an answer is a number between two others."""

    def inside(each: Tensor) -> bool:
        return bool((((each >= least) & (each <= most)) | each.isnan()).all())

    return lambda answer, **_: all(map(inside, flat(answer)))


LOSS = lambda answer, **_: isinstance(answer, Tensor) and answer.shape == ()  # noqa: E731


def floats(value: Tensor, axes: str, **options: Any) -> Argument:
    """A tensor of a training step: its values are not looked at, so that a NaN must reach the answer."""
    return tensor(value, axes, **{"nan": NAN, "bytes_range": FREE, "unit": RIGHT} | options)


def batch_of(argument: Argument) -> int:
    """Rows of a tensor argument."""
    return len(argument.value)


# momi_lib


@door("load")
def _() -> Door:
    return Door(momi_lib.load, {"name": file("small"), "device": device()}, made(MomiNet))


# momi_lib.data


@door("data.People.to")
def _() -> Door:
    return Door(people().to, {"device": device()}, made(People))


INDICES = (
    Wrong("too large", constant([6])),
    Wrong("too small", constant([-7])),
    Wrong("fractions", constant([0.5])),
    Wrong("NaN", constant([float("nan")])),
    Wrong("bools of another number", constant([True, False])),
    Wrong("two axes", constant([[0, 1]])),
    Wrong("words", constant(["a.jpg"])),
    Wrong("a slice of words", constant(slice("a", "b"))),
    Wrong("an array", lambda v, _: v.numpy(), SAME),
    Wrong("a list", lambda v, _: v.tolist(), SAME),
)


@door("data.People.select")
def _() -> Door:
    indices = thing(torch.tensor([1, 0]), *INDICES)
    return Door(people().select, {"indices": indices}, lambda answer, **_: len(answer.pictures) == len(answer.files))


@door("data.Truth.select")
def _() -> Door:
    index = thing(torch.tensor([1, 0]), *(each for each in INDICES if not each.name.startswith("bools")))
    return Door(truth().select, {"index": index}, lambda answer, **_: len(answer.pictures) == len(answer.source))


def seen(count: int) -> Argument:
    """How visible joints are, as any numbers; NaN is not above 0."""
    argument = tensor(torch.full((count, 17), 2, dtype=torch.uint8), "nf", kind="whole", bools=FREE)
    wrongs = (replace(each, then=FREE) if each.name in ("float", "a NaN") else each for each in argument.wrongs)
    return replace(argument, wrongs=tuple(wrongs))


def persons_argument(called: tuple[str, ...] = ()) -> Argument:
    return tensor(people().persons, "N", kind="whole", called=called)


@door("data.TripletSampler")
def _() -> Door:
    return Door(
        data.TripletSampler,
        {
            "persons": persons_argument(("cameras",)),
            "seed": whole(3, least=-(2**63)),
            "device": device(),
            "cameras": tensor(people().cameras, "n", kind="whole"),
            "same_camera": real(0.5, most=1),
        },
        lambda answer, **_: len(answer.draw(3).source) == 3,
    )


@door("data.TripletSampler.draw")
def _() -> Door:
    sampler = data.TripletSampler(people().persons)
    return Door(
        lambda n: (sampler._generator.manual_seed(0), sampler.draw(n))[1],
        {"n": whole(3)},
        lambda answer, n: all(each.shape == (n,) for each in answer),
    )


@door("data.TripletSampler.load_state_dict")
def _() -> Door:
    sampler = data.TripletSampler(people().persons)
    good = sampler.state_dict()
    return Door(
        sampler.load_state_dict,
        {
            "state": thing(
                good,
                Wrong("nothing in it", constant({})),
                Wrong("of other pictures", lambda v, _: v | {"persons": "0"}),
                Wrong("of another device", lambda v, _: v | {"device": "cuda"}),
                Wrong("without a generator", lambda v, _: {k: v[k] for k in ("device", "persons")}),
                Wrong("with another generator", lambda v, _: v | {"generator": torch.zeros(3)}),
            )
        },
    )


@door("data.data_folder")
def _() -> Door:
    return Door(data.data_folder, {"folder": file(data.data_folder(None), none=RIGHT)}, made(Path))


@door("data.load")
def _() -> Door:
    return Door(
        data.load,
        {
            "folder": file(None, none=RIGHT),
            "split": words("query"),
            "size": size((16, 8)),
            "junk": flag(False),
            "device": device(),
            "memory_map": flag(False),
            "cache": flag(True),
            "workers": whole(1, none=SAME),
        },
        lambda answer, **_: answer.pictures.shape[1:] == (3, 16, 8),
    )


@door("data.load_truth")
def _() -> Door:
    return Door(
        data.load_truth,
        {"folder": file(None, none=RIGHT), "size": size((16, 8))},
        lambda answer, **_: answer.pictures.shape[1:] == (3, 16, 8),
    )


@door("data.mirror_joints")
def _() -> Door:
    return Door(
        data.mirror_joints,
        {
            "joints": floats(landmarks(2), "nff", ints=RIGHT, half=FREE),
            "visibility": seen(2),
            "width": whole(16),
        },
        lambda answer, joints, **_: answer[0].shape == tuple(joints.shape),
    )


def replace_nan(argument: Argument) -> Argument:
    """The same argument of a function that looks at no value."""
    wrongs = tuple(replace(each, then=FREE) if each.then == NAN else each for each in argument.wrongs)
    return replace(argument, wrongs=wrongs)


def any_picture(value: Tensor, axes: str) -> Argument:
    """A tensor of any type, with any axes in front."""
    return floats(value, axes, fewer=FREE, more=FREE, ints=FREE, bools=FREE)


@door("data.mirror_maps")
def _() -> Door:
    right = lambda answer, maps: answer.shape == maps.shape  # noqa: E731
    return Door(data.mirror_maps, {"maps": any_picture(share(2, 17, 8, 4), "-fhh")}, right)


@door("data.mirror_pictures")
def _() -> Door:

    def right(answer: Tensor, pictures: Tensor) -> bool:
        return torch.equal(answer.flip(-1).nan_to_num(), pictures.nan_to_num())

    return Door(data.mirror_pictures, {"pictures": any_picture(noise(2, 3, 8, 4), "--hh")}, right)


@door("data.size_of")
def _() -> Door:
    right = lambda answer, pictures: answer == tuple(pictures.shape[-2:])  # noqa: E731
    # It looks at no value.
    return Door(data.size_of, {"pictures": replace_nan(any_picture(noise(2, 3, 8, 4), "--hh"))}, right)


@door("data.to_float")
def _() -> Door:
    pictures = tensor(byte(2, 3, 8, 4), "--hh", kind="uint8", fewer=RIGHT, more=RIGHT)
    return Door(data.to_float, {"pictures": pictures}, lambda answer, **_: float(answer.abs().max()) <= 1)


@door("data.to_uint8")
def _() -> Door:
    pictures = tensor(noise(2, 3, 8, 4), "--hh", fewer=RIGHT, more=RIGHT)
    return Door(data.to_uint8, {"pictures": pictures}, lambda answer, **_: answer.dtype == torch.uint8)


# momi_lib.pose

POSE_MAPS = ("maps", "pose_maps")


def pictures(*shape: int, axes: str = "Nfhh", seed: int = 0, **options: Any) -> Argument:
    """Pictures whose values are looked at."""
    return tensor(noise(*shape, seed=seed), axes, **options)


def step_pictures(*shape: int, axes: str = "Nfhh", seed: int = 0, **options: Any) -> Argument:
    """Pictures of a training step."""
    return floats(noise(*shape, seed=seed), axes, **options)


@door("pose.decode")
def _() -> Door:
    return Door(
        pose.decode,
        {
            "heatmaps": tensor(share(2, 3, 8, 4), "Nhhh", bytes_range=RIGHT, ints=RIGHT, bools=RIGHT, empty=RIGHT),
            "method": words("newton"),
            "size": size(SIZE, none=RIGHT),
            "upsample": flag(False),
            "check": flag(True),
        },
        lambda answer, heatmaps, **_: answer[0].shape == (*heatmaps.shape[:2], 2),
    )


@door("pose.default_sigma")
def _() -> Door:
    given = {"height": real(128, zero=False)}
    return Door(pose.default_sigma, given, lambda answer, height: answer == 6 * height / 128)


def detections(change: Callable[[dict[str, Tensor]], Any]) -> Callable[[Any, random.Random], Any]:
    return lambda value, _: [change(dict(value[0])), *value[1:]]


@door("pose.detections_to_heatmaps")
def _() -> Door:
    person = {"scores": torch.ones(1), "keypoints": torch.cat([landmarks(1), torch.ones(1, 17, 1)], dim=2)}
    person["keypoints_scores"] = torch.full((1, 17), 2.0)
    return Door(
        pose.detections_to_heatmaps,
        {
            "detections": thing(
                [person, person],
                Wrong("nothing in it", constant([])),
                Wrong("a None in it", detections(lambda v: None)),
                Wrong("one without scores", detections(lambda v: {k: v[k] for k in ("keypoints", "keypoints_scores")})),
                Wrong("one without keypoints", detections(lambda v: {"scores": v["scores"]})),
                Wrong("other keypoints", detections(lambda v: v | {"keypoints": v["keypoints"][:, :5]})),
                Wrong("other scores", detections(lambda v: v | {"keypoints_scores": v["keypoints_scores"][:, :5]})),
                Wrong("NaN scores", detections(lambda v: v | {"keypoints_scores": v["keypoints_scores"] * torch.nan})),
                Wrong("NaN keypoints", detections(lambda v: v | {"keypoints": v["keypoints"] * torch.nan})),
                Wrong("arrays", detections(lambda v: {k: each.numpy() for k, each in v.items()}), SAME),
                Wrong("a dict", constant(person)),
            ),
            "size": size(SIZE),
            "map_size": size((8, 4)),
            "sigma": real(2.0, zero=False),
            "least": real(0.5, most=1),
        },
        shaped(2, 17, None, None),
    )


def in_pixels(count: int, joints: int = 17, axes: str = "nff", **options: Any) -> Argument:
    """Landmarks, of which NaN means nothing found only where `valid` says so."""
    return floats(landmarks(count, joints), axes, ints=RIGHT, half=FREE, **options)


def valid(count: int, joints: int = 17, axes: str = "nf", **options: Any) -> Argument:
    """Which of them are valid."""
    return tensor(yes(count, joints), axes, kind="bool", **options)


@door("pose.gaussian_maps")
def _() -> Door:
    return Door(
        pose.gaussian_maps,
        {
            "landmarks": in_pixels(2, empty=RIGHT),
            "valid": valid(2),
            "size": size(SIZE),
            "sigma": real(1.5, zero=False),
            "method": words("closed"),
        },
        lambda answer, landmarks, size, **_: answer.shape == (*landmarks.shape[:2], *map(int, size)),
    )


@door("pose.pose_maps")
def _() -> Door:
    return Door(
        pose.pose_maps,
        {
            "heatmaps": tensor(share(2, 3, 8, 4), "Nhhh", bytes_range=RIGHT, ints=RIGHT, bools=RIGHT, empty=RIGHT),
            "size": size(SIZE),
            "sigma": real(1.5, zero=False),
            "threshold": real(0.2, least=None),
            "decoder": words("quarter", called=("method",)),
            "upsample": flag(False),
            "check": flag(True),
        },
        lambda answer, heatmaps, size, **_: answer[0].shape == (*heatmaps.shape[:2], *map(int, size)),
    )


@door("pose.load_teacher")
def _() -> Door:
    return Door(
        pose.load_teacher,
        {"path": file(None, none=SAME), "device": device(), "input_size": size((128, 64), none=SAME)},
        made(Teacher),
    )


@door("pose.SimpleBaseline")
def _() -> Door:
    return Door(
        SimpleBaseline,
        {"layers": whole(18, most=18), "joints": whole(17), "width": whole(8)},
        made(SimpleBaseline),
    )


@door("pose.SimpleBaseline.forward")
def _() -> Door:
    return Door(
        seeded(lambda: SimpleBaseline(18, 2, width=8)),
        {"pictures": step_pictures(2, 3, 32, 32, axes="Nfff")},
        lambda answer, pictures: answer.shape == (len(pictures), 2, 8, 8),
    )


@door("pose.Student")
def _() -> Door:
    return Door(
        Student, {"width": whole(16), "joints": whole(17), "norm": words("group")}, made(Student)
    )


@door("pose.Student.forward")
def _() -> Door:
    return Door(
        seeded(lambda: Student(16, 2)),
        {"pictures": step_pictures(2, 3, *SIZE, axes="Nfff")},
        lambda answer, pictures: answer.shape == (len(pictures), 2, 8, 4),
    )


@door("pose.Teacher")
def _() -> Door:
    return Door(
        Teacher,
        {
            "network": thing(SimpleBaseline(18, width=8), Wrong("another network", constant(nn.Linear(1, 1)))),
            "input_size": size((64, 32)),
            "official": flag(False),
            "name": thing("mine", none=RIGHT, text=RIGHT),
            "map_size": size((8, 4), none=RIGHT),
            "flip": flag(False),
        },
        made(Teacher),
    )


@door("pose.Teacher.forward")
def _() -> Door:
    return Door(teacher(), {"pictures": pictures(2, 3, *SIZE)}, shaped(2, 17, 8, 4))


@door("pose.Teacher.prepare")
def _() -> Door:
    return Door(teacher().prepare, {"pictures": step_pictures(2, 3, *SIZE)}, shaped(2, 3, 32, 32))


@door("pose.Teacher.from_official")
def _() -> Door:
    return Door(
        Teacher.from_official,
        {"path": file("no/such/file"), "input_size": size((256, 192), none=RIGHT, called=("no/such/file",))},
        calls=False,
    )


@door("pose.Teacher.save")
def _() -> Door:
    return Door(teacher().save, {"path": file(folder() / "t.safetensors", absent=RIGHT), "half": flag(True)})


@door("pose.Teacher.load")
def _() -> Door:
    path = folder() / "load.safetensors"
    teacher().save(path)
    return Door(Teacher.load, {"path": file(path)}, made(Teacher))


@door("pose.KeypointRCNNTeacher")
def _() -> Door:
    weights = file(None, none=RIGHT, called=("DEFAULT",))
    weights = replace(weights, wrongs=(*weights.wrongs, Wrong("another name", constant("NEWEST"))))
    return Door(
        pose.KeypointRCNNTeacher,
        {
            "weights": weights,
            "map_size": size((8, 4)),
            "sigma": real(2.0, zero=False),
            "short_side": whole(32),
            "least": real(0.5, most=1),
        },
        calls=False,  # each network takes seconds
    )


@cache
def detector() -> nn.Module:
    return pose.KeypointRCNNTeacher(None, short_side=32, map_size=(8, 4))


@door("pose.KeypointRCNNTeacher.forward")
def _() -> Door:
    return Door(detector(), {"pictures": pictures(1, 3, *SIZE)}, calls=False)  # each call takes a second


@door("pose.KeypointRCNNTeacher.train")
def _() -> Door:
    return Door(detector().train, {"mode": flag(True)}, lambda answer, **_: not answer.training)


@door("pose.TeacherMaps")
def _() -> Door:
    return Door(
        pose.TeacherMaps,
        {"teacher": thing(teacher()), "people": thing(people()), "cache": flag(False), "batch": whole(2)},
        made(pose.TeacherMaps),
    )


@door("pose.teacher_maps")
def _() -> Door:
    return Door(
        pose.teacher_maps,
        {"teacher": thing(teacher()), "people": thing(people()), "cache": flag(False), "batch": whole(2)},
        shaped(6, 17, 8, 4),
    )


@cache
def some_maps() -> pose.TeacherMaps:
    return pose.TeacherMaps(teacher(), people(), cache=False, batch=2)


@door("pose.TeacherMaps.__getitem__")
def _() -> Door:
    wrongs = (*INDICES,)
    return Door(some_maps().__getitem__, {"index": thing(torch.tensor([1, 0]), *wrongs)}, shaped(None, 17, 8, 4))


@door("pose.TeacherMaps.make")
def _() -> Door:
    wrongs = (each for each in INDICES if each.name != "bools of another number")
    return Door(lambda chunk: pose.TeacherMaps(teacher(), people(), cache=False, batch=2).make(chunk),
                {"chunk": thing(torch.tensor([1, 0]), *wrongs)})  # fmt: skip


@door("pose.TeacherMaps.to")
def _() -> Door:
    return Door(pose.TeacherMaps(teacher(), people(), cache=False).to, {"device": device()}, made(pose.TeacherMaps))


# momi_lib.translate

#: What a refusal calls a method: its class, or what it lacks.
CALLED = ("Swaps", "class", "MomiNet", "Posed")
D = 16  # width of the codes of `config()`, on a grid of 4 × 2


def code(count: int = 2, channels: int = D, seed: int = 0, **options: Any) -> Argument:
    return floats(noise(count, channels, 4, 2, seed=seed), options.pop("axes", "nfff"), **options)


@door("translate.AppearanceEncoder")
def _() -> Door:
    return Door(
        translate.AppearanceEncoder,
        {"channels": channels(3), "stem": words("lean"), "norm": words("batch")},
        made(nn.Module),
    )


def channels(count: int | None, called: tuple[str, ...] = ()) -> Argument:
    """Numbers of channels."""
    value = (16,) * (count or 2)
    return thing(
        value,
        Wrong("a zero", lambda v, _: (0, *v[1:])),
        Wrong("a negative one", lambda v, _: (-3, *v[1:])),
        Wrong("a fraction", lambda v, _: (2.5, *v[1:])),
        Wrong("a NaN", lambda v, _: (float("nan"), *v[1:])),
        Wrong("a bool", lambda v, _: (True, *v[1:])),
        Wrong("a word in it", lambda v, _: ("16", *v[1:])),
        Wrong("nothing in it", constant(())),
        *([] if count is None else [Wrong("one more", lambda v, _: (*v, 16))]),
        Wrong("a list", lambda v, _: list(v), RIGHT),
        called=called,
    )


@cache
def appearance_encoder() -> nn.Module:
    return seeded(lambda: translate.AppearanceEncoder((8, 8, 16), stem="lean"))


@door("translate.AppearanceEncoder.forward")
def _() -> Door:
    given = {"pictures": step_pictures(2, 3, *SIZE, axes="Nfff")}
    return Door(appearance_encoder(), given, shaped(None, 16, None, None))


@door("translate.AppearanceEncoder.halved")
def _() -> Door:
    given = {"pictures": step_pictures(2, 3, *SIZE, axes="Nfff")}
    return Door(appearance_encoder().halved, given, shaped(None, 8, None, None))


@door("translate.AppearanceEncoder.encode_halved")
def _() -> Door:
    given = {"features": floats(noise(2, 8, 16, 8), "Nfhh")}
    return Door(appearance_encoder().encode_halved, given, shaped(None, 16, None, None))


@door("translate.PoseEncoder")
def _() -> Door:
    return Door(
        translate.PoseEncoder,
        {
            "joints": whole(17),
            "channels": channels(3),
            "stem": words("lean"),
            "norm": words("batch"),
            "detail": whole(4, least=0),
        },
        made(nn.Module),
    )


@door("translate.PoseEncoder.forward")
def _() -> Door:
    part = seeded(lambda: translate.PoseEncoder(17, (8, 8, 16), stem="lean", detail=4))
    return Door(part, {"pose_maps": floats(share(2, 17, *SIZE), "Nfff")}, shaped(None, 32, None, None))


@door("translate.AppearanceLookup")
def _() -> Door:
    given = {"width": whole(8), "grid": size((4, 2)), "heads": whole(2)}
    return Door(translate.AppearanceLookup, given, made(nn.Module))


@cache
def lookup() -> translate.AppearanceLookup:
    return seeded(lambda: translate.AppearanceLookup(D, (4, 2), heads=2))


@door("translate.AppearanceLookup.forward")
def _() -> Door:
    given = {"appearance": code(), "source_pose": code(seed=1), "target_pose": code(seed=2)}
    return Door(lookup(), given, shaped(2, D, 4, 2))


@door("translate.AppearanceLookup.weights")
def _() -> Door:
    return Door(lookup().weights, {"source_pose": code(seed=1), "target_pose": code(seed=2)}, shaped(2, 2, 8, 8))


@door("translate.AppearanceLookup.negative_log_likelihood")
def _() -> Door:
    return Door(
        lookup().negative_log_likelihood,
        {
            "codes": tensors((noise(2, D, 4, 2), noise(2, D, 4, 2, seed=1)), count=True),
            "points": tensors((landmarks(2, 3, high=(2, 4)), landmarks(2, 3, 1, high=(2, 4))), count=True),
            "valid": valid(2, 3),
        },
        LOSS,
    )


@door("translate.Generator")
def _() -> Door:
    counts = thing(
        (1, 0, 0, 0),
        Wrong("a negative one", constant((-1, 0, 0, 0))),
        Wrong("a fraction", constant((0.5, 0, 0, 0))),
        Wrong("three", constant((1, 0, 0))),
        Wrong("words", constant(("1", "0", "0", "0"))),
    )
    return Door(
        translate.Generator,
        {
            "width": whole(8),
            "channels": channels(4),
            "blocks": counts,
            "upsampling": words("transposed"),
            "kernel": whole(3),
            "output": words("half"),
            "norm": words("group"),
        },
        made(nn.Module),
    )


@cache
def generator() -> translate.Generator:
    return seeded(lambda: translate.Generator(D, channels=(16, 16, 8, 8), blocks=(1, 0, 0, 0), kernel=3))


def codes(*, within: bool = True) -> dict[str, Argument]:
    return {
        "appearance_code": code(),
        "pose_code": code(seed=1),
        **({"within": floats(noise(2, 16, 8, 4), "nfff", none=FREE)} if within else {}),
    }


@door("translate.Generator.forward")
def _() -> Door:
    return Door(generator(), codes(), shaped(2, 3, *SIZE))


@door("translate.Generator.features")
def _() -> Door:
    return Door(generator().features, codes(), shaped(2, 8, *SIZE))


@door("translate.PairDiscriminator")
def _() -> Door:
    return Door(PairDiscriminator, {"channels": channels(None), "norm": words("group")}, made(nn.Module))


@cache
def discriminator() -> PairDiscriminator:
    return seeded(lambda: PairDiscriminator((8, 8)))


def pair() -> dict[str, Argument]:
    return {
        "first": step_pictures(2, 3, *SIZE, axes="nfhh"),
        "second": step_pictures(2, 3, *SIZE, axes="nfhh", seed=1),
    }


@door("translate.PairDiscriminator.forward")
def _() -> Door:
    return Door(discriminator(), pair(), shaped(2, 1, 8, 4))


@door("translate.PairDiscriminator.activations")
def _() -> Door:
    return Door(discriminator().activations, pair(), lambda answer, **_: len(answer[1]) == 2)


@door("translate.PoseAttentionBlock")
def _() -> Door:
    return Door(
        translate.PoseAttentionBlock,
        {
            "width": whole(8),
            "first": flag(True),
            "block": words("normed"),
            "lean": flag(False),
            "norm": words("batch"),
        },
        made(nn.Module),
    )


@door("translate.PoseAttentionBlock.forward")
def _() -> Door:
    block = seeded(lambda: translate.PoseAttentionBlock(D, first=True))
    given = {"appearance": code(), "pose": code(seed=1)}
    return Door(block, given, lambda answer, **_: answer[0].shape == (2, D, 4, 2))


@door("translate.PoseAttention")
def _() -> Door:
    return Door(
        translate.PoseAttention,
        {"width": whole(8), "blocks": whole(2, least=0), "block": words("normed"), "lean": flag(False),
         "norm": words("batch")},
        made(nn.Module),
    )  # fmt: skip


@cache
def attention() -> translate.PoseAttention:
    return seeded(lambda: translate.PoseAttention(D, 2))


@door("translate.PoseAttention.forward")
def _() -> Door:
    return Door(attention(), {"appearance": code(), "pose_code": code(seed=1, called=("pose",))}, shaped(2, D, 4, 2))


@door("translate.PoseAttention.gates")
def _() -> Door:
    given = {"appearance": code(), "pose_code": code(seed=1, called=("pose",))}
    return Door(attention().gates, given, lambda answer, **_: len(answer) == 2)


CONFIGS = (Wrong("a dict", constant({"width": 16})), Wrong("a class of configs", constant(NetworkConfig)))


@door("translate.MomiNet")
def _() -> Door:
    wrongs = *CONFIGS, Wrong("of a network that carries", lambda v, _: config(True))
    return Door(MomiNet, {"config": thing(config(), *wrongs, none=RIGHT)}, made(MomiNet))


@door("translate.CarryNet")
def _() -> Door:
    wrongs = *CONFIGS, Wrong("of a network that does not carry", lambda v, _: config())
    return Door(CarryNet, {"config": thing(config(True), *wrongs)}, made(CarryNet))


@door("translate.network_of")
def _() -> Door:
    return Door(translate.network_of, {"config": thing(config(), *CONFIGS)}, made(MomiNet))


@door("translate.NetworkConfig")
def _() -> Door:
    return Door(
        NetworkConfig,
        {
            "size": size((32, 16)),
            "width": whole(16),
            "encoder": channels(2),
            "stem": words("lean"),
            "attention": words("pose"),
            "attention_blocks": whole(2, least=0),
            "attention_block": words("normed"),
            "lean_attention": flag(True),
            "generator": channels(4),
            "generator_blocks": thing((1, 0, 0, 0), Wrong("a negative one", constant((-1, 0, 0, 0)))),
            "upsampling": words("transposed"),
            "kernel": whole(3),
            "output": words("full"),
            "transfer": words("join"),
            "pose_detail": whole(0, least=0),
            "norm": words("batch"),
            "student": whole(16),
            "sigma": real(6.0, zero=False),
            "threshold": real(0.2, most=1),
            "decoder": words("argmax"),
            "decode_at": words("quarter"),
            "carry": flag(False),
            "body_source": channels(4),
            "body_target": channels(4),
            "painter": whole(16),
        },
        made(NetworkConfig),
    )


def swap_arguments(count: int = 2) -> dict[str, Argument]:
    return {
        "source": pictures(count, 3, *SIZE, axes="nfff"),
        "target": pictures(count, 3, *SIZE, axes="nfff", seed=1),
    }


BACKGROUNDS = (
    Wrong("another word", constant("street")),
    Wrong("a list", constant([0.0, 0.0, 0.0])),
)


def backgrounds(value: Any, carry: bool) -> Argument:
    """What stands behind the person."""
    if not carry:
        return thing(value, *BACKGROUNDS, Wrong("a colour", constant(torch.zeros(3))))
    return thing(
        value,
        *BACKGROUNDS,
        Wrong("a colour", constant(torch.zeros(3)), FREE),
        Wrong("a colour in 0 to 255", constant(torch.full((3,), 200.0))),
        Wrong("bytes", constant(byte(3, *SIZE))),
        Wrong("another size", constant(noise(3, 8, 8))),
        Wrong("a NaN", constant(noise(3, *SIZE) * torch.nan)),
    )


def in_range(answer: Any, **_: Any) -> bool:
    return isinstance(answer, Tensor) and answer.shape == (2, 3, *SIZE) and float(answer.abs().max()) <= 1


def eval_only(call: Callable[..., Any]) -> Callable[..., Any]:
    """The method of a network that comes as the argument `network`."""
    return lambda network, **given: getattr(network, call)(**given)


for _name, _carry in (("MomiNet", False), ("CarryNet", True)):

    def _enter(name: str = _name, carry: bool = _carry) -> None:
        usual = "target" if carry else "drawn"

        def resting() -> Argument:
            # A method of a thing that is no network fails in the test's own line, which says nothing of the library.
            wrong = Wrong("in training mode", lambda v, _: training_copy(v))
            return Argument(momi(carry), (wrong,), ("eval", name))

        @door(f"translate.{name}.swap")
        def _() -> Door:
            given = {"network": resting(), **swap_arguments(), "background": backgrounds(usual, carry)}
            return Door(eval_only("swap"), given, in_range)

        @door(f"translate.{name}.draw")
        def _() -> Door:
            network = momi(carry)
            known, other = network.meet(noise(2, 3, *SIZE)), network.meet(noise(2, 3, *SIZE, seed=3))
            who = (
                Wrong("pictures", constant(noise(2, 3, *SIZE))),
                Wrong("of another kind of network", constant(momi(not carry).meet(noise(2, 3, *SIZE)))),
            )
            return Door(
                network.draw,
                {
                    "appearance": thing(known, *who, called=("draw",)),
                    "maps": tensor(share(2, 17, *SIZE), "Nfff", called=(*POSE_MAPS, "poses")),
                    "background": none_too(backgrounds(None, carry)) if carry else thing(None, none=RIGHT),
                    "other": thing(other, *who, none=REFUSED),
                    "share": real(0.5, most=1),
                },
                in_range,
            )

        @door(f"translate.{name}.meet")
        def _() -> Door:
            network = momi(carry)
            own = network.pose(noise(2, 3, *SIZE))
            wrongs = Wrong("pictures", constant(noise(2, 3, *SIZE))), Wrong("a tuple", constant((1, 2)))
            return Door(
                network.meet,
                {"pictures": pictures(2, 3, *SIZE, axes="nfff"), "pose": thing(own, *wrongs, none=RIGHT)},
            )

        @door(f"translate.{name}.code")
        def _() -> Door:
            network = momi(carry)
            return Door(network.code, {"appearance": thing(network.meet(noise(2, 3, *SIZE)))}, shaped(2, None, 4, 2))

    _enter()


def training_copy(value: nn.Module) -> nn.Module:
    """A copy in training mode."""
    return copy.deepcopy(value).train()


@door("translate.MomiNet.forward")
def _() -> Door:
    return Door(momi(), swap_arguments(), in_range)


@door("translate.MomiNet.checked")
def _() -> Door:
    return Door(momi().checked, swap_arguments(), lambda answer, **_: len(answer) == 2)


@door("translate.MomiNet.pose")
def _() -> Door:
    right = lambda answer, pictures: answer.maps.shape == (len(pictures), 17, *SIZE)  # noqa: E731
    return Door(momi().pose, {"pictures": pictures(2, 3, *SIZE, axes="Nfff")}, right)


@door("translate.MomiNet.reproject")
def _() -> Door:
    return Door(momi().reproject, {"landmarks": in_pixels(2), "valid": valid(2)}, shaped(2, 17, *SIZE))


@door("translate.MomiNet.encode_pose")
def _() -> Door:
    given = {"maps": floats(share(2, 17, *SIZE), "Nfff", called=POSE_MAPS)}
    return Door(momi().encode_pose, given, shaped(None, D, None, None))


@door("translate.MomiNet.coarse")
def _() -> Door:
    return Door(momi().coarse, {"pose_code": code(axes="Nfhh")}, shaped(None, D, None, None))


@door("translate.MomiNet.encode_appearance")
def _() -> Door:
    given = {"pictures": step_pictures(2, 3, *SIZE, axes="nfff", called=("appearance",)),
             "pose_code": code(seed=1, called=("pose",))}  # fmt: skip
    return Door(momi().encode_appearance, given, shaped(2, D, 4, 2))


@door("translate.MomiNet.decode")
def _() -> Door:
    return Door(momi().decode, codes(within=False), shaped(2, 3, *SIZE))


@door("translate.MomiNet.attend")
def _() -> Door:
    given = codes(within=False)
    given["pose_code"] = replace_nan(given["pose_code"])  # without a lookup it is not looked at
    return Door(momi().attend, given, lambda answer, **_: answer[0].shape == (2, D, 4, 2))


def triplet() -> dict[str, Argument]:
    """What a training step draws. Of x⁺ and x⁻ only landmarks are taken, which a NaN leaves unfound."""
    options: dict[str, Any] = {"axes": "nfff", "called": ("pictures",)}
    x, positive, negative = (step_pictures(2, 3, *SIZE, seed=seed, **options) for seed in range(3))
    return {"source": x, "positive": replace_nan(positive), "negative": replace_nan(negative)}


@door("translate.MomiNet.rehearse")
def _() -> Door:
    given = triplet()
    return Door(training_copy(momi()).rehearse, given, shaped(6, 3, *SIZE))


@door("translate.CarryNet.rehearse")
def _() -> Door:
    given = triplet()
    return Door(training_copy(momi(True)).rehearse, given, shaped(6, 3, *SIZE))


@door("translate.CarryNet.explain")
def _() -> Door:
    given = {**swap_arguments(), "background": backgrounds("source", True)}
    return Door(momi(True).explain, given, lambda answer, **_: in_range(answer.swap))


@door("translate.CarryNet.backdrop")
def _() -> Door:
    given, own = noise(2, 3, *SIZE), momi(True).pose(noise(2, 3, *SIZE))
    body = momi(True).body_maps.source(given, own.maps)[0]
    wrongs = Wrong("pictures", constant(given)), Wrong("a tuple", constant((1, 2)))
    return Door(
        momi(True).backdrop,
        {
            "pictures": pictures(2, 3, *SIZE, axes="nfff"),
            "pose": thing(own, *wrongs, none=RIGHT),
            "body": thing(body, *wrongs, none=RIGHT),
        },
        in_range,
    )


@door("translate.CarryNet.appearance")
def _() -> Door:
    given, own = noise(2, 3, *SIZE), momi(True).pose(noise(2, 3, *SIZE))
    body, build = momi(True).body_maps.source(given, own.maps)
    return Door(
        momi(True).appearance,
        {
            "pictures": step_pictures(2, 3, *SIZE, axes="nfff"),
            "maps": floats(share(2, 17, *SIZE), "nfff", called=POSE_MAPS),
            "body": thing(body, Wrong("pictures", constant(given))),
            "build": floats(build, "nf"),
        },
        made(translate.Appearance),
    )


@door("translate.CarryNet.paint")
def _() -> Door:
    known = momi(True).meet(noise(2, 3, *SIZE))
    return Door(
        momi(True).paint,
        {
            "appearance": thing(known, Wrong("pictures", constant(noise(2, 3, *SIZE)))),
            "maps": floats(share(2, 17, *SIZE), "nfff", called=POSE_MAPS),
        },
    )


@door("translate.Appearance.repeated")
def _() -> Door:
    known = momi(True).meet(noise(2, 3, *SIZE))
    return Door(known.repeated, {"times": whole(2)}, lambda answer, times: len(answer.code) == 2 * times)


@door("translate.Appearance.expanded")
def _() -> Door:
    known = momi(True).meet(noise(1, 3, *SIZE))
    return Door(known.expanded, {"count": whole(2)}, lambda answer, count: len(answer.code) == count)


@door("translate.folded")
def _() -> Door:
    return Door(translate.folded, {"network": network(momi())}, made(MomiNet))


@door("translate.load_network")
def _() -> Door:
    return Door(translate.load_network, {"name": file("lookup"), "device": device()}, made(MomiNet))


@door("translate.weights_file")
def _() -> Door:
    return Door(translate.weights_file, {"name": file("lookup")}, made(Path))


@door("translate.save_network")
def _() -> Door:
    card = thing({"seed": 0}, Wrong("a list", constant([1])), none=RIGHT)
    return Door(
        translate.save_network,
        {
            "network": thing(momi(), Wrong("another network", constant(nn.Linear(1, 1)))),
            "path": file(folder() / "n.safetensors", absent=RIGHT),
            "card": replace(card, wrongs=tuple(each for each in card.wrongs if each.name != "a dict")),
        },
        made(Path),
    )


# momi_lib.patches


def seen_pictures(count: int = 2) -> Argument:
    """Pictures of any channels and range."""
    return floats(noise(count, 3, *SIZE), "nhhh", half=FREE, nan=FREE)  # a patch may not see a pixel


@door("patches.landmark_boxes")
def _() -> Door:
    right = lambda answer, landmarks, **_: answer.shape == (len(landmarks) * landmarks.shape[1], 5)  # noqa: E731
    given = {"landmarks": floats(landmarks(2, 3), "Nhf", ints=RIGHT, half=FREE), "radius": real(4.0, zero=False)}
    return Door(patches.landmark_boxes, given, right)


def patch_arguments(joints: int) -> dict[str, Argument]:
    return {
        "pictures": seen_pictures(),
        # A landmark that is not finite lies outside of the picture: it is not valid there.
        "landmarks": floats(landmarks(2, joints), "nff", nan=FREE, ints=REFUSED, half=FREE),
        "valid": valid(2, joints),
        "radius": real(4.0, zero=False),
        "size": whole(4),
    }


@door("patches.skeleton_patches")
def _() -> Door:
    right = lambda answer, size, **_: answer[0].shape == (2, 3, 3, size, size)  # noqa: E731
    return Door(patches.skeleton_patches, patch_arguments(3), right)


@door("patches.limb_patches")
def _() -> Door:
    right = lambda answer, size, **_: answer[0].shape == (2, 14, 3, size, size)  # noqa: E731
    return Door(patches.limb_patches, patch_arguments(17), right)


@door("patches.limb_points")
def _() -> Door:
    right = lambda answer, between, **_: answer[0].shape == (2, 17 + 14 * between, 2)  # noqa: E731
    given = {"landmarks": floats(landmarks(2), "nff", half=FREE), "valid": valid(2), "between": whole(2, least=0)}
    return Door(patches.limb_points, given, right)


# momi_lib.features


@door("features.RandomFeatures")
def _() -> Door:
    return Door(RandomFeatures, {"seed": whole(3, least=-(2**63))}, made(FeatureNetwork))


@door("features.VGG19Features")
def _() -> Door:
    return Door(features.VGG19Features, {"weights": file("imagenet", none=RIGHT)}, calls=False)


@door("features.FeatureNetwork.forward")
def _() -> Door:
    return Door(eyes(), {"pictures": step_pictures(2, 3, *SIZE)}, lambda answer, **_: len(answer) == 2)


@door("features.FeatureNetwork.train")
def _() -> Door:
    return Door(eyes().train, {"mode": flag(True)}, lambda answer, **_: not answer.training)


@door("features.MannequinFeatures.embed")
def _() -> Door:
    part = seeded(MannequinFeatures)
    return Door(part.embed, {"pictures": step_pictures(2, 3, *SIZE)}, shaped(None, 384))


@door("features.MannequinFeatures.load")
def _() -> Door:
    path = weights_folder() / "mannequin-features.safetensors"
    return Door(MannequinFeatures.load, {"path": file(path)}, made(MannequinFeatures))


@door("features.feature_network")
def _() -> Door:
    path = weights_folder() / "mannequin-features.safetensors"
    given = {"name": words("mannequin", called=("perceptual network",)), "path": file(path, none=RIGHT)}
    return Door(features.feature_network, given, made(FeatureNetwork))


# momi_lib.losses


def logits(seed: int = 0, **options: Any) -> Argument:
    return floats(noise(2, 1, 4, 2, seed=seed), "nfff", **{"ints": FREE} | options)


@door("losses.added")
def _() -> Door:
    given = (noise(2, 3), noise(2, 3, seed=1))
    terms = thing(
        given,
        Wrong("nothing in it", constant(())),
        Wrong("a None in it", constant((given[0], None))),
        Wrong("a word in it", constant((given[0], "a"))),
        Wrong("a NaN in it", constant((given[0], given[1] * torch.nan)), NAN),
    )
    return Door(losses.added, {"terms": terms}, shaped(2, 3))


@door("losses.distillation")
def _() -> Door:
    return Door(
        losses.distillation,
        {
            "student_maps": floats(share(2, 17, 8, 4), "nfhh"),
            "teacher_maps": floats(share(2, 17, 16, 8, seed=1), "nfhh", called=("student_maps",)),
            "norm": words("l2"),
        },
        LOSS,
    )


@door("losses.reconstruction")
def _() -> Door:
    given = {
        name: step_pictures(2, 3, *SIZE, axes="nfff", seed=seed)
        for seed, name in enumerate(("source", "source_hat", "positive", "positive_hat"))
    }
    weights = (share(2, 1, *SIZE), share(2, 1, *SIZE, seed=1))
    return Door(
        losses.reconstruction, {**given, "weights": none_too(tensors(weights, count=True))}, LOSS
    )


def none_too(argument: Argument, then: str = RIGHT) -> Argument:
    """The same argument, which may be left out."""
    wrongs = tuple(replace(each, then=then) if each.name == "None" else each for each in argument.wrongs)
    return replace(argument, wrongs=wrongs)


@door("losses.Perceptual")
def _() -> Door:
    blocks = thing(
        (1.0, 1.0),
        Wrong("one", constant((1.0,))),
        Wrong("a NaN", constant((1.0, float("nan")))),
        Wrong("negative", constant((1.0, -1.0))),
        Wrong("a word in it", constant((1.0, "1"))),
        Wrong("nothing in it", constant(())),
    )
    return Door(
        losses.Perceptual, {"features": thing(eyes()), "weight": real(1.0), "blocks": blocks}, made(nn.Module)
    )


@door("losses.Perceptual.forward")
def _() -> Door:
    given = {
        name: step_pictures(2, 3, *SIZE, axes="nfhh", seed=seed, called=("pictures",))
        for seed, name in enumerate(("real", "fake"))
    }
    return Door(losses.Perceptual(eyes()), given, LOSS)


FAKES = (noise(2, 1, 4, 2, seed=5), noise(2, 1, 4, 2, seed=6))


@door("losses.discriminator_loss")
def _() -> Door:
    given = {"real": logits(), "fakes": tensors(FAKES), "form": words("hinge"), "terms": words("sum")}
    return Door(losses.discriminator_loss, given, LOSS)


@door("losses.generator_loss")
def _() -> Door:
    given = {"fakes": tensors(FAKES), "form": words("relativistic"), "real": logits(), "terms": words("mean")}
    return Door(losses.generator_loss, given, LOSS)


@door("losses.feature_matching")
def _() -> Door:
    real_ones, fakes = (noise(2, 4, 8, 4), noise(2, 4, 8, 4, seed=1)), (noise(4, 4, 8, 4), noise(4, 4, 8, 4, seed=1))
    given = {"real": tensors(real_ones, count=True), "fake": tensors(fakes, count=True)}
    return Door(losses.feature_matching, given, LOSS)


@door("losses.gradient_penalty")
def _() -> Door:
    seen = noise(2, 3, 4, 4).requires_grad_()

    def call(logits: Any, pictures: Any) -> Tensor:
        return losses.gradient_penalty(logits, pictures)

    out = (2 * seen).flatten(1).sum(1)
    wrongs = (
        Wrong("nothing in it", constant(())),
        Wrong("a tensor", constant(seen)),
        Wrong("without gradients", constant((noise(2, 3, 4, 4),))),
        Wrong("not those that were judged", constant((noise(2, 3, 4, 4).requires_grad_(),))),
        Wrong("a None in it", constant((None,))),
    )
    return Door(
        lambda logits, pictures: losses.gradient_penalty(logits() if callable(logits) else logits, pictures),
        {
            "logits": thing(
                lambda: (2 * seen).flatten(1).sum(1),
                Wrong("without gradients", constant(out.detach())),
                Wrong("whole numbers", constant(out.detach().long())),
                Wrong("an array", constant(out.detach().numpy())),
            ),
            "pictures": thing((seen,), *wrongs),
        },
        LOSS,
    )


@door("losses.patch_verification")
def _() -> Door:
    shape = (2, 3, 3, 4, 4)
    return Door(
        losses.patch_verification,
        {
            "real": floats(noise(*shape), "nfff-"),
            "real_valid": valid(2, 3, called=("validities",)),
            "fake": floats(noise(*shape, seed=1), "nfff-"),
            "fake_valid": valid(2, 3, called=("validities",)),
        },
        LOSS,
    )


@door("losses.LossWeights")
def _() -> Door:
    names = ("translate", "patch", "adversarial", "perceptual")
    return Door(LossWeights, {name: real(1.0) for name in names}, made(LossWeights))


@door("losses.total")
def _() -> Door:
    names = ("distil", "translate", "patch", "adversarial")
    term = torch.tensor(0.5)
    wrongs = (
        Wrong("pictures", constant(noise(2, 3))),
        Wrong("a NaN", constant(torch.tensor(torch.nan)), NAN),
        Wrong("a list", constant([term])),
    )
    given = {name: replace(thing(term, *wrongs), wrongs=tuple(
        each for each in thing(term, *wrongs).wrongs if each.name != "a number")) for name in names}  # fmt: skip
    return Door(losses.total, {**given, "weights": thing(LossWeights())}, LOSS)


# momi_lib.metrics


def beside_truth(network: bool = False) -> dict[str, Argument]:
    """Pictures, truth and masks."""
    return {
        "pictures": tensor(byte(2, 3, *SIZE), "nfff", kind="uint8", empty=FREE),
        "truth": tensor(byte(2, 3, *SIZE, seed=1), "nfff", kind="uint8", called=("pictures",)),
        "masks": tensor(yes(2, *SIZE), "nff", kind="bool", called=("pictures",)),
    }


@door("metrics.masked_l1")
def _() -> Door:
    return Door(metrics.masked_l1, beside_truth(), number_in(0, 1))


@door("metrics.masked_ssim")
def _() -> Door:
    return Door(metrics.masked_ssim, beside_truth(), number_in(-1, 1.0001))


@door("metrics.sharpness")
def _() -> Door:
    return Door(metrics.sharpness, beside_truth(), number_in(0, 100))


TRUTH_WRONGS = (
    Wrong("people", lambda v, _: people()),
    Wrong("fewer swaps", lambda v, _: v.select([0])),
)


def truth_argument(called: tuple[str, ...] = ("pictures",)) -> Argument:
    return thing(truth(), *TRUTH_WRONGS, called=called)


@door("metrics.score_truth")
def _() -> Door:
    pictures = tensor(byte(2, 3, *SIZE), "nfff", kind="uint8")
    right = lambda answer, **_: 0 <= answer.l1 <= 1 and answer.count == 2  # noqa: E731
    return Door(metrics.score_truth, {"pictures": pictures, "truth": truth_argument()}, right)


@door("metrics.describe")
def _() -> Door:
    given = {"network": network(eyes(), busy=SAME), "pictures": tensor(byte(3, 3, *SIZE), "Nfhh", kind="uint8"),
             "batch": whole(2, none=SAME)}  # fmt: skip
    return Door(metrics.describe, given, lambda answer, pictures, **_: answer.shape == (len(pictures), 64))


@door("metrics.perceptual_distance")
def _() -> Door:
    given = {"network": network(eyes(), busy=SAME), **beside_truth(), "batch": whole(2, none=SAME)}
    given["masks"] = none_too(given["masks"])
    return Door(metrics.perceptual_distance, given, number_in(0, 8))


def two_sets() -> dict[str, Argument]:
    options: dict[str, Any] = {"bytes_range": RIGHT, "ints": REFUSED, "half": FREE}
    return {
        "first": tensor(noise(9, 4), "hf", called=("second",), **options),
        "second": tensor(noise(8, 4, seed=1), "hf", called=("first",), **options),
    }


@door("metrics.frechet_distance")
def _() -> Door:
    return Door(metrics.frechet_distance, two_sets(), lambda answer, **_: answer >= 0)


@door("metrics.polynomial_mmd")
def _() -> Door:
    given = {**two_sets(), "subsets": whole(3), "size": whole(4, least=2), "seed": whole(0, least=-(2**63))}
    return Door(metrics.polynomial_mmd, given, lambda answer, subsets, **_: answer.subsets == subsets)


def found_and_true(joints: int = 17) -> dict[str, Argument]:
    """Joints that were found, true ones, and what they are compared by."""
    options: dict[str, Any] = {"ints": RIGHT, "half": FREE, "bytes_range": RIGHT}
    return {
        "landmarks": tensor(landmarks(3, joints), "nff", called=("joints",), **options),
        # Where a joint is not seen its place may be anything.
        "joints": tensor(landmarks(3, joints, 1), "nff", called=("landmarks",), **options),
        "visibility": seen(3),
        "height": thing(
            torch.tensor([30.0, 31, 32]),
            Wrong("zero", constant(0)),
            Wrong("negative", constant(-3.0)),
            Wrong("NaN", constant(float("nan"))),
            Wrong("NaNs", lambda v, _: v * torch.nan),
            Wrong("negative ones", lambda v, _: -v),
            Wrong("another number", lambda v, _: v[:2]),
            Wrong("two axes", lambda v, _: v[None]),
            Wrong("a list", lambda v, _: v.tolist(), SAME),
            Wrong("an array", lambda v, _: v.numpy(), SAME),
            Wrong("a bool", constant(True)),
        ),
        "threshold": real(0.1, zero=False),
    }  # fmt: skip


def no_number(given: dict[str, Argument]) -> dict[str, Argument]:
    """A height may be one number."""
    height = given["height"]
    return given | {"height": replace(height, wrongs=tuple(w for w in height.wrongs if w.name != "a number"))}


@door("metrics.pck")
def _() -> Door:
    return Door(metrics.pck, no_number(found_and_true()), lambda answer, **_: 0 <= answer.mean <= 1)


@door("metrics.left_right_confusion")
def _() -> Door:
    right = lambda answer, **_: answer.joints.shape == (17,) and not (answer.mean < 0 or answer.mean > 1)  # noqa: E731
    return Door(metrics.left_right_confusion, no_number(found_and_true()), right, holes=True)


@door("metrics.person_heights")
def _() -> Door:
    return Door(
        metrics.person_heights,
        {
            # With masks the joints are not looked at.
            "joints": tensor(landmarks(3), "nff", ints=SAME, half=SAME, bytes_range=SAME, unit=SAME, nan=FREE),
            "visibility": seen(3),
            "masks": tensor(yes(3, *SIZE), "nhh", kind="bool", none=RIGHT),
        },
        lambda answer, joints, **_: answer.shape == (len(joints),) and bool((answer >= 0).all()),
    )


@door("metrics.pose_score")
def _() -> Door:
    return Door(
        metrics.pose_score,
        {
            "network": network(teacher()),
            "pictures": tensor(byte(2, 3, *SIZE), "nfff", kind="uint8"),
            "truth": truth_argument(),
            "decoder": words("quarter", called=("method",)),
        },
        lambda answer, **_: 0 <= answer["pck"] <= 1,
    )


@door("metrics.rank1")
def _() -> Door:
    options: dict[str, Any] = {"bytes_range": RIGHT, "half": RIGHT}
    return Door(
        metrics.rank1,
        {
            "descriptors": tensor(noise(2, 5), "nf", called=("descriptor", "gallery"), **options),
            "gallery": tensor(noise(6, 5, seed=1), "nf", called=("descriptors",), **options),
            "truth": truth_argument(("descriptor", "descriptors")),
        },
        lambda answer, **_: answer.shape == (2,) and answer.dtype == torch.bool,
    )


def scores() -> dict[str, Argument]:
    """Who the persons and the poses of six swaps were taken from."""
    return {
        "sources": none_too(tensor(people().persons, "n", kind="whole", bools=RIGHT), FREE),
        "targets": none_too(tensor(people().cameras, "n", kind="whole", bools=RIGHT), FREE),
    }  # fmt: skip


@door("metrics.standard_error")
def _() -> Door:
    # NaN says that a swap cannot be judged, and does not count.
    values = tensor(noise(6), "n", nan=RIGHT, bytes_range=RIGHT, ints=RIGHT, half=FREE, more=REFUSED, bools=RIGHT,
                    called=("sources", "targets", "values"))  # fmt: skip
    return Door(metrics.standard_error, {"values": values, **scores()}, number_in(0, 1000))


@door("metrics.paired_difference")
def _() -> Door:
    options: dict[str, Any] = {"nan": RIGHT, "bytes_range": RIGHT, "ints": RIGHT, "half": FREE, "bools": RIGHT}
    given = {"first": tensor(noise(6), "n", called=("second", "values"), **options),
             "second": tensor(noise(6, seed=1), "n", called=("first", "values"), **options)}  # fmt: skip
    return Door(metrics.paired_difference, {**given, **scores()})


# momi_lib.train


@door("train.preset")
def _() -> Door:
    given = {"name": words("tiny", called=("preset",)), "batch": whole(4), "seed": whole(3, least=-(2**63))}
    return Door(train.preset, given, made(train.TrainConfig))


@door("train.TrainConfig")
def _() -> Door:
    return Door(
        train.TrainConfig,
        {
            "data": file(None, none=RIGHT, absent=RIGHT),
            "out": file("runs/x", absent=RIGHT),
            "seed": whole(0, least=-(2**63)),
            "device": words("cpu"),
            "precision": words("fp32"),
            "steps": whole(5),
            "batch": whole(4),
            "distil_steps": whole(3, least=0),
            "body_steps": whole(0, least=0),
            "network": thing(config()),
            "teacher": file(None, none=RIGHT, absent=RIGHT),
            "teacher_input": size((128, 64), none=RIGHT),
            "distil_batch": whole(4),
            "body_batch": whole(4),
            "body_labels": words("rendered"),
            "channels_last": flag(True),
            "compile": flag(False),
            **{name: thing(getattr(train.TrainConfig(), name)) for name in ("loss", "optim", "augment", "init", "log")},
        },
        made(train.TrainConfig),
    )


@door("train.train")
def _() -> Door:
    out = replace(train.preset("tiny"), out=folder() / "run")
    minutes = real(1.0, none=RIGHT)
    minutes = replace(minutes, wrongs=tuple(each for each in minutes.wrongs if each.then == REFUSED))
    resume = flag(False)
    resume = replace(resume, wrongs=tuple(each for each in resume.wrongs if each.then == REFUSED))
    given = {"config": thing(out, Wrong("a preset's name", constant("tiny"))), "resume": resume, "minutes": minutes}
    return Door(train.train, given, calls=False)


@door("train.Trainer")
def _() -> Door:
    config = replace(train.preset("tiny"), device="cpu")
    return Door(
        train.Trainer,
        {
            "config": thing(config, Wrong("a preset's name", constant("tiny"))),
            "people": thing(people(), Wrong("pictures", constant(byte(6, 3, *SIZE)))),
            "maps": tensor(share(6, 17, 8, 4), "nfhh", nan=FREE, bytes_range=FREE, half=FREE),
        },
        calls=False,
    )


# momi_lib.evaluate


@door("evaluate.swap_all")
def _() -> Door:
    return Door(
        evaluate.swap_all,
        {
            "network": network(momi(), called=CALLED),
            "source": tensor(byte(2, 3, *SIZE), "nfff", kind="uint8", called=("MomiNet", "pictures")),
            "target": tensor(byte(2, 3, *SIZE, seed=1), "nfff", kind="uint8", called=("source", "MomiNet", "pictures")),
            "batch": whole(2),
        },
        lambda answer, **_: answer.shape == (2, 3, *SIZE) and answer.dtype == torch.uint8,
    )


@door("evaluate.trivial_answers")
def _() -> Door:
    swaps = thing(truth(), Wrong("people", lambda v, _: people()), Wrong("pictures", constant(byte(2, 3, *SIZE))))
    train_people = thing(people(), Wrong("pictures", constant(byte(2, 3, *SIZE))), none=FREE)
    return Door(evaluate.trivial_answers, {"swaps": swaps, "train": train_people},
                lambda answer, **_: all(each.shape == (2, 3, *SIZE) for each in answer.values()))  # fmt: skip


# momi_lib.study


@door("study.Study")
def _() -> Door:
    return Door(
        study.Study,
        {
            "preset": words("lookup"),
            "steps": whole(5),
            "seeds": whole(1),
            "pairs": whole(3),
            "only": thing(("full",), Wrong("another word", constant(("half",))), Wrong("a set", constant({"full"}))),
            "out": file("runs/study", absent=RIGHT),
            "results": file("runs/study.json", absent=RIGHT),
            "judge": thing("mannequin", text=RIGHT),
            **{name: file(None, none=RIGHT, absent=RIGHT) for name in ("start", "data", "teacher")},
            "teacher_input": size((128, 64), none=RIGHT),
            "affinity": thing((), Wrong("numbers", constant((3,)))),
            "options": replace(thing({}), wrongs=tuple(each for each in thing({}).wrongs if each.name != "a dict")),
        },
        made(study.Study),
    )


@door("study.run_study")
def _() -> Door:
    return Door(study.run_study, {"study": thing(None)}, calls=False)


@door("study.run_experiments")
def _() -> Door:
    only = thing(("carry",), Wrong("another word in it", constant(("half",))), Wrong("numbers", constant((3,))))
    out = file(folder() / "runs", called=("folder",))
    refused = ("None", "a number", "bytes", "a list")
    out = replace(out, wrongs=tuple(each for each in out.wrongs if each.name in refused))
    return Door(study.run_experiments, {"only": only, "out": out, "results": out}, calls=False)


# What tables, notebooks and examples take from the parts of the packages.


@door("study.Study.config")
def _() -> Door:
    given = {"variant": words("full"), "seed": whole(1, least=-(2**63))}
    return Door(study.Study().config, given, made(train.TrainConfig))


def card() -> NetworkCard:
    return NetworkCard("made-up", "0123456789abcdef", "none", "[-1, 1]")


def described(count: int = 6, seed: int = 0, size: tuple[int, int] = SIZE) -> Features:
    return Features(card(), "noise", size, noise(count, 4, seed=seed), noise(count, 5, seed=seed))


FEATURE_WRONGS = (
    Wrong("a tensor", constant(noise(6, 4))),
    Wrong("of another size", lambda v, _: described(size=(8, 8))),
    Wrong("of one picture", lambda v, _: described(1)),
)


def features_of(seed: int, *, called: tuple[str, ...]) -> Argument:
    """Features with their conditions; a refusal may name their pictures instead."""
    return thing(described(seed=seed), *FEATURE_WRONGS, called=(*called, "noise"))


@door("metrics.features.Features")
def _() -> Door:
    return Door(
        Features,
        {
            "network": thing(card()),
            "pictures": thing("noise", text=RIGHT),
            "size": size(SIZE),
            "values": tensor(noise(6, 4), "nh", bytes_range=RIGHT, half=FREE, called=("logits",)),
            "logits": tensor(noise(6, 5), "nh", bytes_range=RIGHT, half=FREE, none=FREE, called=("values",)),
            "masks": thing("polygons", text=RIGHT, none=RIGHT),
        },
        made(Features),
    )


@door("metrics.features.same_conditions")
def _() -> Door:
    wrongs = tuple(each for each in FEATURE_WRONGS if each.name != "of one picture")
    given = {name: thing(described(), *wrongs, called=("noise",)) for name in ("first", "second")}
    return Door(same_conditions, given)


@door("metrics.features.distinct")
def _() -> Door:
    given = {"pictures": tensor(byte(3, 3, *SIZE), "nfff", kind="uint8", empty=FREE),
             "masks": tensor(yes(3, *SIZE), "nff", kind="bool", none=RIGHT)}  # fmt: skip
    return Door(distinct, given, lambda answer, pictures, **_: len(answer[1]) == len(pictures))


@door("metrics.features.rows")
def _() -> Door:
    first = thing(torch.tensor([0, 2]), *INDICES)
    given = {"values": floats(noise(6, 4), "N-", ints=FREE, bools=FREE, fewer=FREE, more=FREE, nan=FREE,
                             called=("first",)), "first": first}  # fmt: skip
    return Door(rows, given)


@door("metrics.fid.fid")
def _() -> Door:
    given = {"pictures": features_of(0, called=("reference", "first")),
             "reference": features_of(1, called=("pictures", "second"))}  # fmt: skip
    return Door(fid, given, lambda answer, **_: answer.value >= 0)


@door("metrics.kid.kid")
def _() -> Door:
    given = {
        "pictures": features_of(0, called=("reference", "first")),
        "reference": features_of(1, called=("pictures", "second")),
        "subsets": whole(3),
        "size": whole(4, least=2),
        "seed": whole(0, least=-(2**63)),
    }
    return Door(kid, given, lambda answer, **_: answer.count == 6)


@door("metrics.inception_score.inception_score")
def _() -> Door:
    wrongs = (FEATURE_WRONGS[0], Wrong("without logits", lambda v, _: replace(v, logits=None)))
    given = {"features": thing(described(), *wrongs), "splits": whole(2), "seed": whole(0, least=-(2**63), none=RIGHT)}
    return Door(inception_score, given, lambda answer, **_: answer.value >= 1)


@door("metrics.inception_score.split_scores")
def _() -> Door:
    logits = tensor(noise(6, 5), "Nh", bytes_range=RIGHT, called=("splits",))
    given = {"logits": logits, "splits": whole(2), "seed": whole(0, least=-(2**63), none=RIGHT)}
    return Door(split_scores, given, lambda answer, **_: bool((answer >= 1 - 1e-6).all()))


@cache
def identities() -> IdentityClassifier:
    return IdentityClassifier(noise(6, 4), people().persons)


@door("metrics.identities.IdentityClassifier")
def _() -> Door:
    given = {
        "descriptors": tensor(noise(6, 4), "nh", bytes_range=RIGHT, half=FREE, called=("persons",)),
        "persons": tensor(people().persons, "n", kind="whole", called=("descriptors",)),
        "shrinkage": real(0.1, most=1, zero=False),
    }
    return Door(IdentityClassifier, given, made(IdentityClassifier))


@door("metrics.identities.IdentityClassifier.__call__")
def _() -> Door:
    given = {"descriptors": tensor(noise(3, 4), "Nf", bytes_range=RIGHT, half=FREE, empty=FREE)}
    return Door(identities(), given, shaped(None, 3))


@door("metrics.masks.person_masks")
def _() -> Door:
    unlabelled = Wrong("without labels", lambda v, _: replace(v, joints=None, visibility=None, masks=None))
    return Door(person_masks, {"people": thing(people(), unlabelled, called=("folder",))}, made(PersonMasks))


@door("metrics.masks.polygon_masks")
def _() -> Door:
    given = {"landmarks": floats(landmarks(2), "nff", nan=FREE, half=FREE, ints=RIGHT, empty=FREE), "valid": valid(2),
             "size": size(SIZE)}  # fmt: skip
    return Door(polygon_masks, given, lambda answer, landmarks, **_: len(answer.values) == len(landmarks))


@door("metrics.masks.mask_pictures")
def _() -> Door:
    colour = thing(
        (1, 2, 3),
        Wrong("too large", constant((1, 2, 256))),
        Wrong("negative", constant((1, 2, -1))),
        Wrong("fractions", constant((0.1, 0.2, 0.3))),
        Wrong("two", constant((1, 2))),
        Wrong("bools", constant((True, False, True))),
    )
    given = {"pictures": tensor(byte(2, 3, *SIZE), "nfff", kind="uint8", empty=FREE),
             "masks": tensor(yes(2, *SIZE), "nff", kind="bool"), "colour": colour}  # fmt: skip
    return Door(mask_pictures, given, lambda answer, **_: answer.dtype == torch.uint8)


def two_pictures() -> dict[str, Argument]:
    return {
        "pictures": tensor(byte(2, 3, *SIZE), "nfff", kind="uint8", empty=FREE),
        "others": tensor(byte(2, 3, *SIZE, seed=1), "nfff", kind="uint8", called=("pictures",)),
        "masks": tensor(yes(2, *SIZE), "nff", kind="bool", called=("pictures",)),
    }


@door("metrics.copying.edge_correlation")
def _() -> Door:
    return Door(edge_correlation, two_pictures(), number_in(-1, 1))


@door("metrics.copying.copied_share")
def _() -> Door:
    return Door(copied_share, {**two_pictures(), "within": real(0.1, most=1)}, number_in(0, 1))


@door("metrics.copying.joint_colour_distance")
def _() -> Door:
    given = {
        "pictures": tensor(byte(2, 3, *SIZE), "nfff", kind="uint8"),
        "places": floats(landmarks(2), "nff", nan=FREE, half=FREE, ints=RIGHT, called=("landmarks",)),
        "valid": valid(2),
        "others": tensor(byte(2, 3, *SIZE, seed=1), "nfff", kind="uint8", called=("pictures",)),
        "other_places": floats(landmarks(2, seed=1), "nff", nan=FREE, half=FREE, ints=RIGHT, called=("landmarks",)),
        "other_valid": valid(2, called=("valid",)),
        "radius": real(4.0, zero=False),
    }
    return Door(joint_colour_distance, given, number_in(0, 1), holes=True)


@cache
def affine() -> AffinityNetwork:
    return seeded(lambda: AffinityNetwork("heldout"))


def bytes_of(count: int = 3, **options: Any) -> Argument:
    return tensor(byte(count, 3, *SIZE), options.pop("axes", "Nfhh"), kind="uint8", **options)


@door("metrics.affinity.AffinityNetwork")
def _() -> Door:
    return Door(AffinityNetwork, {"variant": words("paper"), "backbone": words("mannequin")}, made(AffinityNetwork))


@door("metrics.affinity.AffinityNetwork.describe")
def _() -> Door:
    return Door(affine().describe, {"pictures": bytes_of(), "batch": whole(2, none=SAME)}, shaped(None, 384))


@door("metrics.affinity.AffinityNetwork.forward")
def _() -> Door:
    given = {name: step_pictures(2, 3, *SIZE, axes="nfhh", seed=seed, called=("pictures",))
             for seed, name in enumerate(("first", "second"))}  # fmt: skip
    return Door(affine(), given, number_in(0, 1))


@door("metrics.affinity.AffinityNetwork.embed")
def _() -> Door:
    return Door(affine().embed, {"pictures": step_pictures(2, 3, *SIZE)}, shaped(None, 384))


@door("metrics.affinity.AffinityNetwork.compare")
def _() -> Door:
    given = {name: floats(noise(2, 384, seed=seed), "nf") for seed, name in enumerate(("first", "second"))}
    return Door(affine().compare, given, shaped(2))


@door("metrics.affinity.AffinityNetwork.affinity")
def _() -> Door:
    given = {name: floats(noise(2, 384, seed=seed), "nf") for seed, name in enumerate(("first", "second"))}
    given["network"] = network(affine(), called=("mannequin-vgg",))
    given["network"] = replace(given["network"], wrongs=tuple(
        each for each in given["network"].wrongs if each.name == "in training mode"))  # fmt: skip
    return Door(eval_only("affinity"), given, number_in(0, 1))


@door("metrics.affinity.AffinityNetwork.load")
def _() -> Door:
    return Door(AffinityNetwork.load, {"path": file("no/such/file"), "device": device()}, calls=False)


@door("metrics.affinity.AffinityNetwork.start")
def _() -> Door:
    path = weights_folder() / "mannequin-features.safetensors"
    return Door(AffinityNetwork("paper").start, {"path": file(path, none=RIGHT)}, made(AffinityNetwork))


@door("metrics.affinity.AffinityNetwork.save")
def _() -> Door:
    wrongs = thing({"seed": 0}, none=RIGHT)
    wrongs = replace(wrongs, wrongs=tuple(each for each in wrongs.wrongs if each.name != "a dict"))
    return Door(affine().save, {"path": file(folder() / "a.safetensors", absent=RIGHT), "card": wrongs}, made(Path))


@door("metrics.affinity.affinity_weights")
def _() -> Door:
    return Door(affinity_weights, {"variant": words("paper"), "backbone": words("resnet50")}, made(Path))


@door("metrics.affinity.starting_weights")
def _() -> Door:
    return Door(starting_weights, {"backbone": words("mannequin")}, made(Path))


@door("metrics.affinity.learned")
def _() -> Door:
    told = copy.deepcopy(affine())
    told.trained_on = "0"
    given = {"network": network(told, busy=SAME), "people": thing(people()), "train": thing(people(), none=RIGHT)}
    return Door(learned, given, made(str))


@door("metrics.aps.real_pairs")
def _() -> Door:
    given = {"people": thing(people()), "pairs": whole(4, called=("n",)), "seed": whole(0, least=-(2**63))}
    return Door(real_pairs, given, lambda answer, pairs, **_: len(answer[0]) == pairs)


@cache
def reality() -> Any:
    return real_affinities(affine(), people(), pairs=4)


@door("metrics.aps.real_affinities")
def _() -> Door:
    given = {
        "network": network(affine(), called=("mannequin-vgg",)),
        "people": thing(people()),
        "pairs": whole(4, called=("n",)),
        "seed": whole(0, least=-(2**63)),
        "of": thing("noise", none=RIGHT, text=RIGHT),
        "learned": thing("held out", none=RIGHT, text=RIGHT),
        "batch": whole(2, none=SAME),
    }
    return Door(real_affinities, given, lambda answer, **_: 0 <= answer.auc <= 1)


@door("metrics.aps.aps")
def _() -> Door:
    persons = people().persons
    of_two = thing(
        (persons[:3], persons[3:]),
        Wrong("one", constant((persons[:3],)), FREE),
        Wrong("three", constant((persons[:3],) * 3)),
        Wrong("of another number", constant((persons, persons))),
        Wrong("fractions", constant((noise(3), noise(3)))),
        none=RIGHT,
        called=("sources", "targets", "values"),
    )
    given = {
        "network": network(affine(), called=("mannequin-vgg",)),
        "pictures": bytes_of(3, axes="nfff", called=("sources",)),
        "sources": bytes_of(3, axes="-fff", called=("index", "pictures")),
        "real": thing(reality(), Wrong("of another size", lambda v, _: replace(v, size=(8, 8)))),
        "index": thing(torch.tensor([0, 1, 2]), *(each for each in INDICES if each.name not in ("an array", "a list")),
                       none=RIGHT, called=("sources",)),
        "persons": of_two,
        "of": thing("swaps", text=RIGHT),
        "reference": thing("sources", text=RIGHT),
        "batch": whole(2, none=SAME),
    }  # fmt: skip
    return Door(aps, given, lambda answer, **_: 0 <= answer.value <= 1)


@cache
def judge() -> OfflineJudge:
    return OfflineJudge(RandomFeatures())


@door("metrics.judges.JudgeNetwork.describe")
def _() -> Door:
    masks = PersonMasks(yes(3, *SIZE), "polygons")
    wrongs = Wrong("a tensor", constant(masks.values)), Wrong("fewer", constant(PersonMasks(yes(2, *SIZE), "polygons")))
    given = {
        "pictures": bytes_of(3, axes="nfff"),
        "of": thing("noise", text=RIGHT),
        "masks": thing(masks, *wrongs, none=RIGHT, called=("mask",)),
        "batch": whole(2, none=SAME),
    }
    return Door(judge().describe, given, made(Features))


@door("metrics.judges.JudgeNetwork.train")
def _() -> Door:
    return Door(judge().train, {"mode": flag(True)}, lambda answer, **_: not answer.training)


@door("metrics.judges.OfflineJudge")
def _() -> Door:
    given = {"network": network(eyes(), busy=RIGHT), "weights": thing("0123", none=RIGHT, text=RIGHT)}
    return Door(OfflineJudge, given, made(OfflineJudge))


@door("metrics.judges.OfflineJudge.forward")
def _() -> Door:
    return Door(judge(), {"pictures": bytes_of()}, lambda answer, **_: answer[0].shape[1] == 64)


@door("metrics.judges.evaluation_network")
def _() -> Door:
    path = weights_folder() / "mannequin-features.safetensors"
    return Door(evaluation_network, {"name": words("mannequin", called=("judge",)), "path": file(path, none=RIGHT)},
                made(JudgeNetwork))  # fmt: skip


def find_arguments() -> dict[str, Argument]:
    return {
        "network": network(teacher()),
        "name": thing("teacher", text=RIGHT),
        "pictures": bytes_of(2),
        "threshold": real(0.2, least=None),
        "decoder": words("quarter", called=("method",)),
        "upsample": flag(False),
    }


@door("metrics.pose.find_joints")
def _() -> Door:
    return Door(find_joints, find_arguments(), lambda answer, **_: answer.landmarks.shape[1:] == (17, 2))


@door("metrics.pose.labelled_joints")
def _() -> Door:
    return Door(labelled_joints, {"people": thing(people())}, made(Joints))


@door("metrics.pose.pose_agreement")
def _() -> Door:
    found, wanted = (Joints(landmarks(2, seed=seed), yes(2, 17), "made up") for seed in range(2))
    wrongs = (
        Wrong("a tensor", constant(landmarks(2))),
        Wrong("fewer", lambda v, _: Joints(v.landmarks[:1], v.seen[:1], v.origin)),
        Wrong("other joints", lambda v, _: Joints(v.landmarks[:, :5], v.seen[:, :5], v.origin)),
        Wrong("NaN", lambda v, _: v._replace(landmarks=v.landmarks * torch.nan)),
    )
    called = ("joints", "landmarks", "found", "wanted", "target")
    given = {
        "found": thing(found, *wrongs, called=called),
        "wanted": thing(wanted, *wrongs, Wrong("nobody seen", lambda v, _: v._replace(seen=~v.seen)), called=called),
        "network": thing("teacher", text=RIGHT),
        "pictures": thing("swaps", text=RIGHT),
        "size": size(SIZE),
        "persons": thing(
            (torch.tensor([3, 5]), torch.tensor([5, 3])),
            Wrong("fewer", constant((torch.tensor([3]),) * 2)),
            none=RIGHT,
            called=("sources",),
        ),
    }
    return Door(pose_agreement, given, lambda answer, **_: 0 <= answer.value <= 1, holes=True)


@door("metrics.pose.score_landmarks")
def _() -> Door:
    given = {
        "network": network(teacher()),
        "people": thing(people(), Wrong("without labels", lambda v, _: replace(v, joints=None)), called=("folder",)),
        "decoder": words("argmax", called=("method",)),
        "upsample": flag(False),
    }
    return Door(score_landmarks, given, lambda answer, **_: 0 <= answer["pck_height"] <= 1)


# momi_lib.pose and momi_lib.translate, inside


@door("pose.limbs.limb_masks")
def _() -> Door:
    given = {"landmarks": floats(landmarks(2), "nff", nan=FREE, half=FREE), "valid": valid(2), "size": size(SIZE),
             "radius": real(3.0, least=-2)}  # fmt: skip
    return Door(limb_masks, given, lambda answer, size, **_: answer.shape == (2, 1, *map(int, size)))


@cache
def bodies() -> BodyMaps:
    return seeded(lambda: BodyMaps((8, 8, 8, 16), (8, 8, 8, 8)))


def body_argument() -> Argument:
    body = BodyMap(noise(2, 3, 16, 8), noise(2, 1, 16, 8))
    wrongs = (
        Wrong("a tensor", constant(body.places)),
        Wrong("fewer", lambda v, _: BodyMap(v.places[:1], v.silhouette[:1])),
        Wrong("of another size", lambda v, _: BodyMap(v.places[..., 1:], v.silhouette[..., 1:])),
        Wrong("other silhouettes", lambda v, _: BodyMap(v.places, v.silhouette[:, :, 1:])),
    )
    return thing(body, *wrongs, called=("labels",))


@door("pose.body_maps.BodyMaps")
def _() -> Door:
    return Door(BodyMaps, {"source": channels(4), "target": channels(4)}, made(BodyMaps))


@door("pose.body_maps.BodyMaps.source")
def _() -> Door:
    given = {"pictures": step_pictures(2, 3, *SIZE, axes="nfff"), "pose_maps": floats(share(2, 17, *SIZE), "nfff")}
    return Door(bodies().source, given, lambda answer, **_: answer[0].places.shape == (2, 3, 16, 8))


@door("pose.body_maps.BodyMaps.target")
def _() -> Door:
    given = {"pose_maps": floats(share(2, 17, *SIZE), "nfff"), "build": floats(noise(2, 16), "nf")}
    return Door(bodies().target, given, lambda answer, **_: answer.places.shape == (2, 3, 16, 8))


def labels_argument() -> Argument:
    # NaN says that a place shows nobody.
    return tensor(noise(2, 3, 16, 8), "nfff", nan=RIGHT, bytes_range=RIGHT, half=FREE)


@door("pose.body_maps.body_map_loss")
def _() -> Door:
    given = {"body": body_argument(), "labels": labels_argument(), "ends": real(1.0)}
    return Door(body_map_loss, given, lambda answer, **_: len(answer) == 2)


@door("pose.body_maps.body_map_scores")
def _() -> Door:
    given = {"body": body_argument(), "labels": labels_argument()}
    return Door(body_map_scores, given, lambda answer, **_: 0 <= answer["iou"] <= 1)


@door("pose.body_maps.body_parts")
def _() -> Door:
    given = {"places": floats(noise(2, 3, 16, 8), "Nfhh", nan=FREE, half=FREE, empty=FREE)}
    return Door(body_parts, given, shaped(None, None, None))


@door("pose.augment.augment")
def _() -> Door:
    def call(**given: Any) -> Any:
        if isinstance(given["generator"], torch.Generator):
            given["generator"].manual_seed(0)
        return augment(**given)

    given = {
        "pictures": step_pictures(2, 3, *SIZE, axes="nfhh"),
        "joints": floats(landmarks(2), "nff", ints=REFUSED, half=FREE),
        "visibility": seen(2),
        "generator": thing(torch.Generator()),
    }
    return Door(call, given, lambda answer, **_: answer[0].shape == (2, 3, *SIZE))


def motions() -> dict[str, Argument]:
    """Pictures, and how they are moved; a NaN may leave the picture."""
    return {
        "pictures": step_pictures(2, 3, *SIZE, axes="nhhh", nan=FREE),
        "angle": floats(noise(2), "n", half=FREE),
        "scale": floats(share(2) + 0.5, "n", half=FREE),
        "shift": floats(noise(2, 2) / 10, "nf", half=FREE),
    }


@door("pose.augment.move")
def _() -> Door:
    given = {"joints": floats(landmarks(2), "nhf", half=FREE)}
    return Door(move, {**motions(), **given}, lambda answer, **_: answer[0].shape == (2, 3, *SIZE))


@door("pose.augment.move_with_maps")
def _() -> Door:
    given = {"maps": floats(share(2, 17, 8, 4), "nhhh", half=FREE)}
    return Door(move_with_maps, {**motions(), **given}, lambda answer, **_: answer[1].shape == (2, 17, 8, 4))


@door("translate.background.widened")
def _() -> Door:
    mask = tensor(noise(2, 1, *SIZE) > 0.5, "Nfhh", kind="bool")
    return Door(widened, {"mask": mask, "radius": whole(2, least=0)}, shaped(None, 1, None, None))


@door("translate.background.filled")
def _() -> Door:
    some = replace_nan(step_pictures(2, 3, *SIZE, axes="nhff"))  # what a hole hides does not count
    given = {"pictures": some, "hole": tensor(noise(2, 1, *SIZE) > 0.5, "nfff", kind="bool")}
    return Door(filled, given, shaped(2, None, *SIZE))


@door("translate.carry.correspond")
def _() -> Door:
    both = ("source", "target")
    given = {name: replace(body_argument(), called=both) for name in both}
    return Door(correspond, given, lambda answer, **_: answer.own.grid.shape == (2, 2, 16, 8), holes=True)


@door("translate.carry.premultiplied")
def _() -> Door:
    given = {"pictures": step_pictures(2, 3, *SIZE, axes="nhff"), "alpha": floats(share(2, 1, *SIZE), "nfff")}
    return Door(premultiplied, given, shaped(2, None, *SIZE))


@door("translate.carry.sample")
def _() -> Door:
    grid = floats(noise(2, 2, 8, 4), "nfhh", nan=FREE)
    given = {"layers": floats(share(2, 4, *SIZE), "nhhh", nan=FREE), "grid": grid}
    return Door(sample, given, shaped(2, 3, None, None))


@door("translate.swaps.checked_method")
def _() -> Door:
    odd = SimpleNamespace(config=SimpleNamespace(size=SIZE), needs={"gold"}, swap=print)
    wrongs = Wrong("a network without a door", constant(nn.Linear(1, 1))), Wrong("that needs gold", constant(odd))
    called = ("Swaps", "needs", "class")
    return Door(checked_method, {"method": thing(momi(), *wrongs, called=called)}, made(MomiNet))


@door("translate.swaps.swap_pictures")
def _() -> Door:
    given = {
        "method": network(momi(), called=CALLED),
        "source": bytes_of(2, axes="nfff", called=("MomiNet",)),
        "target": bytes_of(2, axes="nfff", called=("source", "MomiNet")),
        "background": thing("drawn", none=RIGHT),
    }
    return Door(swap_pictures, given, in_range)


@door("translate.swaps.swap_people")
def _() -> Door:
    numbers = tuple(each for each in INDICES if each.name not in ("an array", "a list", "bools of another number"))
    given = {
        "method": network(momi(), called=CALLED),
        "people": thing(people()),
        "source": thing(torch.tensor([0, 2]), *numbers, called=("MomiNet",)),
        "target": thing(torch.tensor([2, 1]), *numbers, called=("MomiNet",)),
        "background": thing("drawn", none=RIGHT),
    }
    return Door(swap_people, given, in_range)


# momi_lib.data.pictures, momi_lib.evaluate and momi_lib.rivals, inside


@door("data.pictures.picture_grid")
def _() -> Door:
    picture = noise(2, 3, 8, 4)
    wrongs = (
        Wrong("nothing in it", constant([])),
        Wrong("a tensor", constant(picture)),
        Wrong("bytes", constant([byte(2, 3, 8, 4)])),
        Wrong("of two sizes", constant([picture, noise(2, 3, 8, 8)])),
        Wrong("of two lengths", constant([picture, noise(1, 3, 8, 4)])),
        Wrong("a NaN", constant([picture * torch.nan])),
        Wrong("0 to 255", constant([picture * 127 + 127])),
    )
    given = {"rows": thing([picture, picture], *wrongs), "padding": whole(2, least=0)}
    return Door(picture_grid, given, shaped(3, None, None))


@door("data.pictures.save_picture")
def _() -> Door:
    path = file(folder() / "a.png")
    return Door(save_picture, {"picture": tensor(byte(3, 8, 4), "fhh", kind="uint8", more=REFUSED), "path": path})


@door("evaluate.pairs.identity_halves")
def _() -> Door:
    persons = thing(
        people().persons,
        Wrong("one person", constant([3, 3])),
        Wrong("fractions", constant([0.5, 1.5])),
        Wrong("words", constant(["a", "b"])),
        Wrong("two axes", constant([[3, 5]])),
        called=("identities",),
    )
    given = {"persons": persons, "seed": whole(0, least=0), "paper_literal": flag(False)}
    return Door(identity_halves, given, lambda answer, **_: not set(answer[0]) & set(answer[1]))


@door("evaluate.pairs.choose_pairs")
def _() -> Door:
    files = thing(people().files, Wrong("a name twice", constant(("a",) * 6)), Wrong("fewer", constant(("a", "b"))),
                  Wrong("numbers", constant((1, 2, 3, 4, 5, 6))), called=("files",))  # fmt: skip
    given = {
        "files": files,
        "persons": thing(people().persons, Wrong("fewer", constant([3, 5])), Wrong("words", constant(["a"] * 6)),
                         Wrong("fractions", constant([0.5, 1.5] * 3)), called=("identities",)),
        "count": whole(4),
        "seed": whole(0, least=0),
        "paper_literal": flag(False),
    }  # fmt: skip
    return Door(choose_pairs, given, lambda answer, **_: len(set(answer)) == len(answer))


@door("evaluate.pairs.test_pairs")
def _() -> Door:
    given = {"people": thing(people()), "count": whole(4), "seed": whole(0, least=0), "paper_literal": flag(False)}
    return Door(pairs_of, given, lambda answer, **_: 0 < len(answer) <= 4)


@door("evaluate.pairs.load_pairs")
def _() -> Door:
    path = save_pairs(folder() / "pairs.csv", pairs_of(people(), count=4))
    return Door(load_pairs, {"path": file(path), "people": thing(people())}, lambda answer, **_: len(answer) == 4)


@door("evaluate.pairs.save_pairs")
def _() -> Door:
    pairs = pairs_of(people(), count=4)
    return Door(save_pairs, {"path": file(folder() / "p.csv", absent=RIGHT), "pairs": thing(pairs)}, made(Path))


@door("evaluate.answers.swap_pairs")
def _() -> Door:
    given = {"network": network(momi(), called=CALLED), "swaps": thing(truth()), "batch": whole(2)}
    return Door(swap_pairs, given, lambda answer, **_: answer.shape == (2, 3, *SIZE))


@door("evaluate.answers.named_methods")
def _() -> Door:
    asked = thing(
        ["lookup"],
        Wrong("a name", constant("lookup")),
        Wrong("twice", constant(["lookup", "lookup"])),
        Wrong("a None in it", constant([None])),
        Wrong("a network without a door", constant([nn.Linear(1, 1)])),
        called=("weights", "Linear", "NoneType", "Swaps"),
    )
    return Door(named_methods, {"asked": asked, "device": device()}, lambda answer, **_: len(answer) == 1)


@door("evaluate.body_maps.another_of")
def _() -> Door:
    return Door(another_of, {"persons": tensor(people().persons, "N", kind="whole", empty=FREE)}, shaped(None))


@door("evaluate.figure.choose")
def _() -> Door:
    given = {"truth": thing(truth()), "count": whole(1, called=("rows",)), "seed": whole(0, least=-(2**63))}
    return Door(choose, given, lambda answer, **_: len(answer) == 1)


class Painter(PoseGuided):
    """Draws the source's colours, a little brighter where the target's joints are."""

    method = "painter"

    def __init__(self) -> None:
        super().__init__()
        self.config = RivalConfig(size=SIZE)
        self.factor = nn.Parameter(torch.ones(()))

    def draw(self, source: Tensor, source_pose: Landmarks | None, target_pose: Landmarks) -> Tensor:
        return (source * self.factor + 0.001 * target_pose.valid.float().mean()).clamp(-1, 1)


@cache
def posed() -> Posed:
    return Posed(Painter(), FoundPoses("teacher", teacher(), threshold=-1.0)).eval().requires_grad_(False)


@door("rivals.posed.pose_source")
def _() -> Door:
    wrongs = Wrong("of networks", constant(nn.Linear))
    network = thing(teacher(), wrongs, none=RIGHT)
    given = {"name": words("teacher", called=("poses",)), "network": network, "device": device()}
    return Door(pose_source, given, made(PoseSource))


@door("rivals.posed.FoundPoses")
def _() -> Door:
    given = {
        "name": words("teacher", called=("poses",)),
        "network": thing(teacher()),
        "decoder": words("newton", called=("method",)),
        "threshold": real(0.2, least=None),
        "upsample": flag(False),
    }
    return Door(FoundPoses, given, made(PoseSource))


@door("rivals.posed.FoundPoses.find")
def _() -> Door:
    return Door(posed().poses.find, {"pictures": pictures(2, 3, *SIZE)}, lambda answer, **_: len(answer) == 2)


@door("rivals.posed.FoundPoses.of_people")
def _() -> Door:
    return Door(posed().poses.of_people, {"people": thing(people())}, lambda answer, **_: len(answer.places) == 6)


@door("rivals.posed.Posed")
def _() -> Door:
    wrong = Wrong("another network", constant(nn.Linear(1, 1)))
    return Door(Posed, {"rival": thing(Painter(), wrong), "poses": thing(posed().poses, wrong)}, made(Posed))


def places(seed: int) -> Landmarks:
    return Landmarks(landmarks(2, seed=seed), yes(2, 17))


LANDMARKS = (
    Wrong("a tensor", constant(landmarks(2))),
    Wrong("fewer", lambda v, _: Landmarks(v.places[:1], v.valid[:1])),
    Wrong("other joints", lambda v, _: Landmarks(v.places[:, :5], v.valid[:, :5])),
)


@door("rivals.posed.Posed.draw")
def _() -> Door:
    given = {
        "source": pictures(2, 3, *SIZE, axes="nfff", called=("target_pose", "source_pose")),
        "source_pose": thing(places(0), *LANDMARKS),
        "target_pose": thing(places(1), *LANDMARKS),
    }
    return Door(posed().draw, given, in_range)


@door("rivals.posed.Posed.swap")
def _() -> Door:
    return Door(posed().swap, swap_arguments(), in_range)


@door("rivals.posed.Posed.swap_people")
def _() -> Door:
    numbers = tuple(each for each in INDICES if each.name not in ("an array", "a list", "bools of another number"))
    given = {
        "people": thing(people()),
        "source": thing(torch.tensor([0, 2]), *numbers),
        "target": thing(torch.tensor([2, 1]), *numbers),
    }
    return Door(posed().swap_people, given, in_range)


@door("rivals.methods.method")
def _() -> Door:
    return Door(method, {"name": words("pg2", called=("method",))}, made(Method))


@door("rivals.weights.load_rival")
def _() -> Door:
    return Door(load_rival, {"name": file("no/such/file"), "device": device(called=("no/such/file",))}, calls=False)


@door("rivals.weights.load_answer")
def _() -> Door:
    given = {"name": file("lookup"), "poses": thing("teacher", none=RIGHT, text=FREE), "device": device()}
    given["poses"] = replace(given["poses"], wrongs=())  # a method that is given pictures alone asks for none
    return Door(load_answer, given, made(MomiNet))


@door("rivals.weights.save_rival")
def _() -> Door:
    wrong = Wrong("another network", constant(nn.Linear(1, 1)))
    path = file(folder() / "r.safetensors", absent=RIGHT)
    card = thing(None, none=RIGHT)
    card = replace(card, wrongs=tuple(each for each in card.wrongs if each.name != "a dict"))
    return Door(save_rival, {"network": thing(Painter(), wrong), "path": path, "card": card}, made(Path))
