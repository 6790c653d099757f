"""The paper's Table I for any weights and any data in Market-1501's layout, from one command.

Pictures are drawn once and kept; each score stands with its conditions in the JSON. The paper's own numbers are
printed beside ours and marked: they are of other data and of other feature networks, and compare with nothing here.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from momi_lib.data import People, Truth, load, load_truth
from momi_lib.evaluate.affinity import WORDS, AffinityNetwork, affinity_weights
from momi_lib.evaluate.aps import aps, real_affinities
from momi_lib.evaluate.conditions import Features
from momi_lib.evaluate.descriptors import perceptual_distance
from momi_lib.evaluate.distinct import distinct, rows
from momi_lib.evaluate.fid import fid
from momi_lib.evaluate.identities import IdentityClassifier
from momi_lib.evaluate.inception_score import inception_score
from momi_lib.evaluate.kid import kid
from momi_lib.evaluate.layout import row, write
from momi_lib.evaluate.masks import PersonMasks, polygon_masks
from momi_lib.evaluate.networks import JudgeNetwork, OfflineJudge, evaluation_network
from momi_lib.evaluate.pose import Joints, find_joints, labelled_joints, pose_agreement
from momi_lib.evaluate.protocol import JUNK, PAIRS, Pairs, load_pairs, save_pairs, test_pairs
from momi_lib.evaluate.store import SwapStore, stored_features
from momi_lib.evaluate.truth import score_truth
from momi_lib.evaluate.uncertainty import BY_PERSON, standard_error
from momi_lib.features import FeatureNetwork, feature_network
from momi_lib.files import sha256, weights_folder
from momi_lib.translate import MomiNet, load_network, weights_file

REAL = "real pictures"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What stands for the swaps: a network, or a rule that needs none.

    Attributes:
        name: of the row.
        pictures: of pairs and a store's folder, all swaps (M, 3, H, W) uint8.
        weights: SHA-256 of the network's file, or ``None``.
    """

    name: str
    pictures: Callable[[Pairs, Path], Tensor]
    weights: str | None = None


def network_answer(name: str, network: MomiNet, weights: str) -> Answer:
    """The swaps of a network before its usual background, kept on disk."""
    usual = network.backgrounds[0]
    return Answer(name, lambda pairs, folder: SwapStore(folder, name, weights, pairs, usual).pictures(network), weights)


def trivial_answers() -> list[Answer]:
    """Copy the source and copy the target: what a score should not like, and often does."""
    return [
        Answer("copy source", lambda pairs, _: pairs.people.pictures[pairs.source]),
        Answer("copy target", lambda pairs, _: pairs.people.pictures[pairs.target]),
    ]


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
        pose_pairs: on how many pairs the pose is looked for: the teacher is the slowest network here.
        perceptual: network of the perceptual distance to true swaps.
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

    def __post_init__(self) -> None:
        people = self.pairs.people
        keep = people.persons != JUNK
        self.real = people.pictures[keep]
        self.joints = labelled_joints(people) or self._seek(people)
        words = f"{len(self.real):,} real pictures of the test people"
        self.affinity = [(network, real_affinities(network, people, of=words)) for network in self.affinities]
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
        size = tuple(self.pairs.people.pictures.shape[-2:])
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
            scores[f"APS {WORDS[network.variant]}"] = aps(
                network, pictures, self.pairs.people.pictures, real, index=self.pairs.source, of=words, persons=persons
            )
        some = slice(min(self.pose_pairs, len(pictures)))
        index = self.pairs.target[some]
        scores["pose"] = pose_agreement(
            find_joints(self.teacher, self.teacher_name, pictures[some]),
            Joints(self.joints.landmarks[index], self.joints.seen[index], self.joints.origin),
            network=self.teacher_name,
            pictures=words if len(index) == len(pictures) else f"the first {len(index):,} of {words}",
            size=tuple(pictures.shape[-2:]),
            persons=(persons[0][some], persons[1][some]),
        )
        scores |= self._truth(answer)
        return row(answer.name, scores, answer.weights)

    def _truth(self, answer: Answer) -> dict[str, Any]:
        """The score against true swaps, where the data set has them."""
        people = self.pairs.people
        if not (people.folder / "truth" / "pairs.csv").is_file():
            return {}
        truth = load_truth(people.folder)
        pictures = answer.pictures(Pairs(truth.people, truth.source, truth.target), self.folder)
        scores: dict[str, Any] = {"truth": score_truth(pictures, truth)}
        if self.perceptual is not None:
            distance = perceptual_distance(self.perceptual, pictures, truth.pictures, truth.masks)
            scores["perceptual"] = {"name": f"LPIPS-style[{self.perceptual.name.partition('[')[0]}]",
                                    "network": self.perceptual.name, "value": float(distance.mean()),
                                    "error": standard_error(distance, *_persons(truth))}  # fmt: skip
        return scores


def _persons(swaps: Pairs | Truth) -> tuple[Tensor, Tensor]:
    """Who the person and who the pose of each swap was taken from, (M,) each."""
    persons = swaps.people.persons
    return persons[swaps.source], persons[swaps.target]


def affinity_networks(device: torch.device) -> list[AffinityNetwork]:
    """Those whose weights are there: held out, and as in the paper."""
    files = {variant: affinity_weights(variant) for variant in WORDS}
    for variant, file in files.items():
        if not file.is_file():
            log.warning("%s: no weights, so no APS %s; `python -m momi_lib train-affinity --variant %s` makes them",
                        file, WORDS[variant], variant)  # fmt: skip
    return [AffinityNetwork.load(file, device=device) for file in files.values() if file.is_file()]


def table_one(
    weights: Sequence[str],
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
    pose_pairs: int = 2000,
) -> dict[str, Any]:
    """Draw all swaps, score them, and write ``table.json``, ``table.csv``, ``table.md`` and ``pairs.csv`` into ``out``.

    Interrupted and started again it goes on where it was: pictures and features are kept under ``out/cache``.

    Args:
        weights: names of committed weights, or files.
        folder: data in Market-1501's layout; ``None`` is ``$MOMI_DATA`` or the embedded set.
        out: folder of the results.
        count, seed, paper_literal: of the pairs, see :func:`~momi_lib.evaluate.protocol.choose_pairs`.
        pairs_file: take these pairs instead.
        judge, judge_weights: the network of IS, FID and KID, see
            :func:`~momi_lib.evaluate.networks.evaluation_network`.
        teacher: pose network of the pose score; ``None`` is the one that comes with the embedded data.
        pose_pairs: on how many pairs it looks.

    Returns:
        what ``table.json`` holds.

    Raises:
        FileNotFoundError, ValueError: for weights, data or pairs that are not there or do not fit.
    """
    from momi_lib.train.card import environment, peak_memory
    from momi_lib.train.run import load_teacher

    began, cached = time.perf_counter(), (out / "cache").is_dir()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    files = {name: weights_file(name) for name in weights}
    networks = {name: load_network(name, device=device) for name in weights}  # missing ones are found out now
    people = load(folder, "test", junk=paper_literal)
    options = {"count": count, "seed": seed, "paper_literal": paper_literal}
    pairs = test_pairs(people, **options) if pairs_file is None else load_pairs(pairs_file, people)
    save_pairs(out / "pairs.csv", pairs)
    teacher_file = teacher or weights_folder() / "mannequin-teacher.safetensors"
    has_offline = (weights_folder() / "mannequin-features.safetensors").is_file()
    table = Table(
        pairs=pairs,
        judge=evaluation_network(judge, judge_weights).to(device),
        train=load(folder, "train"),
        teacher=load_teacher(teacher, device),
        teacher_name=f"{Path(teacher_file).stem}[{sha256(teacher_file)[:8]}]",
        folder=out / "cache",
        pose_pairs=pose_pairs,
        perceptual=feature_network("mannequin").to(device) if has_offline else None,
        affinities=affinity_networks(device),
    )
    named = {name: f"momi-{name}" if files[name] != Path(name) else files[name].stem for name in weights}
    answers = [
        *trivial_answers(),
        *(network_answer(named[name], networks[name], sha256(files[name])) for name in weights),
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
