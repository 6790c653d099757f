"""The paper's Table I for any weights and any data in Market-1501's layout, from one command.

Pictures are drawn once and kept; each score stands with its conditions in the JSON. The paper's own numbers are
printed beside ours and marked: they are of other data and of other feature networks, and compare with nothing here.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Any, TypeVar

import torch
from accelerate import PartialState
from torch import Tensor

from momi_lib.arguments import whole
from momi_lib.data import People, Truth, load, load_truth, size_of
from momi_lib.data.records import EMBEDDED
from momi_lib.devices import pick
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
from momi_lib.evaluate.pairs import FEW, JUNK, PAIRS, SET, Pairs, load_pairs, save_pairs, test_pairs
from momi_lib.features import FeatureNetwork, feature_network
from momi_lib.files import sha256, weights_folder
from momi_lib.metrics.affinity import WORDS, AffinityNetwork, affinity_weights, learned
from momi_lib.metrics.aps import RealAffinities, aps, real_affinities
from momi_lib.metrics.features import Features, distinct, rows
from momi_lib.metrics.fid import fid
from momi_lib.metrics.identities import IdentityClassifier
from momi_lib.metrics.inception_score import inception_score
from momi_lib.metrics.judges import JudgeNetwork, OfflineJudge, evaluation_network
from momi_lib.metrics.kid import kid
from momi_lib.metrics.masks import PersonMasks, polygon_masks
from momi_lib.metrics.perceptual import perceptual_distance
from momi_lib.metrics.pose import Joints, PoseScore, find_joints, labelled_joints, pose_agreement
from momi_lib.metrics.true_swaps import score_truth
from momi_lib.metrics.uncertainty import BY_PERSON, standard_error
from momi_lib.pose import load_teacher
from momi_lib.pose.other_pictures import warn_of_other_pictures
from momi_lib.provenance import environment, peak_memory
from momi_lib.train.processes import warn_where_alone
from momi_lib.translate.swaps import Swaps

REAL = "real pictures"
log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass
class Table:
    """All that the scores of one table share.

    Args:
        pairs: which swaps.
        judge: whose features IS, FID and KID are computed from.
        train: people whose identities are the classes of a judge without logits, which needs them for IS and mask-IS;
            ``None`` for data without a training split.
        teacher: pose network, pictures in [-1, 1] → heatmaps.
        teacher_name: with its hash.
        folder: of the stores.
        affinities: networks of the APS, each with the scores of real pairs of the judged people beside it.
        pose_pairs: on how many pairs PCK is measured: the teacher is the slowest network here.
        perceptual: network of the perceptual distance to true swaps.
        judged: the people of the pairs as a training of APS's network loads them, without distractors; ``None`` are
            the people of the pairs.
        complete: let a score that cannot be had end the table. If not, it is left out, and ``missing`` says why.
        missing: columns that nothing can be had of, and why; later also those of which one answer's is left out.
    """

    pairs: Pairs
    judge: JudgeNetwork | None
    train: People | None
    teacher: torch.nn.Module | None
    teacher_name: str
    folder: Path
    affinities: Sequence[AffinityNetwork] = ()
    pose_pairs: int = 2000
    perceptual: FeatureNetwork | None = None
    judged: People | None = None
    complete: bool = True
    missing: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        people, self._gone = self.pairs.people, {*self.missing}
        self._refuse_few()
        self.judged = self.judged or people
        keep = people.persons != JUNK
        self.real = people.pictures[keep]
        self.joints = labelled_joints(people) or self._had(("PCK", "mask-IS"), lambda: self._seek(people))
        words = f"{len(self.real):,} real pictures of the test people"
        self.affinity = [found for network in self.affinities if (found := self._affinity(network, words)) is not None]
        self.classify: IdentityClassifier | None = None
        if self._classless:
            self.classify = self._had(("IS", "mask-IS"), self._identities)
        self.reference = self._had(("IS", "FID", "KID"), lambda: self._features(self.real, words))
        self.masked_reference = self._had(
            ("mask-IS",), lambda: self._features(self.real, words, self._masks(keep.nonzero().flatten()))
        )

    def _refuse_few(self) -> None:
        """Do without the distances between sets where there are too few pairs for a set; if `complete`, end."""
        if len(self.pairs) >= SET or self._gone >= {"FID", "KID"}:
            return
        why = f"pairs: expected at least {SET} for FID and KID, which compare sets of pictures, got {len(self.pairs)}"
        if self.complete:
            raise ValueError(f"{why}; take more pairs")
        log.warning("FID and KID are left out: %s", why)
        self.missing |= dict.fromkeys(("FID", "KID"), why)
        self._gone |= {"FID", "KID"}

    def _had(self, columns: Sequence[str], compute: Callable[[], T], answer: str | None = None) -> T | None:
        """What scores are made of, of one answer or of all; ``None`` where it cannot be had."""
        if self._gone >= {*columns}:
            return None
        try:
            return compute()
        except (ValueError, FileNotFoundError, RuntimeError) as error:  # a full disk ends the table
            if self.complete:
                raise
            why = str(error) if answer is None else f"{answer}: {error}"
            for column in columns:
                if column not in self._gone:
                    self.missing.setdefault(column, why)
                    log.warning("%s is left out: %s", column, why)
            if answer is None:
                self._gone.update(columns)
            return None

    @property
    def _classless(self) -> bool:
        return isinstance(self.judge, OfflineJudge)

    def _identities(self) -> IdentityClassifier:
        assert self.train is not None  # else "IS" and "mask-IS" are missing
        known = self._features(self.train.pictures, f"{len(self.train):,} training pictures")
        return IdentityClassifier(known.values, self.train.persons)

    def _affinity(self, network: AffinityNetwork, words: str) -> tuple[AffinityNetwork, RealAffinities] | None:
        assert self.judged is not None  # see __post_init__
        of = learned(network, self.judged, self.train)
        real = self._had((f"APS {of}",), lambda: real_affinities(network, self.pairs.people, of=words, learned=of))
        return None if real is None else (network, real)

    def _seek(self, people: People) -> Joints:
        """Joints of unlabelled people: of those that a pair needs, as the teacher sees them."""
        assert self.teacher is not None  # else its columns are missing
        needed = torch.cat([self.pairs.target, (people.persons != JUNK).nonzero().flatten()]).unique()
        found = find_joints(self.teacher, self.teacher_name, people.pictures[needed])
        landmarks = torch.zeros(len(people), *found.landmarks.shape[1:])
        seen = torch.zeros(len(people), found.seen.shape[1], dtype=torch.bool)
        landmarks[needed], seen[needed] = found.landmarks, found.seen
        return Joints(landmarks, seen, found.origin)

    def _masks(self, index: Tensor) -> PersonMasks:
        assert self.joints is not None  # else "mask-IS" is missing
        size = size_of(self.pairs.people.pictures)
        return polygon_masks(self.joints.landmarks[index], self.joints.seen[index], size=size)

    def _features(self, pictures: Tensor, words: str, masks: PersonMasks | None = None) -> Features:
        of = words if masks is None else f"{words}, masked"
        shown, judge = None if masks is None else masks.values, self.judge
        assert judge is not None  # else its columns are missing

        def look() -> Features:
            first, place = distinct(pictures, shown)  # copies come many times
            seen = None if masks is None else PersonMasks(rows(masks.values, first), masks.origin)
            features = judge.describe(rows(pictures, first), words, seen)
            logits = None if features.logits is None else features.logits[place]
            return replace(features, values=features.values[place], logits=logits)

        found = stored_features(self.folder, judge.card, of, pictures, look, shown)
        if self.classify is None:
            return found
        return replace(found, logits=self.classify(found.values))

    def real_row(self) -> dict[str, Any]:
        """The scores of real pictures, where they have a meaning."""
        splits, scores = min(10, len(self.real)), {}
        for column, features in (("IS", self.reference), ("mask-IS", self.masked_reference)):
            if features is not None:
                self._put(scores, column, lambda of=features: inception_score(of, splits=splits, seed=0), REAL)
        return row(REAL, scores)

    def _put(self, scores: dict[str, Any], column: str, compute: Callable[[], Any], answer: str) -> None:
        """Add a score of an answer, where it can be had."""
        score = self._had((column,), compute, answer)
        if score is not None:
            scores[column] = score

    def row(self, answer: Answer) -> dict[str, Any]:
        """All scores of an answer that can be had, JSON-ready."""
        pictures, people = answer.pictures(self.pairs, self.folder), self.pairs.people
        words, persons, scores = f"{len(pictures):,} swaps: {answer.name}", _persons(self.pairs), {}
        self._of_features(scores, pictures, words, answer.name)
        for network, real in self.affinity:
            column = f"APS {real.learned}"
            self._put(
                scores, f"{column} [{network.card.name}]" if column in scores else column,
                lambda network=network, real=real: aps(
                    network, pictures, people.pictures, real, index=self.pairs.source, of=words, persons=persons
                ),
                answer.name,
            )  # fmt: skip
        self._put(scores, "PCK", lambda: self._pose(pictures, words), answer.name)
        scores |= self._truth(answer)
        return row(answer.name, scores, answer.weights, answer.given)

    def _of_features(self, scores: dict[str, Any], pictures: Tensor, words: str, answer: str) -> None:
        """Add the scores of the judge's features."""
        masks = None if "mask-IS" in self._gone else self._masks(self.pairs.target)
        features = self._had(("IS", "FID", "KID"), lambda: self._features(pictures, words), answer)
        masked = self._had(("mask-IS",), lambda: self._features(pictures, words, masks), answer)
        splits, size = min(10, len(pictures)), min(1000, len(pictures), len(self.real))
        for column, of in (("IS", features), ("mask-IS", masked)):
            if of is not None:
                self._put(scores, column, lambda of=of: inception_score(of, splits=splits, seed=0), answer)
        reference = self.reference
        if features is not None and reference is not None:
            self._put(scores, "FID", lambda: fid(features, reference), answer)
            self._put(scores, "KID", lambda: kid(features, reference, size=size), answer)

    def _pose(self, pictures: Tensor, words: str) -> PoseScore:
        """Whether the teacher finds the target's pose in the first of the pictures."""
        assert self.teacher is not None and self.joints is not None  # else "PCK" is missing
        persons, some = _persons(self.pairs), slice(min(self.pose_pairs, len(pictures)))
        index = self.pairs.target[some]
        return pose_agreement(
            find_joints(self.teacher, self.teacher_name, pictures[some]),
            Joints(self.joints.landmarks[index], self.joints.seen[index], self.joints.origin),
            network=self.teacher_name,
            pictures=words if len(index) == len(pictures) else f"the first {len(index):,} of {words}",
            size=size_of(pictures),
            persons=(persons[0][some], persons[1][some]),
        )

    def _truth(self, answer: Answer) -> dict[str, Any]:
        """The score against true swaps, where the data set has them and the answer can answer them."""
        known = _true_pairs(self.pairs.people)
        if not known or (answer.only is not None and answer.only.sha256 != known[0].sha256):
            return {}
        truth, scores, judge = load_truth(self.pairs.people.folder), {}, self.perceptual
        pictures = answer.pictures(known[0], self.folder)
        self._put(scores, "truth", lambda: score_truth(pictures, truth), answer.name)
        if judge is not None:
            self._put(scores, "perceptual", lambda: self._perceptual(judge, pictures, truth), answer.name)
        return scores

    @staticmethod
    def _perceptual(judge: FeatureNetwork, pictures: Tensor, truth: Truth) -> dict[str, Any]:
        distance = perceptual_distance(judge, pictures, truth.pictures, truth.masks)
        return {"name": f"LPIPS-style[{judge.name.partition('[')[0]}]", "network": judge.name,
                "value": float(distance.mean()), "error": standard_error(distance, *_persons(truth))}  # fmt: skip


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
    asked: Sequence[str | Path], people: People, train: People | None, device: torch.device
) -> list[AffinityNetwork]:
    """The networks of APS.

    Args:
        asked: variants (``"heldout"``, ``"paper"``) or files; empty: those committed that were trained on these data,
            and where there are none the held-out one.
        people, train: who is judged, and the training split of the same data, if there is one.
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
            "trains one, and --affinity FILE takes it", people.folder, found[0].data, quote(str(people.folder)),
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
    complete: bool = True,
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
        complete: refuse where one of the committed networks cannot be had. If not, its columns are missing.

    Raises:
        FileNotFoundError, ValueError: for weights that are not there or do not fit; if not ``complete``, only for those
            that were asked for.
    """
    missing: dict[str, str] = {}

    def had(columns: Sequence[str], asked: bool, load_it: Callable[[], T]) -> T | None:
        try:
            return load_it()
        except (ValueError, OSError) as error:
            if complete or asked:
                raise
            missing.update(dict.fromkeys(columns, str(error)))
            for column in columns:
                log.warning("%s is left out: %s", column, error)
            return None

    device = device or pick()
    classes = ("IS", "mask-IS") if judge == "mannequin" else ()  # other judges have their own
    train = had(classes, False, lambda: load(data, "train"))
    foreign = pairs.people.folder.resolve() != EMBEDDED.resolve()
    warn_of_other_pictures(pairs.people.folder, teacher)
    if foreign and judge == "mannequin":
        log.warning("IS, FID, KID: the network that judges learned mannequins; --judge inception takes ImageNet's")
    file = teacher or weights_folder() / "mannequin-teacher.safetensors"
    offline = (weights_folder() / "mannequin-features.safetensors").is_file()
    scorer = had(("IS", "mask-IS", "FID", "KID"), judge != "mannequin" or judge_weights is not None,
                 lambda: _judge(judge, judge_weights).to(device))  # fmt: skip
    labelled = labelled_joints(pairs.people) is not None  # if not, nobody else says where the person is
    eyes = had(("PCK",) if labelled else ("PCK", "mask-IS"), teacher is not None or teacher_input is not None,
               lambda: load_teacher(teacher, device, input_size=teacher_input))  # fmt: skip
    people = judged or pairs.people
    return Table(
        pairs=pairs,
        judge=scorer,
        train=train,
        teacher=eyes,
        teacher_name=f"{Path(file).stem}[{sha256(file)[:8]}]" if eyes is not None else "none",
        folder=folder,
        pose_pairs=pose_pairs,
        perceptual=feature_network("mannequin").to(device) if offline else None,
        affinities=had(("APS",), bool(affinity), lambda: affinity_networks(affinity, people, train, device)) or (),
        judged=judged,
        complete=complete,
        missing=missing,
    )


def _judge(name: str, weights: Path | None) -> JudgeNetwork:
    """The network of IS, FID and KID; a file that is not there is named with its option."""
    try:
        return evaluation_network(name, weights)
    except FileNotFoundError as error:
        if weights is None:
            raise
        raise FileNotFoundError(f"judge_weights: {error}") from error


def _warn_of_few(table: Table) -> None:
    """Log how little so few pairs say."""
    count, width = len(table.pairs), 0 if table.reference is None else table.reference.values.shape[1]
    if count < FEW:
        log.warning("%d pairs are very few: all scores of them are mostly chance; the paper takes %d", count, PAIRS)
    elif count < width:
        log.warning("%d pairs are few for FID, which compares covariances of %d features: it comes out too high; the "
                    "paper takes %d", count, width, PAIRS)  # fmt: skip


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

    A score that cannot be had, as of data with too few people, is left out; the entry ``missing`` of the result says
    why, and the log warns. So are those of a committed network that is not there.

    Raises:
        FileNotFoundError, ValueError: for weights, data or pairs that are not there or do not fit, or where not a
            single score can be had.
        TypeError: for an object that lacks ``swap``, ``config.size`` or ``needs``, with which.
    """
    pose_pairs = whole("pose_pairs", pose_pairs)
    if not weights:
        raise ValueError("weights: expected one or several, got none")
    began, cached = time.perf_counter(), (out / "cache").is_dir()
    warn_where_alone()
    processes = _processes()
    device = processes.device if processes else pick()
    assert device is not None  # Accelerate always has one
    methods = named_methods(weights, device=device)  # missing ones are found out now
    people = load(folder, "test", junk=paper_literal)
    for named in methods:
        poses_of(named.method, people, named.name)  # so are missing labels
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
    table = open_table(
        pairs, folder, out / "cache", judge=judge, judge_weights=judge_weights, teacher=teacher,
        teacher_input=teacher_input, affinity=affinity, pose_pairs=pose_pairs,
        judged=load(folder, "test") if paper_literal else None, device=device, complete=False,
    )  # fmt: skip
    if pairs_file is None or not (out / "pairs.csv").exists() or not pairs_file.samefile(out / "pairs.csv"):
        save_pairs(out / "pairs.csv", pairs)  # once it is known that there will be a table of them
    _warn_of_few(table)
    answers = [
        *answers_without_network(),
        *(network_answer(named.name, named.method, named.weights) for named in methods),
    ]
    scored = [table.real_row(), *(table.row(answer) for answer in answers)]
    if not any(line["scores"] for line in scored):
        raise ValueError(f"not a single score can be had: {next(iter(table.missing.values()))}")
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
        **({"missing": table.missing} if table.missing else {}),
        "rows": scored,
    }
    write(result, out)
    return result
