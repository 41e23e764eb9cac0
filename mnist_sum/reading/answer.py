"""What the command answers for a picture in a file."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from mnist_sum.learning.network import Network
from mnist_sum.learning.predict import predict_probabilities
from mnist_sum.reading.image import read_image


class Answer(NamedTuple):
    """What a picture was read as, and all that it might have been."""

    file: str
    image: UInt8[np.ndarray, "28 28"]
    """What the network was given of the picture."""
    number: int
    digits: Float[np.ndarray, "10"]
    """The probability of each digit."""
    sums: Float[np.ndarray, "19"]
    """The probability of each sum."""

    def fields(self) -> dict[str, Any]:
        """Give what is most probable, for JSON."""
        return {
            "file": self.file,
            "digit": int(self.digits.argmax()),
            "number": self.number,
            "sum": int(self.sums.argmax()),
            "digit_probability": round(float(self.digits.max()), 6),
            "sum_probability": round(float(self.sums.max()), 6),
        }


def answer_file(network: Network, file: str, number: int) -> Answer:
    """Read a picture and add the number; raises InputError for what is no picture of a digit."""
    image = read_image(file)
    digits, sums = predict_probabilities(network, image, number)
    return Answer(file, image, number, np.asarray(digits), np.asarray(sums))


def write_probability(probability: float, decimals: int) -> str:
    """Write a probability in percent; what is nearly certain is not called certain."""
    text = f"{probability:.{decimals}%}"
    if float(text.rstrip("%")) < 100:
        return text
    return f"> {1 - 10.0 ** -(2 + decimals):.{decimals}%}"
