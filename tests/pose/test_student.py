from __future__ import annotations

import pytest
import torch

from momi_lib.pose import Student


@pytest.mark.parametrize("size", [(128, 64), (64, 32), (56, 24), (256, 128)])
def test_it_answers_at_a_quarter_of_any_size_divisible_by_eight(size):
    heatmaps = Student(width=16).eval()(torch.zeros(1, 3, *size))
    assert heatmaps.shape == (1, 17, size[0] // 4, size[1] // 4)


def test_the_maps_are_linear_and_start_near_zero():
    heatmaps = Student(width=16)(torch.randn(4, 3, 64, 32, generator=torch.Generator().manual_seed(0)))
    assert (heatmaps < 0).any() and (heatmaps > 0).any()
    assert heatmaps.abs().max() < 0.1


def test_every_parameter_learns():
    student = Student(width=16)
    (student(torch.randn(2, 3, 64, 32)) - torch.rand(2, 17, 16, 8)).square().mean().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in student.parameters())


def test_group_norm_does_not_look_at_the_rest_of_the_batch():
    student = Student(width=16, norm="group").train()
    pictures = torch.randn(4, 3, 64, 32)
    whole = student(pictures)
    halves = torch.cat([student(half) for half in pictures.split(2)])
    assert torch.allclose(whole, halves, atol=1e-6)
    assert not list(student.buffers())


def test_every_cell_sees_the_whole_person():
    student = Student(width=16, norm="batch").eval()
    pictures = torch.randn(1, 3, 128, 64, requires_grad=True)
    student(pictures)[0, :, 16, 8].sum().backward()
    touched = (pictures.grad != 0).any(dim=1)[0]
    assert touched[0].any() and touched[-1].any() and touched[:, 0].any() and touched[:, -1].any()


def test_it_learns_to_point_at_a_spot():
    torch.manual_seed(0)
    student = Student(width=16, joints=1)
    optimiser = torch.optim.Adam(student.parameters(), lr=3e-3)
    pictures = torch.full((8, 3, 32, 32), -1.0)
    target = torch.zeros(8, 1, 8, 8)
    for row in range(8):
        pictures[row, :, 4 * row : 4 * row + 4, 4 * (7 - row) : 4 * (7 - row) + 4] = 1
        target[row, 0, row, 7 - row] = 1
    for _ in range(40):
        loss = (student(pictures) - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert student(pictures).flatten(1).argmax(dim=1).tolist() == [8 * row + 7 - row for row in range(8)]


@pytest.mark.parametrize(("arguments", "message"), [({"width": 20}, "multiple of 16"), ({"norm": "layer"}, "norm")])
def test_a_shape_it_cannot_have_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Student(**arguments)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_the_gpu_answers_the_same():
    student = Student(width=16).eval()
    torch.nn.init.normal_(student.heatmaps.weight, std=0.1)
    pictures = torch.randn(2, 3, 128, 64)
    with torch.no_grad(), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        here, there = student(pictures), student.cuda()(pictures.cuda()).cpu()
    assert torch.allclose(here, there, atol=1e-4)
