"""Make torch.npz, what the original computes, with PyTorch: python tests/golden/make.py.

| array | what it holds |
|---|---|
| weights/NAME | where everything starts: a state_dict with nothing left at its default |
| outputs/NAME | evaluation of the first 64 test images of the sample |
| losses | digit and sum of 20 training steps, on the first 20 x 64 training images |
| statistics/NAME | the running statistics after the first step |
| names, gradient_norms, update_norms | of each parameter: first gradient, change in 20 steps |
| final_outputs/NAME | the same evaluation after the 20 steps |
| fast_losses, fast_update_norms | of 4 steps by the recipe of `fast`, without distortions |

Dropout is off. All is computed in float64: in float32 PyTorch's own kernel gradients are up to 1e-4
(with oneDNN) or 1e-2 (without) away from that. Run again, it writes the same file, but for the last
digits on another processor or with another PyTorch.
"""

import copy
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot

from experiments.workshop.benchmark import torch_reference as reference
from experiments.workshop.benchmark.torch_reference import Batch, TorchMnistSum, train_step
from mnist_sum.data import load
from mnist_sum.learning.model import Outputs

GOLDEN_FILE = Path(__file__).with_name("torch.npz")
SEED = 0
STEPS = 20
LEARNING_RATE = 1e-3  # a tenth of the original's, at which rounding errors double every step
BATCH_SIZE = 64
TEST_IMAGES = 64
FAST_STEPS = 4
FAST = {"rate": 7e-3, "steps": 10, "warmup": 0.15, "decay": 5e-4}  # a tenth of the rate, as above

Golden = dict[str, Shaped[np.ndarray, "..."]]


def make_golden() -> Golden:
    train, test = load("sample")
    starts = range(0, STEPS * BATCH_SIZE, BATCH_SIZE)
    batches = [reference.torch_batch(train, start, start + BATCH_SIZE) for start in starts]
    test_batch = reference.torch_batch(test, 0, TEST_IMAGES)
    model = arbitrary_model(batches)
    initial = copy.deepcopy(model)
    golden = arrays("weights", model.state_dict().items())
    golden |= arrays("outputs", evaluate(model, test_batch))

    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE, reference.MOMENTUM)
    losses = [train_step(model, optimizer, batches[0])]
    gradient_norms = [x.grad.norm() for x in model.parameters() if x.grad is not None]
    running = ((name, x) for name, x in model.named_buffers() if "running" in name)
    golden |= arrays("statistics", running)

    golden |= fast_golden(copy.deepcopy(initial), batches[:FAST_STEPS])
    losses += [train_step(model, optimizer, batch) for batch in batches[1:]]
    golden |= arrays("final_outputs", evaluate(model, test_batch))
    return golden | {
        "losses": torch.tensor(losses).numpy(),
        "names": np.array([name for name, _ in model.named_parameters()]),
        "gradient_norms": torch.tensor(gradient_norms).numpy(),
        "update_norms": update_norms(initial, model),
    }


def fast_golden(model: TorchMnistSum, batches: Iterable[Batch]) -> Golden:
    """Train as `fast` does, without distortions: all numbers, Nesterov, decay, a schedule."""
    parameters = list(model.parameters())
    kernels = {"params": [x for x in parameters if x.ndim > 1], "weight_decay": FAST["decay"]}
    others = {"params": [x for x in parameters if x.ndim == 1], "weight_decay": 0.0}
    optimizer = torch.optim.SGD([kernels, others], lr=1.0, momentum=0.9, nesterov=True)
    initial, losses = copy.deepcopy(model), []
    for step, (image, digit, _) in enumerate(batches):
        for param_group in optimizer.param_groups:
            param_group["lr"] = one_cycle(step)
        model.train()
        logits = model.mnist_mode(image[:, None].double())
        number = torch.arange(10).repeat(len(logits))
        pairs = torch.cat([logits.repeat_interleave(10, 0), one_hot(number, 10)], dim=1)
        sum_logits = model.model2_out(model.layer3(model.layer2(model.layer1(pairs))))
        digit_loss = cross_entropy(logits, digit)
        sum_loss = cross_entropy(sum_logits, digit.repeat_interleave(10) + number)
        optimizer.zero_grad()
        (digit_loss + sum_loss).backward()
        optimizer.step()
        losses.append((digit_loss.item(), sum_loss.item()))
    norms = update_norms(initial, model)
    return {"fast_losses": np.array(losses, np.float32), "fast_update_norms": norms}


@torch.no_grad()
def update_norms(before: TorchMnistSum, after: TorchMnistSum) -> Shaped[np.ndarray, " array"]:
    pairs = zip(before.parameters(), after.parameters(), strict=True)
    return torch.tensor([(new - old).norm() for old, new in pairs]).numpy()


def one_cycle(step: int) -> float:
    """Rise along a cosine from a 25th of the rate, then fall to a 250,000th of it."""
    peak, rise = FAST["rate"], FAST["warmup"] * FAST["steps"]
    if step < rise:
        low, high, share = peak / 25, peak, step / rise
    else:
        low, high, share = peak, peak / 250_000, (step - rise) / (FAST["steps"] - rise)
    return low + (high - low) * (1 - math.cos(math.pi * share)) / 2


def arbitrary_model(batches: Iterable[Batch]) -> TorchMnistSum:
    """Draw everything in the batch norms at random, then train on the batches.

    That brings the running statistics near the data's, or outputs would be in the thousands.
    """
    model = TorchMnistSum(dropout_rate=0.0).double()
    for name, array in model.state_dict().items():
        if ".1." in name and array.is_floating_point():
            nn.init.uniform_(array, 0.5, 1.5)
    optimizer = torch.optim.SGD(model.parameters(), reference.LEARNING_RATE, reference.MOMENTUM)
    for batch in batches:
        train_step(model, optimizer, batch)
    return model.float().double()  # what float32 can hold


@torch.no_grad()
def evaluate(model: TorchMnistSum, batch: Batch) -> Iterable[tuple[str, Tensor]]:
    return zip(Outputs._fields, model.eval()(batch[0], batch[2]), strict=True)


def arrays(group: str, tensors: Iterable[tuple[str, Tensor]]) -> Golden:
    """Copy tensors into arrays of float32 or int64, with their group before their names."""
    return {
        f"{group}/{name}": np.array(x.tolist(), np.float32 if x.is_floating_point() else np.int64)
        for name, x in tensors
    }


if __name__ == "__main__":
    torch.manual_seed(SEED)
    torch.set_num_threads(1)  # the order of additions is then always the same
    np.savez_compressed(GOLDEN_FILE, allow_pickle=False, **make_golden())
