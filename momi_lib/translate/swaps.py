"""The one door: whatever moves the person of one picture into the pose of another satisfies :class:`Swaps`."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from momi_lib.arguments import Sizes, check_bytes, check_has, check_resting, index_of, told
from momi_lib.data import People, size_of, to_float

SOURCE_POSE, TARGET_POSE = "source pose", "target pose"
#: What a method may be given beside the two pictures.
NEEDS = frozenset({SOURCE_POSE, TARGET_POSE})
#: What a table says of a method that is given pictures alone.
RGB = "RGB"


class HasSize(Protocol):
    """A config that says how large the pictures are."""

    @property
    def size(self) -> tuple[int, int]:
        """(H, W) of source, target and swap, in pixels."""
        ...


@runtime_checkable
class Swaps(Protocol):
    """Two batches of pictures in, one out: what tables, figures, studies and the explorer ask of a method.

    Attributes:
        config: its ``size`` is (H, W) of all pictures.
        needs: what else the method is given, from outside or from a pose network that did not learn with it: a subset
            of :data:`NEEDS`. Empty: RGB alone.

    A method with weights also has ``parameters()``, so that its device is known; it is then in evaluation mode. A
    method that can put several things behind the person has ``backgrounds``, see :func:`usual_background`.

    >>> from types import SimpleNamespace
    >>> class CopySource:
    ...     config, needs = SimpleNamespace(size=(128, 64)), frozenset()
    ...     def swap(self, source, target):
    ...         return source
    >>> isinstance(CopySource(), Swaps)
    True
    """

    @property
    def config(self) -> HasSize:
        """The method's options, with the size of its pictures."""
        ...

    @property
    def needs(self) -> frozenset[str]:
        """What else the method was given."""
        ...

    def swap(self, source: Tensor, target: Tensor) -> Tensor:
        """The people of ``source`` in the poses of ``target``: twice (N, 3, H, W) in [-1, 1] → once."""
        ...


@runtime_checkable
class SwapsPeople(Protocol):
    """A method that may be given what is known of the people of a data set and is not in their pictures, as labels are.

    Tables ask such a method for the swaps of numbered pictures instead of calling ``swap``.

    Attributes:
        given: what it is given, as tables say it.
    """

    @property
    def given(self) -> str:
        """What it is given, such as ``"RGB + poses (teacher)"``."""
        ...

    def swap_people(self, people: People, source: Tensor, target: Tensor) -> Tensor:
        """The people of pictures ``source`` (N,) in the poses of pictures ``target`` (N,): (N, 3, H, W) in [-1, 1].

        Raises:
            ValueError: where ``people`` lack what it is given.
        """
        ...

    def key(self, people: People) -> str:
        """SHA-256 of all that it is given beside pictures; swaps are kept under it. Raises as :meth:`swap_people`."""
        ...


def checked_method(method: Any) -> Swaps:
    """``method``, if it satisfies :class:`Swaps`.

    Raises:
        TypeError: where it does not, with what it lacks.
        ValueError: where it ``needs`` what nobody can be given.

    >>> checked_method(torch.nn.Linear(1, 1))
    Traceback (most recent call last):
    ...
    TypeError: Linear: expected what satisfies momi_lib.translate.swaps.Swaps; it lacks swap, config.size and needs
    """
    name = method.__name__ if isinstance(method, type) else type(method).__name__
    if isinstance(method, type):
        raise TypeError(f"{name}: expected an object, got a class; make one of it first, as in {name}(…)")
    has = {
        "swap": callable(getattr(method, "swap", None)),
        "config.size": hasattr(getattr(method, "config", None), "size"),
        "needs": hasattr(method, "needs"),
    }
    lacking = [what for what, there in has.items() if not there]
    if lacking:
        listed = " and ".join(filter(None, [", ".join(lacking[:-1]), lacking[-1]]))
        raise TypeError(
            f"{name}: expected what satisfies momi_lib.translate.swaps.Swaps; it lacks {listed}"
            + ("; a network that draws from poses gets them from a pose source, as in "
               "momi_lib.rivals.posed.Posed(network, pose_source('teacher'))"
               if "swap" in lacking and hasattr(method, "draw") else "")
        )  # fmt: skip
    if not set(method.needs) <= NEEDS:
        known = ", ".join(sorted(NEEDS))
        raise ValueError(f"{name}.needs: expected a subset of {known}, got {sorted(map(str, method.needs))}")
    return method


def device_of(method: Any) -> torch.device:
    """Where a method computes: where its first weight is, and the CPU for one without weights.

    >>> device_of(torch.nn.Linear(1, 1)), device_of(object())
    (device(type='cpu'), device(type='cpu'))
    """
    weight = next(iter(getattr(method, "parameters", list)()), None)
    return torch.device("cpu") if weight is None else weight.device


def usual_background(method: Any) -> str:
    """What stands behind the person where nobody asks for something else: the first of the method's ``backgrounds``."""
    return getattr(method, "backgrounds", ("drawn",))[0]


def given_to(method: Any) -> str:
    """What a method is given, as tables say it.

    >>> from types import SimpleNamespace
    >>> given_to(SimpleNamespace(needs=frozenset())), given_to(SimpleNamespace(needs={TARGET_POSE}))
    ('RGB', 'RGB + target pose')
    """
    if isinstance(method, SwapsPeople):
        return method.given
    return " + ".join([RGB, *sorted(method.needs)])


def swap_pictures(method: Any, source: Tensor, target: Tensor, background: str | None = None) -> Tensor:
    """The swaps of two batches of pictures, by any method.

    Args:
        method: what satisfies :class:`Swaps`.
        source, target: (N, 3, H, W) uint8, wherever they are.
        background: one of the method's ``backgrounds``; ``None`` is the usual one.

    Returns:
        (N, 3, H, W) float in [-1, 1], on the method's device.

    Raises:
        TypeError: for an object that does not satisfy :class:`Swaps`.
        ValueError: for pictures of another size than the method's, different numbers of sources and targets, a network
            in training mode, or an answer of another shape.
    """
    checked_method(method)
    check_resting(type(method).__name__, method, "a method")
    sizes: Sizes = {}
    check_bytes("source", source, sizes=sizes)
    check_bytes("target", target, "M 3 H W", sizes=sizes)
    if len(source) != len(target):
        raise ValueError(f"source and target: expected as many of each, got {len(source)} and {len(target)}")
    check_size(method, source)
    device = device_of(method)
    pictures = to_float(source.to(device)), to_float(target.to(device))
    return _checked_answer(method, method.swap(*pictures, **_asked(method, background)), len(source))


def swap_people(
    method: Any, people: People, source: Tensor, target: Tensor, background: str | None = None
) -> Tensor:
    """The swaps of numbered pictures, by any method: one that is given labels gets those of ``people``.

    Args:
        method: what satisfies :class:`Swaps`.
        people: N pictures, with labels where the method is given them.
        source, target: (M,) int64, numbers of pictures.
        background: see :func:`swap_pictures`.

    Returns:
        (M, 3, H, W) float in [-1, 1], on the method's device.

    Raises:
        TypeError, ValueError: as :func:`swap_pictures`, and where ``people`` lack the labels that the method is given.
    """
    check_has("people", people, "People, as momi_lib.data.load gives them", "pictures", "__len__")
    source, target = (index_of(name, each, len(people)) for name, each in (("source", source), ("target", target)))
    if not isinstance(method, SwapsPeople):
        return swap_pictures(method, people.pictures[source], people.pictures[target], background)
    checked_method(method)
    check_resting(type(method).__name__, method, "a method")
    check_size(method, people.pictures)
    drawn = method.swap_people(people, source, target, **_asked(method, background))
    return _checked_answer(method, drawn, len(source))


def _asked(method: Any, background: str | None) -> dict[str, Any]:
    """The usual background is not asked for: a method that offers no other one takes no such argument."""
    if background is not None and not isinstance(background, str):
        raise TypeError(f"background: expected the name of one, or None, got {told(background)}")
    known = getattr(method, "backgrounds", ("drawn",))
    if background is not None and background not in known:
        raise ValueError(f"background: expected one of {', '.join(known)}, got {background!r}")
    return {} if background in (None, usual_background(method)) else {"background": background}


def check_size(method: Any, pictures: Tensor, name: str | None = None) -> None:
    """Refuse pictures (…, H, W) of another size than the method's; ``name`` is what it is called, else by its class.

    Raises:
        ValueError: with both sizes and what to do.
    """
    size, found = tuple(method.config.size), size_of(pictures)
    if found != size:
        raise ValueError(
            f"{name or type(method).__name__}: swaps pictures of {size[0]} × {size[1]} (its config.size), got pictures "
            f"of {found[0]} × {found[1]}; take weights trained for that size (with --network.size {found[0]} "
            f"{found[1]}), or load the data with size={size} (in Python)"
        )


def _checked_answer(method: Any, drawn: Any, count: int) -> Tensor:
    expected = (count, 3, *method.config.size)
    if not isinstance(drawn, Tensor) or tuple(drawn.shape) != expected or not drawn.is_floating_point():
        got = f"{tuple(drawn.shape)} {drawn.dtype}" if isinstance(drawn, Tensor) else type(drawn).__name__
        raise ValueError(
            f"{type(method).__name__}.swap: expected float pictures {expected} in [-1, 1] as its answer, got {got}"
        )
    return drawn
