"""Attributes are drawn the same for the same seed, survive a CSV, and know no stereotypes."""

from itertools import pairwise

import numpy as np

from tools.mannequins.body.attributes import Attributes, distance, identity_attributes

PEOPLE = [identity_attributes(0, number) for number in range(400)]


def test_same_seed_same_person_and_other_number_another() -> None:
    assert identity_attributes(0, 3) == PEOPLE[3]
    assert len(set(PEOPLE)) == len(PEOPLE)


def test_rows_come_back_from_text() -> None:
    for person in PEOPLE[:20]:
        assert Attributes.from_row({key: str(value) for key, value in person.to_row().items()}) == person


def test_distance_is_symmetric_and_zero_for_oneself() -> None:
    assert distance(PEOPLE[0], PEOPLE[0]) == 0
    assert distance(PEOPLE[0], PEOPLE[1]) == distance(PEOPLE[1], PEOPLE[0]) > 0.1
    near = [distance(a, b) for a, b in pairwise(PEOPLE)]
    assert np.quantile(near, 0.01) > 0.08


def test_clothes_and_hair_know_nothing_of_gender() -> None:
    feminine = np.array([person.gender > 0.5 for person in PEOPLE])
    for name, value in (("bottom", "skirt"), ("hair", "short"), ("hair", "long"), ("bag", "handbag")):
        has = np.array([getattr(person, name) == value for person in PEOPLE])
        assert abs(has[feminine].mean() - has[~feminine].mean()) < 0.09


def test_beards_need_a_masculine_adult() -> None:
    assert all(person.gender <= 0.5 and person.age >= 0.62 for person in PEOPLE if person.beard != "none")
