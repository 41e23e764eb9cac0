"""PyTorch computes in the way that its row is named after."""

import pytest

torch = pytest.importorskip("torch")
pytorch = pytest.importorskip("experiments.workshop.benchmark.pytorch")
pytestmark = pytest.mark.parity


@pytest.mark.parametrize(("way", "is_last"), [("", False), ("channels last", True)])
def test_a_way_has_its_layout(way, is_last):
    outputs = []
    model = pytorch.TorchMnistSum()
    pytorch.change(model, way)
    second = model.mnist_mode.convblock2[0]
    second.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    model(torch.zeros(2, 28, 28, dtype=torch.uint8), torch.zeros(2, dtype=torch.long))
    assert outputs[0].is_contiguous(memory_format=torch.channels_last) == is_last


def test_what_the_machine_lacks_is_a_sentence(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    with pytest.raises(pytorch.UsageError, match="there is no no-such-compiler"):
        pytorch.change(pytorch.TorchMnistSum(), "compiled")
