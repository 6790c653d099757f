"""What several processes of one run tell each other in a step."""

from __future__ import annotations

import math
import time

import torch
from accelerate import Accelerator
from accelerate.utils import broadcast
from torch import Tensor, nn


def share_gradients(accelerator: Accelerator, parameters: list[nn.Parameter]) -> None:
    """Average the gradients of ``parameters`` over all processes, in place and in one message.

    Instead of a wrapper around each network: a GAN's two sides use the same networks differently, and every
    gradient is needed only once, at the optimiser's step.
    """
    if accelerator.num_processes == 1:
        return
    gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    flat: Tensor = accelerator.reduce(torch.cat([g.flatten() for g in gradients]), "mean")
    for p, g in zip(parameters, flat.split([g.numel() for g in gradients]), strict=True):
        p.grad = g.view_as(p).clone(memory_format=torch.preserve_format)


def time_is_up(accelerator: Accelerator, deadline: float, device: torch.device) -> bool:
    """Whether ``deadline``, in seconds of :func:`time.monotonic`, has passed: the first process says so for all.

    Every process has a clock and a start of its own. If each asked its own, one would stop a step before another,
    which would wait for its gradients for ever. All processes must call this, and give a deadline or none alike.
    """
    if math.isinf(deadline):
        return False
    over = time.monotonic() >= deadline
    if accelerator.num_processes == 1:
        return over
    return bool(broadcast(torch.tensor([float(over)], device=device), from_process=0).item())
