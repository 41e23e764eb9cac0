"""PyTorch computes in the way that its row is named after."""

import pytest

torch = pytest.importorskip("torch")
pytorch = pytest.importorskip("experiments.workshop.benchmark.pytorch")

from experiments.workshop.benchmark.torch_reference import TorchMnistSum  # noqa: E402
from experiments.workshop.benchmark.worker import UnavailableError  # noqa: E402

pytestmark = pytest.mark.parity


def convolved(way):
    """Compute in a way; returns the output of the second convolution, and that of the network."""
    model, outputs = TorchMnistSum(), []
    pytorch.change(model, way)
    second = model.mnist_mode.convblock2[0]
    second.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    result = model(torch.zeros(2, 28, 28, dtype=torch.uint8), torch.zeros(2, dtype=torch.long))
    return outputs[0], result.sum_logits


def is_channels_last(output):
    return output.is_contiguous(memory_format=torch.channels_last)


def test_channels_are_first_or_last():
    first, _ = convolved("")
    last, _ = convolved("channels last")
    assert not is_channels_last(first)
    assert is_channels_last(last)
    assert first.dtype == last.dtype == torch.float32


def test_bfloat16_is_for_processors_that_have_it(monkeypatch, tmp_path):
    processor = tmp_path / "cpuinfo"
    monkeypatch.setattr(pytorch, "PROCESSOR", processor)
    processor.write_text("flags : fpu avx2 avx512f avx512_bf16 sha_ni\n")
    output, logits = convolved("bfloat16, channels last")
    assert output.dtype == logits.dtype == torch.bfloat16
    assert is_channels_last(output)
    processor.write_text("flags : fpu avx2 avx512f\n")
    with pytest.raises(UnavailableError, match="no instructions for bfloat16"):
        convolved("bfloat16, channels last")


def test_compiling_needs_a_compiler(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(UnavailableError, match="there is no no-such-compiler"):
        convolved("compiled")
