"""Export: what other programs load gives the answers of the network, and says what it takes."""

import json
import sys

import jax
import numpy as np
import onnx
import pytest
from onnxruntime import InferenceSession

from experiments import export as command
from experiments.configs import best, sample, vary
from experiments.formats import EXPLANATION, INTERFACE
from experiments.system.workdir import Run
from experiments.training.epochs import run_facts
from mnist_sum.data import load
from mnist_sum.files.checkpoint import Checkpoint, open_checkpoints, save
from mnist_sum.files.weights import PRETRAINED, load_weights, read_weights
from mnist_sum.learning.model import Outputs
from mnist_sum.learning.network import Network
from mnist_sum.learning.state import create_state
from mnist_sum.recipe import Recipe
from mnist_sum.version import VERSION
from tests.commands import run_python

TEST = load("sample").test


def write(source, to, output):
    return command.main([str(source), "--to", to, "--output", str(output)])


def test_onnx_names_what_it_takes_and_gives_for_any_number_of_images(tmp_path, capsys):
    path = tmp_path / "w.onnx"
    for _ in range(2):  # what it has made itself, it may replace
        assert write(PRETRAINED, "onnx", path) == 0
    assert "w.onnx (" in capsys.readouterr().out
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    values = [*model.graph.input, *model.graph.output]
    assert {value.name: value.doc_string for value in values} == INTERFACE
    session = InferenceSession(path)
    assert [(x.name, x.type, x.shape) for x in session.get_inputs()] == [
        ("image", "tensor(uint8)", ["batch", 28, 28]),
        ("number", "tensor(int32)", ["batch"]),
    ]
    assert [(x.name, x.type, x.shape) for x in session.get_outputs()] == [
        ("digit_log_probabilities", "tensor(float)", ["batch", 10]),
        ("sum_logits", "tensor(float)", ["batch", 19]),
    ]
    noted = session.get_modelmeta()
    assert noted.description == EXPLANATION
    assert "pixels 0 .. 255" in noted.custom_metadata_map["image"]
    description = json.loads(noted.custom_metadata_map["mnist_sum"])
    assert (description["version"], description["recipe"]["numbers"]) == (VERSION, "all")
    assert description["provenance"] == read_weights(PRETRAINED)[1]["provenance"]
    expected = command.by_library(load_weights(PRETRAINED))(TEST.image, TEST.number)
    for count in (1, 7, 1000):
        given = {"image": TEST.image[:count], "number": TEST.number[:count].astype(np.int32)}
        for found, ours in zip(session.run(None, given), expected, strict=True):
            np.testing.assert_allclose(found, ours[:count], atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("to", ["onnx", "stablehlo"])
@pytest.mark.parametrize("adder", ["mlp", "exact"])
def test_each_adder_is_exported_and_a_number_out_of_range_makes_the_sum_nan(to, adder):
    recipe = Recipe(adder=adder)
    network = Network(recipe, create_state(recipe, jax.random.key(0)).variables)
    _, compute = command.convert(network, {}, to)
    assert command.compare(network, compute) < 1e-4
    number = np.array([-(2**31), -1, 0, 9, 10, 2**31 - 1], np.int32)
    found = Outputs(*compute(TEST.image[:6], number))
    for row in (np.isnan(found.sum_logits).all(1), np.isnan(found.sum_logits).any(1)):
        assert row.tolist() == [True, True, False, False, True, True]
    assert np.isfinite(found.digit_log_probabilities).all()


def test_stablehlo_runs_without_this_package_and_is_for_gpus_too(tmp_path):
    path = tmp_path / "w.stablehlo"
    path.write_text(EXPLANATION, encoding="utf-8")  # what it has made itself, it may replace
    for _ in range(2):
        assert write(PRETRAINED, "stablehlo", path) == 0
    program = (
        "import sys, pathlib, numpy as np, jax; from jax import export\n"
        f"exported = export.deserialize(bytearray(pathlib.Path({str(path)!r}).read_bytes()))\n"
        "digit, sum_ = exported.call(np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.int32))\n"
        "print(digit.shape, sum_.shape, exported.platforms, 'mnist_sum' in sys.modules)\n"
        "print(exported.fun_name)"
    )
    first, explanation = run_python(program, tmp_path)[0].split("\n", 1)
    assert first == "(3, 10) (3, 19) ('cpu', 'cuda') False"
    assert explanation.startswith(EXPLANATION)
    description = json.loads(explanation.removeprefix(EXPLANATION))
    assert description["provenance"]["config"] == "best"


def test_safetensors_of_a_run_say_how_it_was_trained(tmp_path):
    config = vary(sample(), seed=7)
    state = create_state(config.recipe, jax.random.key(0), 480)
    test = {"digit_accuracy": 0.5, "sum_accuracy": 0.25}
    run = run_facts(Run("sample", config, tmp_path, jax.devices(), load("sample")))
    with open_checkpoints(tmp_path / "checkpoints") as checkpoints:
        saved = Checkpoint(config.recipe, state, [{"epoch": 1, "test": test}], run)
        save(checkpoints, 1, saved)
    assert write(tmp_path, "safetensors", tmp_path / "w") == 0
    noted = read_weights(tmp_path / "w")[1]["provenance"]
    assert noted["command"] == "python -m experiments.run --config sample --seed 7"
    assert (noted["epochs_done"], noted["epochs"], noted["test"]) == (1, 12, test)
    assert write(tmp_path / "w", "safetensors", tmp_path / "again") == 0
    assert (tmp_path / "again").read_bytes() == (tmp_path / "w").read_bytes()


def test_a_file_that_answers_otherwise_is_not_written(tmp_path, monkeypatch, capsys):
    spoilt = jax.tree.map(lambda x: x + 0.1, load_weights(PRETRAINED).variables)
    other = b"", command.by_library(Network(best().recipe, spoilt))
    monkeypatch.setattr(command, "convert", lambda *_: other)
    assert write(PRETRAINED, "safetensors", tmp_path / "w") == 2
    assert "Converted digit_log_probabilities differ" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("to", "module"), [("onnx", "onnxruntime"), ("torch", "torch")])
def test_without_a_library_its_format_is_a_sentence(tmp_path, monkeypatch, capsys, to, module):
    monkeypatch.setitem(sys.modules, module, None)
    assert write(PRETRAINED, to, tmp_path / "w") == 2
    assert f"error: --to {to} needs {module}: install the extra" in capsys.readouterr().err


@pytest.mark.parity
def test_the_state_dict_is_loaded_by_torch(tmp_path):
    torch = pytest.importorskip("torch")
    assert write(PRETRAINED, "torch", tmp_path / "w.pt") == 0
    state_dict = torch.load(tmp_path / "w.pt", weights_only=True)
    assert state_dict["layer1.1.num_batches_tracked"] == 56280
