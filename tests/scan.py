"""A digit of MNIST as a scan on paper, to make other pictures of."""

import numpy as np
from PIL import Image

from mnist_sum.data import load
from mnist_sum.reading.image import read_image
from mnist_sum.reading.opening import Picture

DIGIT = np.asarray(load("sample").test.image[3])
INK = np.pad(np.asarray(Image.fromarray(DIGIT).resize((200, 200), 3)), ((30, 50), (60, 20)))
BLACK, WHITE = np.zeros_like(INK), np.full_like(INK, 255)
GREY = Image.fromarray(255 - INK)  # dark on light
RGB = GREY.convert("RGB")


def channels(*arrays: np.ndarray) -> np.ndarray:
    return np.stack(arrays, -1)


def distance(picture: Picture) -> float:
    """Compare what is read with the digit: mean difference, of 255; another digit's is about 50."""
    return float(np.abs(read_image(picture).astype(int) - DIGIT).mean())
