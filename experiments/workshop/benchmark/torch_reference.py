"""The original network, its loss and its training step in PyTorch: what ours is compared with.

Written anew from the layer table of the original; `state_dict` has the original's names. Needs the
extra 'parity'.
"""

from collections import OrderedDict
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax, nll_loss, one_hot

from mnist_sum.data import Dataset
from mnist_sum.recipe import NUM_DIGITS, NUM_NUMBERS, NUM_SUMS

LEARNING_RATE = 0.01
MOMENTUM = 0.9

Batch = tuple[Tensor, Tensor, Tensor]  # images, their digits, a number to add to each
conv = partial(nn.Conv2d, bias=False)


def block(layer: nn.Conv2d | nn.Linear, dropout_rate: float | None) -> nn.Sequential:
    """Add batch norm, ReLU and, with a rate, dropout to a layer."""
    norm = nn.BatchNorm2d if isinstance(layer, nn.Conv2d) else nn.BatchNorm1d
    dropout = [] if dropout_rate is None else [nn.Dropout(dropout_rate)]
    return nn.Sequential(layer, norm(len(layer.weight)), nn.ReLU(), *dropout)


def digit_encoder(dropout_rate: float) -> nn.Sequential:
    """Turn pixels 0..255, [batch, 1, 28, 28], into the logits of their digits."""
    layers = {
        "convblock1": block(conv(1, 10, 3), dropout_rate),  # 26 x 26
        "convblock2": block(conv(10, 10, 3), dropout_rate),  # 24 x 24
        "convblock3": block(conv(10, 15, 3), None),  # 22 x 22
        "pool": nn.MaxPool2d(2),  # 11 x 11
        "convblock4": block(conv(15, 10, 1), dropout_rate),  # 11 x 11
        "convblock5": block(conv(10, 10, 3), dropout_rate),  # 9 x 9
        "convblock6": block(conv(10, 10, 3), dropout_rate),  # 7 x 7
        "convblock7": block(conv(10, 10, 3), dropout_rate),  # 5 x 5
        "convblock8": nn.Sequential(conv(10, NUM_DIGITS, 5)),  # 1 x 1
        "flatten": nn.Flatten(),
    }
    return nn.Sequential(OrderedDict(layers))


class TorchMnistSum(nn.Module):
    """Read the digit in an image and add a number to it."""

    def __init__(self, dropout_rate: float = 0.01) -> None:
        super().__init__()
        self.mnist_mode = digit_encoder(dropout_rate)
        self.layer1 = block(nn.Linear(NUM_DIGITS + NUM_NUMBERS, 32), dropout_rate)
        self.layer2 = block(nn.Linear(32, 64), dropout_rate)
        self.layer3 = block(nn.Linear(64, 128), dropout_rate)
        self.model2_out = nn.Linear(128, NUM_SUMS)

    def forward(self, image: Tensor, number: Tensor) -> tuple[Tensor, Tensor]:
        """Compute the log-probabilities of the digits, and the logits of the sums."""
        digit_logits = self.mnist_mode(image[:, None].to(self.model2_out.weight))
        x = torch.cat([digit_logits, one_hot(number, NUM_NUMBERS).to(digit_logits)], dim=1)
        x = self.layer3(self.layer2(self.layer1(x)))
        return log_softmax(digit_logits, dim=1), self.model2_out(x)


def torch_batch(dataset: Dataset, start: int, stop: int) -> Batch:
    image, digit, number = (torch.tensor(np.asarray(x[start:stop])) for x in dataset)
    return image, digit.long(), number.long()


def train_step(
    model: TorchMnistSum, optimizer: torch.optim.Optimizer, batch: Batch
) -> tuple[Tensor, Tensor]:
    """Take one step down the gradient of the mean losses of digit and sum, and return the two."""
    model.train()
    image, digit, number = batch
    digit_log_probabilities, sum_logits = model(image, number)
    digit_loss = nll_loss(digit_log_probabilities, digit)
    sum_loss = cross_entropy(sum_logits, digit + number)
    optimizer.zero_grad()
    (digit_loss + sum_loss).backward()
    optimizer.step()
    return digit_loss.detach(), sum_loss.detach()
