"""Networks for other programs; a file says of itself what goes in and what comes out."""

from collections.abc import Callable
from typing import Any

from mnist_sum.learning.model import Outputs

INTERFACE = {
    "image": (
        "uint8 [batch, 28, 28], pixels 0 .. 255, not scaled to 0 .. 1 and not standardised: a "
        "light digit upright on dark ground, as MNIST has them"
    ),
    "number": "int32 [batch], what to add to each digit, 0 .. 9; any other makes the sum NaN",
    "digit_log_probabilities": (
        "float32 [batch, 10], log-probabilities of the digits 0 .. 9; the largest is the answer"
    ),
    "sum_logits": "float32 [batch, 19], logits of the sums 0 .. 18; the largest is the answer",
}
EXPLANATION = "\n".join(
    [
        "mnist_sum: an image of a digit and a number in, the digit and their sum out.",
        *(f"{name}: {meaning}." for name, meaning in INTERFACE.items()),
    ]
)

Compute = Callable[[Any, Any], Outputs]
"""What a file computes of images and numbers."""
