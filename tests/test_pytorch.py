"""PyTorch computes in the way that its row is named after."""

import pytest

torch = pytest.importorskip("torch")
pytorch = pytest.importorskip("experiments.workshop.benchmark.pytorch")
pytestmark = pytest.mark.parity


@pytest.fixture
def model(monkeypatch, tmp_path):
    """Make a network on a processor that has bfloat16, where there is no compiler."""
    monkeypatch.setattr(pytorch, "PROCESSOR", tmp_path / "cpuinfo")
    pytorch.PROCESSOR.write_text("flags : fpu avx2 avx512f avx512_bf16 sha_ni\n")
    monkeypatch.setenv("CXX", "no-such-compiler")
    return pytorch.TorchMnistSum()


@pytest.mark.parametrize(
    ("way", "dtype", "is_last"),
    [
        ("", "float32", False),
        ("channels last", "float32", True),
        ("bfloat16, channels last", "bfloat16", True),
    ],
)
def test_a_way_has_its_type_and_layout(model, way, dtype, is_last):
    outputs = []
    pytorch.change(model, way)
    second = model.mnist_mode.convblock2[0]
    second.register_forward_hook(lambda module, inputs, output: outputs.append(output))
    model(torch.zeros(2, 28, 28, dtype=torch.uint8), torch.zeros(2, dtype=torch.long))
    assert outputs[0].dtype == getattr(torch, dtype)
    assert outputs[0].is_contiguous(memory_format=torch.channels_last) == is_last


@pytest.mark.parametrize(
    ("way", "message"),
    [("bfloat16", "no instructions for bfloat16"), ("compiled", "there is no no-such-compiler")],
)
def test_what_the_machine_lacks_is_a_sentence(model, way, message):
    pytorch.PROCESSOR.write_text("flags : fpu avx2 avx512f\n")
    with pytest.raises(pytorch.UsageError, match=message):
        pytorch.change(model, way)
