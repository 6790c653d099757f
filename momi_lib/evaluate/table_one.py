"""The paper's Table I for any weights and any data in Market-1501's layout, from one command.

Pictures are drawn once and kept; each score stands with its conditions in the JSON. The paper's own numbers are
printed beside ours and marked: they are of other data and of other feature networks, and compare with nothing here.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState
from torch import Tensor

from momi_lib.data import People, Truth, load, load_truth, size_of
from momi_lib.data.records import EMBEDDED
from momi_lib.evaluate.answers import (
    Answer,
    answers_without_network,
    draw_together,
    named_methods,
    network_answer,
    poses_of,
)
from momi_lib.evaluate.cache import stored_features
from momi_lib.evaluate.markdown import row, write
from momi_lib.evaluate.pairs import JUNK, PAIRS, Pairs, load_pairs, save_pairs, test_pairs
from momi_lib.features import FeatureNetwork, feature_network
from momi_lib.files import sha256, weights_folder
from momi_lib.metrics.affinity import WORDS, AffinityNetwork, affinity_weights, learned
from momi_lib.metrics.aps import aps, real_affinities
from momi_lib.metrics.features import Features, distinct, rows
from momi_lib.metrics.fid import fid
from momi_lib.metrics.identities import IdentityClassifier
from momi_lib.metrics.inception_score import inception_score
from momi_lib.metrics.judges import JudgeNetwork, OfflineJudge, evaluation_network
from momi_lib.metrics.kid import kid
from momi_lib.metrics.masks import PersonMasks, polygon_masks
from momi_lib.metrics.perceptual import perceptual_distance
from momi_lib.metrics.pose import Joints, find_joints, labelled_joints, pose_agreement
from momi_lib.metrics.true_swaps import score_truth
from momi_lib.metrics.uncertainty import BY_PERSON, standard_error
from momi_lib.pose import load_teacher
from momi_lib.provenance import environment, peak_memory
from momi_lib.train.processes import warn_where_alone
from momi_lib.translate.swaps import Swaps

REAL = "real pictures"
log = logging.getLogger(__name__)


@dataclass
class Table:
    """All that the scores of one table share.

    Args:
        pairs: which swaps.
        judge: whose features IS, FID and KID are computed from.
        train: people whose identities are the classes of a judge without logits.
        teacher: pose network, pictures in [-1, 1] → heatmaps.
        teacher_name: with its hash.
        folder: of the stores.
        affinities: networks of the APS, each with the scores of real pairs of the judged people beside it.
        pose_pairs: on how many pairs PCK is measured: the teacher is the slowest network here.
        perceptual: network of the perceptual distance to true swaps.
        judged: the people of the pairs as a training of APS's network loads them, without distractors; ``None`` are
            the people of the pairs.
    """

    pairs: Pairs
    judge: JudgeNetwork
    train: People
    teacher: torch.nn.Module
    teacher_name: str
    folder: Path
    affinities: Sequence[AffinityNetwork] = ()
    pose_pairs: int = 2000
    perceptual: FeatureNetwork | None = None
    judged: People | None = None

    def __post_init__(self) -> None:
        people = self.pairs.people
        self.judged = self.judged or people
        keep = people.persons != JUNK
        self.real = people.pictures[keep]
        self.joints = labelled_joints(people) or self._seek(people)
        words = f"{len(self.real):,} real pictures of the test people"
        self.affinity = [
            (network, real_affinities(network, people, of=words, learned=learned(network, self.judged, self.train)))
            for network in self.affinities
        ]
        self.classify = None
        if self._classless:
            known = self._features(self.train.pictures, f"{len(self.train):,} training pictures")
            self.classify = IdentityClassifier(known.values, self.train.persons)
        self.reference = self._features(self.real, words)
        self.masked_reference = self._features(self.real, words, self._masks(keep.nonzero().flatten()))

    @property
    def _classless(self) -> bool:
        return isinstance(self.judge, OfflineJudge)

    def _seek(self, people: People) -> Joints:
        """Joints of unlabelled people: of those that a pair needs, as the teacher sees them."""
        needed = torch.cat([self.pairs.target, (people.persons != JUNK).nonzero().flatten()]).unique()
        found = find_joints(self.teacher, self.teacher_name, people.pictures[needed])
        landmarks = torch.zeros(len(people), *found.landmarks.shape[1:])
        seen = torch.zeros(len(people), found.seen.shape[1], dtype=torch.bool)
        landmarks[needed], seen[needed] = found.landmarks, found.seen
        return Joints(landmarks, seen, found.origin)

    def _masks(self, index: Tensor) -> PersonMasks:
        size = size_of(self.pairs.people.pictures)
        return polygon_masks(self.joints.landmarks[index], self.joints.seen[index], size=size)

    def _features(self, pictures: Tensor, words: str, masks: PersonMasks | None = None) -> Features:
        of = words if masks is None else f"{words}, masked"
        shown = None if masks is None else masks.values

        def look() -> Features:
            first, place = distinct(pictures, shown)  # copies come many times
            seen = None if masks is None else PersonMasks(rows(masks.values, first), masks.origin)
            features = self.judge.describe(rows(pictures, first), words, seen)
            logits = None if features.logits is None else features.logits[place]
            return replace(features, values=features.values[place], logits=logits)

        found = stored_features(self.folder, self.judge.card, of, pictures, look, shown)
        if self.classify is None:
            return found
        return replace(found, logits=self.classify(found.values))

    def real_row(self) -> dict[str, Any]:
        """The scores of real pictures, where they have a meaning."""
        splits = min(10, len(self.real))
        scores = {
            "IS": inception_score(self.reference, splits=splits, seed=0),
            "mask-IS": inception_score(self.masked_reference, splits=splits, seed=0),
        }
        return row(REAL, scores)

    def row(self, answer: Answer) -> dict[str, Any]:
        """All scores of an answer, JSON-ready."""
        pictures = answer.pictures(self.pairs, self.folder)
        words = f"{len(pictures):,} swaps: {answer.name}"
        features = self._features(pictures, words)
        masked = self._features(pictures, words, self._masks(self.pairs.target))
        splits, size = min(10, len(pictures)), min(1000, len(pictures), len(self.real))
        scores: dict[str, Any] = {
            "IS": inception_score(features, splits=splits, seed=0),
            "mask-IS": inception_score(masked, splits=splits, seed=0),
            "FID": fid(features, self.reference),
            "KID": kid(features, self.reference, size=size),
        }
        persons = _persons(self.pairs)
        for network, real in self.affinity:
            column = f"APS {real.learned}"
            scores[f"{column} [{network.card.name}]" if column in scores else column] = aps(
                network, pictures, self.pairs.people.pictures, real, index=self.pairs.source, of=words, persons=persons
            )
        some = slice(min(self.pose_pairs, len(pictures)))
        index = self.pairs.target[some]
        scores["PCK"] = pose_agreement(
            find_joints(self.teacher, self.teacher_name, pictures[some]),
            Joints(self.joints.landmarks[index], self.joints.seen[index], self.joints.origin),
            network=self.teacher_name,
            pictures=words if len(index) == len(pictures) else f"the first {len(index):,} of {words}",
            size=size_of(pictures),
            persons=(persons[0][some], persons[1][some]),
        )
        scores |= self._truth(answer)
        return row(answer.name, scores, answer.weights, answer.given)

    def _truth(self, answer: Answer) -> dict[str, Any]:
        """The score against true swaps, where the data set has them and the answer can answer them."""
        known = _true_pairs(self.pairs.people)
        if not known or (answer.only is not None and answer.only.sha256 != known[0].sha256):
            return {}
        truth = load_truth(self.pairs.people.folder)
        pictures = answer.pictures(known[0], self.folder)
        scores: dict[str, Any] = {"truth": score_truth(pictures, truth)}
        if self.perceptual is not None:
            distance = perceptual_distance(self.perceptual, pictures, truth.pictures, truth.masks)
            scores["perceptual"] = {"name": f"LPIPS-style[{self.perceptual.name.partition('[')[0]}]",
                                    "network": self.perceptual.name, "value": float(distance.mean()),
                                    "error": standard_error(distance, *_persons(truth))}  # fmt: skip
        return scores


def _true_pairs(people: People) -> list[Pairs]:
    """The pairs of true swaps, where the data have some."""
    if not (people.folder / "truth" / "pairs.csv").is_file():
        return []
    truth = load_truth(people.folder)
    return [Pairs(truth.people, truth.source, truth.target)]


def _processes() -> PartialState | None:
    """The processes that were started together, by ``accelerate launch`` or ``torchrun``; ``None`` for one alone."""
    if int(os.environ.get("WORLD_SIZE", 1)) < 2:
        return None
    return PartialState(cpu=not torch.cuda.is_available())


def _persons(swaps: Pairs | Truth) -> tuple[Tensor, Tensor]:
    """Who the person and who the pose of each swap was taken from, (M,) each."""
    persons = swaps.people.persons
    return persons[swaps.source], persons[swaps.target]


def affinity_networks(
    asked: Sequence[str | Path], people: People, train: People, device: torch.device
) -> list[AffinityNetwork]:
    """The networks of APS.

    Args:
        asked: variants (``"heldout"``, ``"paper"``) or files; empty: those committed that were trained on these data,
            and where there are none the held-out one.
        people, train: who is judged, and the training split of the same data.
        device: where they compute.

    Raises:
        FileNotFoundError, ValueError: for a file that is not there or holds something else.
    """
    if asked:
        files = [affinity_weights(name) if name in WORDS else Path(name) for name in map(str, asked)]
        return [AffinityNetwork.load(file, device=device) for file in files]
    found = []
    for variant, words in WORDS.items():
        file = affinity_weights(variant)
        if file.is_file():
            found.append(AffinityNetwork.load(file, device=device))
        else:
            log.warning("%s: no weights, so no APS %s; `python -m momi_lib train-affinity --variant %s` makes them",
                        file, words, variant)  # fmt: skip
    of_these = [network for network in found if learned(network, people, train) in WORDS.values()]
    if found and not of_these:
        log.warning(
            "APS: no network was trained on %s; the one of %s is asked. `python -m momi_lib train-affinity --data %s` "
            "trains one, and --affinity FILE takes it", people.folder, found[0].data, people.folder,
        )  # fmt: skip
    return of_these or found[:1]


def open_table(
    pairs: Pairs,
    data: Path | None,
    folder: Path,
    *,
    judge: str = "mannequin",
    judge_weights: Path | None = None,
    teacher: Path | None = None,
    teacher_input: tuple[int, int] | None = None,
    affinity: Sequence[str | Path] = (),
    pose_pairs: int = 2000,
    judged: People | None = None,
    device: torch.device | None = None,
) -> Table:
    """A table with the networks that score: those asked for, or the committed ones, which learned mannequins.

    Args:
        pairs: which swaps.
        data: the data that they are of; ``None`` is ``$MOMI_DATA`` or the embedded set.
        folder: of the stores.
        judge, judge_weights: the network of IS, FID and KID, see :func:`~momi_lib.metrics.judges.evaluation_network`.
        teacher: pose network that measures PCK; ``None`` is the one that comes with the embedded data.
        teacher_input: see :func:`~momi_lib.pose.load_teacher`.
        affinity: networks of APS, see :func:`affinity_networks`.
        pose_pairs, judged: see :class:`Table`.
        device: where networks compute; ``None`` is a GPU where there is one.

    Raises:
        FileNotFoundError, ValueError: for weights that are not there or do not fit.
    """
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    train = load(data, "train")
    foreign = pairs.people.folder.resolve() != EMBEDDED.resolve()
    if foreign and teacher is None:
        log.warning("pose: the teacher that judges it learned mannequins and never saw a photograph; pass an official "
                    "Simple Baselines checkpoint with --teacher FILE")  # fmt: skip
    if foreign and judge == "mannequin":
        log.warning("IS, FID, KID: the network that judges learned mannequins; --judge inception takes ImageNet's")
    file = teacher or weights_folder() / "mannequin-teacher.safetensors"
    offline = (weights_folder() / "mannequin-features.safetensors").is_file()
    return Table(
        pairs=pairs,
        judge=evaluation_network(judge, judge_weights).to(device),
        train=train,
        teacher=load_teacher(teacher, device, input_size=teacher_input),
        teacher_name=f"{Path(file).stem}[{sha256(file)[:8]}]",
        folder=folder,
        pose_pairs=pose_pairs,
        perceptual=feature_network("mannequin").to(device) if offline else None,
        affinities=affinity_networks(affinity, judged or pairs.people, train, device),
        judged=judged,
    )


def table_one(
    weights: Sequence[str | Path | Swaps],
    folder: Path | None = None,
    out: Path = Path("results"),
    *,
    count: int = PAIRS,
    seed: int = 0,
    paper_literal: bool = False,
    pairs_file: Path | None = None,
    judge: str = "mannequin",
    judge_weights: Path | None = None,
    teacher: Path | None = None,
    teacher_input: tuple[int, int] | None = None,
    affinity: Sequence[str | Path] = (),
    pose_pairs: int = 2000,
) -> dict[str, Any]:
    """Draw all swaps, score them, and write ``table.json``, ``table.csv``, ``table.md`` and ``pairs.csv`` into ``out``.

    Interrupted and started again it goes on where it was: pictures and features are kept under ``out/cache``. Several
    processes share the drawing of the swaps; the first scores them, and the others return an empty dict.

    Args:
        weights: names of committed weights, files, or objects that satisfy :class:`~momi_lib.translate.swaps.Swaps`, as
            :func:`~momi_lib.evaluate.answers.named_methods` takes them; the swaps of an object are not kept on disk.
        folder: data in Market-1501's layout; ``None`` is ``$MOMI_DATA`` or the embedded set.
        out: folder of the results.
        count, seed, paper_literal: of the pairs, see :func:`~momi_lib.evaluate.pairs.choose_pairs`.
        pairs_file: take these pairs instead.
        judge, judge_weights: the network of IS, FID and KID, see
            :func:`~momi_lib.metrics.judges.evaluation_network`.
        teacher: pose network that measures PCK; ``None`` is the one that comes with the embedded data.
        teacher_input: see :func:`~momi_lib.pose.load_teacher`.
        affinity: networks of APS, see :func:`affinity_networks`.
        pose_pairs: on how many pairs PCK is measured.

    Returns:
        what ``table.json`` holds.

    Raises:
        FileNotFoundError, ValueError: for weights, data or pairs that are not there or do not fit.
        TypeError: for an object that lacks ``swap``, ``config.size`` or ``needs``, with which.
    """
    began, cached = time.perf_counter(), (out / "cache").is_dir()
    warn_where_alone()
    processes = _processes()
    device = processes.device if processes else torch.device("cuda" if torch.cuda.is_available() else "cpu")
    assert device is not None  # Accelerate always has one
    methods = named_methods(weights, device=device)  # missing ones are found out now
    people = load(folder, "test", junk=paper_literal)
    for named in methods:
        poses_of(named.method, people)  # so are missing labels
    options = {"count": count, "seed": seed, "paper_literal": paper_literal}
    pairs = test_pairs(people, **options) if pairs_file is None else load_pairs(pairs_file, people)
    if processes is not None:
        needed = [pairs, *_true_pairs(people)]
        for named in methods:
            share = processes.process_index, processes.num_processes
            if named.weights is not None:
                draw_together(named.method, named.name, named.weights, needed, out / "cache", *share)
        processes.wait_for_everyone()
        if not processes.is_main_process:
            return {}  # the first process reads what all have drawn, and scores it
    save_pairs(out / "pairs.csv", pairs)
    table = open_table(
        pairs, folder, out / "cache", judge=judge, judge_weights=judge_weights, teacher=teacher,
        teacher_input=teacher_input, affinity=affinity, pose_pairs=pose_pairs,
        judged=load(folder, "test") if paper_literal else None, device=device,
    )  # fmt: skip
    answers = [
        *answers_without_network(),
        *(network_answer(named.name, named.method, named.weights) for named in methods),
    ]
    scored = [table.real_row(), *(table.row(answer) for answer in answers)]
    result = {
        "what": "the protocol's swaps of test people, scored as in the paper's Table I and beside it; every score "
        "with its conditions; errors are standard errors, resampled by person",
        "errors": BY_PERSON,
        **environment(device),
        "data": people.folder.name,
        "fingerprint": people.fingerprint,
        "pairs": len(pairs),
        "pairs_sha256": pairs.sha256,
        "seed": seed,
        "paper_literal": paper_literal,
        "this_run": {
            "seconds": round(time.perf_counter() - began, 1),
            "began_with_a_cache": cached,
            "peak_memory_mib": peak_memory(),
            "pictures_mib": round((people.pictures.nbytes + len(pairs) * people.pictures[0].nbytes) / 2**20),
        },
        "rows": scored,
    }
    write(result, out)
    return result
