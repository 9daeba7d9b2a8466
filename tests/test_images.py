"""Images on their way to OpenCV and back."""

from __future__ import annotations

from io import BytesIO

import cv2
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from benchmark.errors import UsageError
from benchmark.images import through_opencv

SHAPES = [(1, 8, 8), (3, 8, 8), (3, 17, 40), (1, 5, 3), (3, 1, 1)]

every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


def noise(n: int, shape: tuple[int, int, int]) -> Tensor:
    return torch.randint(256, (n, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@every_shape
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_what_is_not_changed_comes_back(shape: tuple[int, int, int], layout: torch.memory_format) -> None:
    images = noise(3, shape)
    answers = through_opencv(images.contiguous(memory_format=layout), lambda picture: picture)
    assert torch.equal(answers, images)
    assert answers.is_contiguous()


@every_shape
def test_an_image_is_given_as_opencv_would_read_it(shape: tuple[int, int, int]) -> None:
    images = noise(2, shape)
    given: list[NDArray[np.uint8]] = []
    through_opencv(images, lambda picture: given.append(picture.copy()) or picture)
    for image, picture in zip(images, given, strict=True):
        file = BytesIO()
        to_pil_image(image).save(file, "png")
        read = cv2.imdecode(np.frombuffer(file.getvalue(), np.uint8), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(picture, read, strict=True)


def test_writing_to_what_is_given_leaves_the_images_alone() -> None:
    images = noise(2, (3, 8, 8))

    def invert(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return np.subtract(255, picture, out=picture)

    assert torch.equal(through_opencv(images, invert), 255 - images)
    assert torch.equal(images, noise(2, (3, 8, 8)))


@pytest.mark.parametrize("channels", [0, 2, 4])
def test_channels_that_make_no_picture_are_refused(channels: int) -> None:
    with pytest.raises(UsageError, match=f"{channels} channels"):
        through_opencv(noise(1, (channels, 8, 8)), lambda picture: picture)
