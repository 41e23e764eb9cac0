"""What the original PyTorch system reached: its log of one run, to set beside ours.

From Session_3/Session_3.ipynb, the output of the training cell. It paired each test image with one
number, where we pair it with all ten.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from experiments.configs import Config

SOURCE = "https://github.com/Code-Trees/END-GAME"
ACCURACIES = (  # an epoch a line, in percent: train digit, train sum, test digit, test sum
    (93.44, 69.47, 97.90, 96.90),
    (98.20, 96.22, 98.88, 98.25),
    (98.63, 97.27, 98.77, 98.65),
    (98.79, 97.77, 98.92, 98.75),
    (98.88, 97.98, 99.04, 98.78),
    (99.01, 98.19, 98.99, 98.85),
    (99.13, 98.40, 99.09, 99.07),
    (99.13, 98.52, 99.13, 98.93),
    (99.20, 98.60, 99.03, 98.81),
    (99.25, 98.68, 99.14, 98.72),
    (99.28, 98.81, 99.14, 98.82),
    (99.36, 98.81, 99.30, 99.08),
    (99.36, 98.89, 99.22, 99.01),
    (99.34, 98.92, 99.17, 99.07),
    (99.40, 99.00, 99.13, 98.98),
    (99.46, 99.02, 99.24, 99.15),
    (99.45, 99.04, 99.16, 98.93),
    (99.48, 99.08, 99.15, 99.03),
    (99.51, 99.22, 99.28, 99.12),
    (99.51, 99.12, 99.15, 98.97),
    (99.50, 99.15, 99.22, 99.01),
    (99.59, 99.24, 99.22, 99.05),
    (99.58, 99.25, 99.24, 99.14),
    (99.61, 99.27, 99.14, 98.94),
    (99.60, 99.31, 99.32, 99.16),
)


def is_comparable(config: "Config") -> bool:
    """Tell whether a run learns from the same images as the original, and is tested on the same."""
    return config.dataset == "mnist" and config.train_examples is None and config.held_out == 0


def records() -> list[dict[str, Any]]:
    """Write the log as metrics.jsonl would have it; it holds no losses of whole epochs."""
    return [
        {
            "epoch": epoch,
            "train": {"digit_accuracy": train_digit / 100, "sum_accuracy": train_sum / 100},
            "test": {"digit_accuracy": test_digit / 100, "sum_accuracy": test_sum / 100},
        }
        for epoch, (train_digit, train_sum, test_digit, test_sum) in enumerate(ACCURACIES, 1)
    ]
