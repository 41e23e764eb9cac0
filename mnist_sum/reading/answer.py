"""What is answered for a picture in a file, and how that is put into words."""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from mnist_sum.learning.network import Network
from mnist_sum.learning.predict import predict_probabilities
from mnist_sum.reading.image import read_page
from mnist_sum.reading.opening import Picture

SURE = 0.9  # below, the runner-up is named too


class Answer(NamedTuple):
    """What a picture was read as, and all that it might have been."""

    name: str
    picture: Picture
    page: str  # such as "page 2 of 3"; empty if it has only one
    image: UInt8[np.ndarray, "28 28"]  # what the network was given of the picture
    number: int | None  # what was added, if anything was
    digits: Float[np.ndarray, "10"]  # the probability of each
    sums: Float[np.ndarray, "19"]

    def fields(self) -> dict[str, Any]:
        """Give what is most probable, for JSON."""
        fields: dict[str, Any] = {"file": self.name, "page": self.page}
        best_two = self.digits.argsort()[:-3:-1].tolist()
        for name, digit in zip(("digit", "runner_up"), best_two, strict=True):
            fields |= {name: digit, f"{name}_probability": round(float(self.digits[digit]), 6)}
        if self.number is not None:
            fields |= {"number": self.number, "sum": int(self.sums.argmax())}
            fields |= {"sum_probability": round(float(self.sums.max()), 6)}
        return fields

    def sentence(self) -> str:
        """Say what it is; or what it may be, and what else."""
        doubt = name_runner_up(self.digits)
        sentence = f"{self.page}: " if self.page else ""
        sentence += f"{'' if doubt else 'digit '}{name_best(self.digits)}"
        if self.number is not None:
            joint = ". Plus" if doubt else ", plus"
            sentence += f"{joint} {self.number} makes {name_best(self.sums)}"
        return sentence


def answer_picture(
    network: Network, picture: Picture, number: int | None = None, name: str | None = None
) -> Answer:
    """Read a picture and add the number; raises InputError for what is no picture of a digit."""
    page, image = read_page(picture)
    digits, sums = map(np.asarray, predict_probabilities(network, image, number or 0))
    return Answer(name or f"{picture}", picture, page, image, number, digits, sums)


def name_best(probabilities: Float[np.ndarray, " value"]) -> str:
    """Write "7 (99.99 %)", or in doubt "perhaps 7, 62 %; or 1, 30 %"."""
    best, probability = probabilities.argmax(), probabilities.max()
    if doubt := name_runner_up(probabilities):
        return f"perhaps {best}, {write_percent(probability, 0)} %; {doubt}"
    return f"{best} ({write_percent(probability, 2)} %)"


def name_runner_up(probabilities: Float[np.ndarray, " value"]) -> str:
    """Write "or 1, 30 %" in doubt, and nothing else."""
    runner_up, best = probabilities.argsort()[-2:]
    percent = write_percent(probabilities[runner_up], 0)
    return "" if probabilities[best] >= SURE else f"or {runner_up}, {percent} %"


def write_percent(probability: float, decimals: int) -> str:
    """Write how many percent a probability is; what is nearly certain is not called certain."""
    percent = f"{probability:.{decimals}%}".rstrip("%")
    return f"> {100 - 10.0**-decimals:.{decimals}f}" if float(percent) == 100 else percent
