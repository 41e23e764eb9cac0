"""Export: what other programs load gives the answers of the network."""

import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import pytest
from flax.traverse_util import flatten_dict, unflatten_dict
from onnxruntime import InferenceSession

from experiments import export as command
from experiments.configs import best, sample, vary
from experiments.exporting.source import command_of, read_source
from experiments.system.this_run import Run
from experiments.training.epochs import run_facts
from mnist_sum.data import load
from mnist_sum.files.checkpoint import Checkpoint, open_checkpoints, save
from mnist_sum.files.weights import PRETRAINED, load_weights, read_provenance, save_weights
from mnist_sum.learning.network import Network
from mnist_sum.learning.state import create_state
from mnist_sum.recipe import Recipe

TEST = load("sample").test


def write(source, to, output):
    return command.main([str(source), "--to", to, "--output", str(output)])


@pytest.fixture(scope="module")
def expected():
    """Compute the outputs of the network that comes with the package."""
    return command.by_library(load_weights(PRETRAINED))(TEST.image, TEST.number)


def test_onnx_has_named_inputs_and_outputs_for_any_number_of_images(tmp_path, expected, capsys):
    path = tmp_path / "w.onnx"
    assert write(PRETRAINED, "onnx", path) == 0
    assert "w.onnx (" in capsys.readouterr().out
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = InferenceSession(path)
    assert [(x.name, x.type, x.shape) for x in session.get_inputs()] == [
        ("image", "tensor(uint8)", ["batch", 28, 28]),
        ("number", "tensor(int32)", ["batch"]),
    ]
    assert [(x.name, x.type, x.shape) for x in session.get_outputs()] == [
        ("digit_log_probabilities", "tensor(float)", ["batch", 10]),
        ("sum_logits", "tensor(float)", ["batch", 19]),
    ]
    for count in (1, 7, 1000):
        given = {"image": TEST.image[:count], "number": TEST.number[:count].astype(np.int32)}
        for found, ours in zip(session.run(None, given), expected, strict=True):
            np.testing.assert_allclose(found, ours[:count], atol=1e-4, rtol=1e-5)


def test_onnx_has_the_exact_adder_too(tmp_path):
    recipe = Recipe(adder="exact")
    network = Network(recipe, create_state(recipe, jax.random.key(0)).variables)
    save_weights(network, tmp_path / "exact", {})
    assert write(tmp_path / "exact", "onnx", tmp_path / "w.onnx") == 0


def test_stablehlo_runs_without_this_package_and_is_for_gpus_too(tmp_path, expected):
    path = tmp_path / "w.stablehlo"
    assert write(PRETRAINED, "stablehlo", path) == 0
    assert jax.export.deserialize(bytearray(path.read_bytes())).platforms == ("cpu", "cuda")
    program = (
        "import sys, pathlib, numpy as np, jax; from jax import export\n"
        f"exported = export.deserialize(bytearray(pathlib.Path({str(path)!r}).read_bytes()))\n"
        "digit, sum_ = exported.call(np.zeros((3, 28, 28), np.uint8), np.zeros(3, np.int32))\n"
        "print(digit.shape, sum_.shape, 'mnist_sum' in sys.modules)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert finished.stdout == "(3, 10) (3, 19) False\n"


def test_safetensors_of_a_run_say_how_it_was_trained(tmp_path):
    config = vary(sample(), seed=7)
    state = create_state(config.recipe, jax.random.key(0), 480)
    test = {"digit_accuracy": 0.5, "sum_accuracy": 0.25}
    run = run_facts(Run("sample", config, tmp_path, jax.devices(), load("sample")))
    with open_checkpoints(tmp_path / "checkpoints") as checkpoints:
        saved = Checkpoint(config.recipe, state, [{"epoch": 1, "test": test}], run)
        save(checkpoints, 1, saved)
    assert write(tmp_path, "safetensors", tmp_path / "w") == 2  # it has no config.json
    (tmp_path / "config.json").write_text('{"name": "sample"}')
    assert write(tmp_path, "safetensors", tmp_path / "w") == 0
    noted = read_provenance(tmp_path / "w")["provenance"]
    assert noted["command"] == "python -m experiments.run --config sample --seed 7"
    assert (noted["epochs"], noted["test"]) == (1, test)
    assert write(tmp_path / "w", "safetensors", tmp_path / "again") == 0
    assert (tmp_path / "again").read_bytes() == (tmp_path / "w").read_bytes()


def test_a_command_has_the_options_that_its_name_does_not_imply():
    config = vary(best(), nesterov=False, held_out=5000, learning_rate=0.1)
    first, *options = command_of("best", config).split(" --")
    assert first == "python -m experiments.run"
    assert set(options) == {
        "config best",
        "learning-rate 0.1",
        "no-nesterov",
        "held-out 5000",
    }


def test_a_file_that_answers_otherwise_is_not_left_behind(tmp_path, monkeypatch, capsys):
    leaves = flatten_dict(load_weights(PRETRAINED).variables)
    changed = {path: x + 0.1 * jnp.ones_like(x) for path, x in leaves.items()}
    other = Network(best().recipe, unflatten_dict(changed))
    monkeypatch.setattr(command, "load_weights", lambda path: other)
    assert write(PRETRAINED, "safetensors", tmp_path / "w") == 2
    assert "The file computes other digit_log_probabilities" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("source", "to", "output", "sentence"),
    [
        ("nothing", "onnx", "w", "There is no file nothing: check its name."),
        (str(PRETRAINED), "onnx", "no/w", "no/w cannot be written (No such file or directory)"),
        (str(PRETRAINED), "stablehlo", "no/w", "no/w cannot be written (No such file"),
        (str(PRETRAINED), "safetensors", "no/w", "no/"),
        (str(PRETRAINED), "tf", "w", "invalid choice"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    source, to, output, sentence, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert write(source, to, output) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("error: ")
    assert sentence in errors
    assert len(errors.splitlines()) == 1
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(("to", "module"), [("onnx", "onnxruntime"), ("torch", "torch")])
def test_without_a_library_its_format_is_a_sentence(tmp_path, monkeypatch, capsys, to, module):
    for name in [name for name in sys.modules if name.startswith("experiments.exporting.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    assert write(PRETRAINED, to, tmp_path / "w") == 2
    assert f"error: --to {to} needs {module}: install the extra" in capsys.readouterr().err


@pytest.mark.parity
def test_the_state_dict_is_loaded_by_torch(tmp_path):
    torch = pytest.importorskip("torch")
    assert write(PRETRAINED, "torch", tmp_path / "w.pt") == 0
    state_dict = torch.load(tmp_path / "w.pt", weights_only=True)
    assert state_dict["layer1.1.num_batches_tracked"] == read_source(PRETRAINED).steps
