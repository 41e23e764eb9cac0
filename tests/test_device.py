"""Devices: the kind that was asked for, or a sentence."""

import os
import subprocess
import sys
from types import SimpleNamespace

import jax
import pytest

from experiments.system import device
from experiments.system.device import (
    DETERMINISTIC,
    add_xla_flag,
    available_cores,
    choose_devices,
    current_settings,
    device_name,
    use_precision,
)
from mnist_sum.errors import UsageError
from mnist_sum.program_cache import keep_compiled_programs
from tests.commands import ROOT


@pytest.mark.parametrize("choice", ["auto", "cpu"])
def test_there_is_always_a_cpu(choice):
    assert choose_devices(choice) == jax.devices()


def test_a_gpu_that_is_not_there_is_an_error():
    with pytest.raises(UsageError, match="--device gpu needs a GPU"):
        choose_devices("gpu")


def test_a_processor_is_called_by_its_name():
    name = device_name(jax.devices()[0])
    assert len(name) > 3
    assert name != "cpu"


def test_the_first_so_many_devices_are_taken():
    assert choose_devices("cpu", 3) == jax.devices()[:3]


@pytest.mark.parametrize("count", [0, 9, -1])
def test_more_devices_than_there_are_is_one_sentence(count):
    with pytest.raises(UsageError, match=rf"^--devices is {count} and must be 1 .. 8"):
        choose_devices("auto", count)


def test_a_flag_is_added_to_those_that_are_set(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/nowhere")
    add_xla_flag(DETERMINISTIC)
    assert os.environ["XLA_FLAGS"] == "--xla_dump_to=/nowhere --xla_gpu_deterministic_ops=true"


@pytest.mark.parametrize(
    ("precision", "platform", "products"),
    [("float32", "gpu", ["highest"]), ("tf32", "gpu", ["tensorfloat32"]), ("tf32", "cpu", [])],
)
def test_only_a_gpu_has_a_choice_of_precision(monkeypatch, precision, platform, products):
    said = []
    monkeypatch.setattr(jax.config, "update", lambda name, value: said.append((name, value)))
    use_precision(precision, SimpleNamespace(platform=platform))
    assert said == [("jax_default_matmul_precision", product) for product in products]


@pytest.mark.parametrize(("batch_size", "count"), [(16, 8), (12, 6), (7, 7), (11, 1)])
def test_a_processor_takes_as_many_cores_as_divide_the_batch(batch_size, count):
    assert choose_devices("auto", None, batch_size) == jax.devices()[:count]


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, 50),
        ({"cpu.max": "max 100000\n"}, 50),
        ({"cpu.max": "200000 100000\n"}, 2),
        ({"cpu.max": "50000 100000\n"}, 1),
        ({"own/cpu.max": "350000 100000\n", "cpu.max": "max 100000\n"}, 3),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 50),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
    ],
)
def test_cores_are_counted_that_a_container_may_use(files, cores, monkeypatch, tmp_path):
    for name, text in ({"groups": "0::/own\n"} | files).items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(50)), raising=False)
    monkeypatch.setattr(device, "CGROUPS", str(tmp_path))
    monkeypatch.setattr(device, "OWN_GROUPS", str(tmp_path / "groups"))
    assert available_cores() == cores


def test_each_core_that_a_process_may_use_is_a_device():
    show = (
        "from experiments.system.device import available_cores, choose_devices;"
        "print(available_cores(), len(choose_devices('cpu')))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "JAX_NUM_CPU_DEVICES"}
    found = subprocess.run(
        [sys.executable, "-c", show], capture_output=True, text=True, env=environment, check=True
    )
    cores, devices = found.stdout.split()
    assert cores == devices


SETTINGS = {
    "jax_default_prng_impl": "threefry2x32",
    "jax_threefry_partitionable": True,
    "jax_random_seed_offset": 0,
    "jax_enable_x64": False,
}


def test_only_an_accelerator_multiplies_with_another_precision():
    with jax.default_matmul_precision("highest"):
        assert current_settings(jax.devices()[0]) == SETTINGS
        expected = SETTINGS | {"jax_default_matmul_precision": "highest"}
        assert current_settings(SimpleNamespace(platform="gpu")) == expected


PLUGIN = "def initialize():\n    raise RuntimeError('cuInit failed: no driver.\\nmore of it')\n"


def find(tmp_path, choice, **variables):
    """Look for devices on a machine with a plugin for GPUs that finds no driver."""
    plugin = tmp_path / "jax_plugins" / "gpu" / "__init__.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(PLUGIN)
    show = (
        "import experiments.system.device as d, mnist_sum.terminal as t, sys;"
        f"sys.exit(t.exit_code(lambda: print(d.choose_devices({choice!r})[0].platform)))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "JAX_PLATFORMS"} | variables
    environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(tmp_path)])
    finished = subprocess.run(
        [sys.executable, "-c", show], capture_output=True, text=True, env=environment, cwd=tmp_path
    )
    return finished.stdout, finished.stderr


SEARCHES = [
    ("auto", None, "cpu\n", "No GPU is used (cuInit failed: no driver).\n"),
    ("auto", "cpu", "cpu\n", ""),
    ("cpu", "cuda", "cpu\n", ""),
    ("auto", "cuda", "", "error: JAX_PLATFORMS is cuda, and JAX can use no such device of this"),
    ("auto", "rocm", "", "error: JAX_PLATFORMS is rocm, and JAX can use no such device of this"),
    ("gpu", None, "", "error: --device gpu needs a GPU that JAX can use, and there is none (cuIn"),
    ("gpu", "cpu", "", "error: --device gpu needs a GPU that JAX can use, which JAX_PLATFORMS=cpu"),
]


@pytest.mark.parametrize(("choice", "platforms", "output", "errors"), SEARCHES)
def test_what_jax_says_of_missing_devices_is_one_line(choice, platforms, output, errors, tmp_path):
    variables = {} if platforms is None else {"JAX_PLATFORMS": platforms}
    found = find(tmp_path, choice, **variables)
    assert found[0] == output
    assert found[1].startswith(errors)
    assert found[1].count("\n") == (1 if errors else 0)


COMMANDS = """
import mnist_sum.__main__, experiments.export, experiments.draw_page, experiments.describe, sys
from mnist_sum.files.weights import PRETRAINED
codes = [
    mnist_sum.__main__.main(["x.png", "--add", "5"]),
    experiments.export.main([str(PRETRAINED), "--to", "torch", "--output", "x"]),
    experiments.draw_page.main(["--output", "x"]),
    experiments.describe.main(["--config", "smoke", "--output", "x"]),
]
print(codes)
"""


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("JAX_PLATFORMS", "cuda", "JAX_PLATFORMS is cuda, and JAX can use no such device of this "),
        ("JAX_PLATFORMS", "tpu", "JAX_PLATFORMS is tpu, and JAX can use no such device of this "),
        ("JAX_NUM_CPU_DEVICES", "0", "JAX_NUM_CPU_DEVICES is 0 and must be at least 1."),
    ],
)
def test_every_command_says_what_it_cannot_compute_on(variable, value, sentence, tmp_path):
    environment = os.environ | {variable: value, "PYTHONPATH": str(ROOT)}
    finished = subprocess.run(
        [sys.executable, "-c", COMMANDS], capture_output=True, text=True, env=environment,
        cwd=tmp_path,
    )  # fmt: skip
    assert finished.stdout == "[2, 2, 2, 2]\n"
    lines = finished.stderr.splitlines()
    assert len(lines) == 4
    assert all(line.startswith(f"error: {sentence}") for line in lines)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def cache(monkeypatch):
    """Let there be no other folder of compiled programs than the user's, and none in use."""
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    yield lambda: jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", before)


def test_compiled_programs_are_kept_in_the_users_cache(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert keep_compiled_programs(0.3) is None
    assert cache() == str(tmp_path / "mnist_sum" / "jax")
    assert list((tmp_path / "mnist_sum" / "jax").iterdir()) == []


@pytest.mark.parametrize(
    ("place", "reason"),
    [("/dev/null/cache", "Not a directory"), (None, "Could not determine home")],
)
def test_where_there_is_no_cache_nothing_is_kept(cache, place, reason, monkeypatch):
    if place:
        monkeypatch.setenv("XDG_CACHE_HOME", place)
    else:  # nor an entry in the user database
        for variable in ("XDG_CACHE_HOME", "HOME"):
            monkeypatch.delenv(variable, raising=False)
        monkeypatch.setattr(os, "getuid", lambda: 54321)
    assert keep_compiled_programs(0.3).startswith(reason)
    assert cache() is None
