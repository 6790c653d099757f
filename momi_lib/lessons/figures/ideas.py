"""The idea of every lesson as one drawn figure; ``python -m tools.figures.ideas`` draws them."""

from __future__ import annotations

from importlib import resources

__all__ = ["WORDS", "idea", "show_idea"]

#: What each figure shows, for readers who do not see it. 04b belongs to the optional lesson after lesson 4.
WORDS: dict[str, str] = {
    "00": "Two pictures go in: a person in a striped pullover, and somebody else who waves. The first is asked for "
    "hair, skin and clothes, the second for 17 joints and no colour at all. MOMI-Net draws a new picture of "
    "both: the person in the striped pullover waves.",
    "01": "On the left, a file name is taken apart: 0002_c1s1_000451_03.jpg is person 2, camera 1, sequence 1, "
    "frame 451, box 3; pictures with the numbers 0000 (a bush) and -1 (a person who is cut off) are left "
    "out. On the right, a triplet: x and x⁺ show the same person twice, so that x⁺ is a true answer; x⁻ "
    "shows somebody else, who lends a pose for which no true answer exists.",
    "02": "A picture goes into a large teacher that is never changed and into a small student. Both answer with 17 "
    "heatmaps, and Eq. 1 makes those of the student like those of the teacher. A closer look into one "
    "heatmap shows a table of numbers; the place of the largest is the landmark.",
    "03": "A heatmap, in which the colours of a shirt could be hidden, stands in front of a wall with a slot. Only two "
    "numbers, the coordinates of a joint, pass through it; the colours bounce off. Behind the wall a clean "
    "Gaussian is drawn around the point, and the same is done for all 17 joints.",
    "04": "A picture becomes proposed features for every place, the wall included; its pose becomes a gate, which "
    "is 1 on the person and 0 elsewhere. The two are multiplied, so that only the person's features are "
    "left, and these are added to x₁, which passes the block unchanged.",
    "04b": "A place of the target's pose where a left forearm is wanted asks which places of the source show one. "
    "The left forearm of the source gets a weight of 0.84, upper arm, hip and wall get the rest. What the "
    "source shows there, a striped sleeve, travels to its new place.",
    "05": "Three panels. Two codes, one of the appearance and one of the pose, go into the generator, and a "
    "picture comes out. When a star could be at several places on a shirt, the smallest L1 belongs to the "
    "median of the answers, which is a blurred spot. A generator that was trained with x alone ignores the "
    "wanted pose; one trained with x and x⁺ follows it.",
    "06": "A person and a drawing of the same person in another pose, with small squares around the same joints of "
    "both. The squares are compared pair by pair: at shoulder and wrist the cloth is the same and the "
    "difference is small; at the knee the drawing has trousers of another colour and the difference is "
    "large.",
    "07": "In one step the generator draws one person three times: in their own pose, in that of x⁺ and in that of "
    "x⁻. A table says who judges: Eq. 3 and 5 the first two, the features of Eq. 4 the first alone, and Eq. 6 the "
    "third, of which no true picture exists. Beside it, two players take turns: the generator shows pictures, the "
    "discriminator says real or drawn.",
    "08": "A table with three people as rows and four poses as columns. Each row has one appearance code, each "
    "column one pose code, and each of the twelve cells shows the person of its row in the pose of its "
    "column: seven codes give twelve pictures.",
    "09": "Three clouds of points. The Fréchet distance compares the means and the shapes of two clouds, real "
    "pictures and answers. A ring of answers around real pictures has the same mean and covariance, so its "
    "distance is 0 although it differs. Answers that are copies of real pictures lie exactly on points of "
    "the cloud, although their pose is wrong.",
    "10": "Two small studies with three seeds each, in which a network without one part differs from the full "
    "network by 0.93 on average. Where the three seeds agree, the 95 % interval of the change leaves 0 "
    "outside. Where they disagree, the interval holds 0, and the study cannot tell.",
    "11": "Five methods, all with a picture of the source person. PG² gets the target pose as discs, PN-GAN as "
    "coloured sticks, PATN both poses as Gaussians; DG-Net gets a second picture in grey, MOMI-Net a second "
    "picture, in which it finds the pose itself. The first three learn from pairs, DG-Net from triplets and "
    "identity labels, MOMI-Net from triplets.",
    "12": "A point on the left forearm is marked in the source, in its body map, on a standing body, in the map of "
    "the wanted pose and in the answer: everywhere it has the same coordinate, and so its colour is carried "
    "from source to answer. Most pixels of the answer are carried; an arm that the source hides is mirrored "
    "from the other side; the feet, which are outside the source, are drawn.",
}


def idea(number: int | str) -> str:
    """The figure of a lesson as SVG.

    Args:
        number: of the lesson, 0 to 12, or "04b".

    Raises:
        ValueError: there is no figure of that number.

    >>> idea(3)[:4], idea("04b")[:4]
    ('<svg', '<svg')
    """
    file = resources.files("momi_lib.lessons.figures").joinpath("ideas", f"{_key(number)}.svg")
    return file.read_text(encoding="utf-8")


def show_idea(number: int | str) -> None:
    """Show the figure of a lesson here, with its description; outside a notebook nothing is shown.

    Raises:
        ValueError: there is no figure of that number.

    >>> show_idea(0)
    """
    from IPython import get_ipython
    from IPython.display import display

    picture, words = idea(number), WORDS[_key(number)]
    if get_ipython() is not None:
        data = {"image/svg+xml": picture, "text/plain": words}
        display(data, raw=True, metadata={"image/svg+xml": {"alt": words}})


def _key(number: int | str) -> str:
    text = str(number)
    key = text.zfill(3 if text.endswith("b") else 2)
    if not text or key not in WORDS:
        raise ValueError(f"number: expected a lesson from 0 to 12 or '04b', got {number!r}")
    return key
