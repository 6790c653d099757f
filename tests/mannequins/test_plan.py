"""The plan keeps its totals and the rules of retrieval; nobody looks like anybody else."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from momi_lib.data.names import parse_name
from tools.mannequins.body.attributes import distance, identity_attributes
from tools.mannequins.dataset.plan import (
    AT_LEAST,
    EMBEDDED,
    MARKET,
    TOO_CLOSE,
    PlanError,
    identities,
    plan,
    sizes_of,
    spread,
    with_truth,
)

SIZES = {"market": MARKET, "embedded": EMBEDDED, "eight": sizes_of(8), "two": sizes_of(2), "six": sizes_of(6, (4, 5))}


@pytest.mark.parametrize("name", SIZES)
def test_totals_are_exact_and_retrieval_is_possible(name: str) -> None:
    sizes = SIZES[name]
    shots = plan(sizes, seed=0)
    folders = Counter(shot.file.split("/")[0] for shot in shots)
    wanted = {"bounding_box_train": sizes.train_pictures, "bounding_box_test": sizes.gallery, "query": sizes.query}
    assert folders == wanted
    each, cameras, queries, gallery = Counter(), defaultdict(set), Counter(), defaultdict(set)
    for shot in shots:
        folder, file = shot.file.split("/")
        assert parse_name(file) == (shot.person, shot.camera + 1)
        assert (shot.person <= sizes.train) == (folder == "bounding_box_train")
        assert shot.index == each[shot.person]
        each[shot.person] += 1
        cameras[shot.person].add(shot.camera)
        if folder == "query":
            queries[shot.person, shot.camera] += 1
        elif folder == "bounding_box_test":
            gallery[shot.person].add(shot.camera)
    assert len(each) == sizes.train + sizes.test
    assert min(each.values()) >= sizes.least and max(each.values()) <= sizes.most
    assert min(map(len, cameras.values())) >= 2
    assert max(queries.values()) == 1
    assert all(gallery[person] - {camera} for person, camera in queries)
    assert [int(shot.file.split("_")[-2]) for shot in shots] == list(range(1, len(shots) + 1))


def test_the_presets_are_what_the_card_says() -> None:
    assert (MARKET.train_pictures, MARKET.gallery, MARKET.query, MARKET.truth) == (12_936, 15_913, 3_368, 12_000)
    assert (MARKET.train, MARKET.test) == (751, 750)
    assert (EMBEDDED.train, EMBEDDED.test, EMBEDDED.least, EMBEDDED.most, EMBEDDED.truth) == (300, 100, 12, 16, 1_500)


def test_the_same_seed_gives_the_same_plan_and_another_seed_another() -> None:
    assert plan(sizes_of(8), 3) == plan(sizes_of(8), 3) != plan(sizes_of(8), 4)


def test_pictures_of_one_identity_vary_as_on_a_street() -> None:
    counts = np.array(list(Counter(shot.person for shot in plan(MARKET, 0)).values()))
    assert counts.min() <= 4 and counts.max() >= 50


def test_no_two_people_could_be_taken_for_one_another() -> None:
    people = [attributes for _, attributes in identities(40, seed=0)]
    assert len(people) == 40
    assert min(distance(a, b) for i, a in enumerate(people) for b in people[:i]) >= TOO_CLOSE


def test_a_double_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(seed: int, number: int):
        return identity_attributes(seed, number // 2)  # everybody twice

    monkeypatch.setattr("tools.mannequins.dataset.plan.identity_attributes", drawn)
    assert [number for number, _ in identities(4, seed=0)] == [0, 2, 4, 6]


def test_what_is_not_asked_about_is_indeed_far() -> None:
    people = [identity_attributes(1, number) for number in range(120)]
    for first in people[:40]:
        for second in people:
            apart = sum(share for name, share in AT_LEAST.items() if getattr(first, name) != getattr(second, name))
            assert distance(first, second) >= apart - 1e-9


@pytest.mark.parametrize("identities_", [-1, 0, 1])
def test_too_few_identities_are_refused(identities_: int) -> None:
    with pytest.raises(PlanError, match="at least 2"):
        sizes_of(identities_)


def test_most_people_can_be_for_training() -> None:
    sizes = sizes_of(9, (8, 8), test=1)
    assert (sizes.train, sizes.test) == (8, 1)
    shots = plan(sizes, seed=1)
    assert {shot.person for shot in shots if shot.file.startswith("bounding_box_train")} == set(range(1, 9))
    assert {shot.person for shot in shots if not shot.file.startswith("bounding_box_train")} == {9}


@pytest.mark.parametrize("test", [0, 9, -1])
def test_both_sides_need_somebody(test: int) -> None:
    with pytest.raises(PlanError, match=f"expected 1 to 8 of 9, got {test}"):
        sizes_of(9, (8, 8), test=test)


def test_sizes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(PlanError, match="fewest"):
        sizes_of(4, (9, 8))
    with pytest.raises(PlanError, match="truth"):
        with_truth(sizes_of(2), 5)
    with pytest.raises(PlanError, match="cannot share 9"):
        spread(np.random.default_rng(0), 9, np.full(5, 2), 20)
