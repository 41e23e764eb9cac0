"""Devices: the kind that was asked for, or a sentence; as many as may be used."""

import os
from types import SimpleNamespace

import jax
import pytest

from experiments.system import device
from experiments.system.device import (
    ComputeOptions,
    add_xla_flag,
    available_cores,
    choose_devices,
    current_settings,
    describe_environment,
    set_up_devices,
)
from mnist_sum.devices import keep_compiled_programs
from mnist_sum.errors import UsageError
from tests.commands import run_python


@pytest.mark.parametrize(
    ("choice", "count", "batch_size", "found"),
    [
        ("auto", None, None, 8),
        ("cpu", None, None, 8),
        ("cpu", 3, 16, 3),
        ("auto", None, 16, 8),  # as many as divide the batch
        ("auto", None, 12, 6),
        ("auto", None, 7, 7),
        ("auto", None, 11, 1),
    ],
)
def test_the_first_devices_are_taken(choice, count, batch_size, found):
    assert choose_devices(choice, count, batch_size) == jax.devices()[:found]


@pytest.mark.parametrize("count", [0, 9, -1])
def test_more_devices_than_there_are_is_one_sentence(count):
    with pytest.raises(UsageError, match=rf"^--devices is {count} but must be 1 .. 8"):
        choose_devices("auto", count)


def test_a_flag_is_added_to_those_that_are_set(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_dump_to=/nowhere")
    add_xla_flag("--xla_gpu_deterministic_ops=true")
    assert os.environ["XLA_FLAGS"] == "--xla_dump_to=/nowhere --xla_gpu_deterministic_ops=true"


@pytest.mark.parametrize(
    ("precision", "platform", "products"),
    [("float32", "gpu", "highest"), ("tf32", "gpu", "tensorfloat32"), ("tf32", "cpu", None)],
)
def test_only_a_gpu_has_a_choice_of_precision_which_is_noted(
    precision, platform, products, monkeypatch
):
    device_found = SimpleNamespace(platform=platform)
    monkeypatch.setattr(device, "choose_devices", lambda *_: [device_found])
    before = jax.config.jax_default_matmul_precision
    jax.config.update("jax_default_matmul_precision", None)
    assert set_up_devices("auto", ComputeOptions(precision=precision), 16) == [device_found]
    settings = {
        "jax_default_prng_impl": "threefry2x32",
        "jax_threefry_partitionable": True,
        "jax_random_seed_offset": 0,
        "jax_enable_x64": False,
    }
    of_gpu = {"jax_default_matmul_precision": products} if platform == "gpu" else {}
    assert current_settings(device_found) == settings | of_gpu
    jax.config.update("jax_default_matmul_precision", before)


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
        ({"cpu/own/cpu.cfs_quota_us": "70\n", "cpu/own/cpu.cfs_period_us": "10\n"}, 7),
    ],
)
def test_cores_are_counted_that_a_container_may_use(files, cores, monkeypatch, tmp_path):
    for name, text in ({"groups": "0::/own\n"} | files).items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(50)), raising=False)
    monkeypatch.setattr(device, "CGROUPS", str(tmp_path))
    monkeypatch.setattr(device, "OWN_GROUPS", str(tmp_path / "groups"))
    assert available_cores() == cores


PLUGIN = "def initialize():\n    raise RuntimeError('cuInit failed: no driver.\\nmore of it')\n"
SEARCH = """
import sys
from experiments.system.device import available_cores, choose_devices
from mnist_sum.terminal import exit_code
def search():
    devices = choose_devices(sys.argv[1])
    print(devices[0].platform, len(devices) == available_cores())
sys.exit(exit_code(search))
"""


@pytest.mark.parametrize(
    ("choice", "platforms", "output", "errors"),
    [
        ("auto", "", "cpu True\n", "No GPU is used (cuInit failed: no driver).\n"),
        ("auto", "cpu", "cpu True\n", ""),
        ("cpu", "cuda", "cpu True\n", ""),
        ("auto", "rocm", "", "error: JAX_PLATFORMS is rocm, but JAX has no such device on "),
        ("gpu", "", "", "error: --device gpu needs a GPU that JAX can use, and there is none (cuI"),
        ("gpu", "cpu", "", "error: --device gpu needs a GPU that JAX can use, which JAX_PLATFORM"),
    ],
)
def test_what_jax_says_of_missing_devices_is_one_line(choice, platforms, output, errors, tmp_path):
    plugin = tmp_path / "jax_plugins" / "gpu" / "__init__.py"
    plugin.parent.mkdir(parents=True)
    plugin.write_text(PLUGIN)
    code = SEARCH.replace("sys.argv[1]", repr(choice))
    settings = {"JAX_PLATFORMS": platforms, "JAX_NUM_CPU_DEVICES": None}
    found = run_python(code, tmp_path, **settings)
    assert found[0] == output
    assert found[1].startswith(errors)
    assert found[1].count("\n") == (1 if errors else 0)
    assert found[2] == (0 if output else 2)


COMMANDS = """
from mnist_sum import __main__ as mnist_sum
from experiments import describe, draw_page, export, read_folder
from mnist_sum.files.weights import PRETRAINED
codes = [
    mnist_sum.main(["x.png", "--add", "5"]),
    export.main([str(PRETRAINED), "--to", "torch", "--output", "x"]),
    draw_page.main(["--output", "x"]),
    describe.main(["--config", "smoke", "--output", "x"]),
]
print(codes)
"""


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        ("JAX_PLATFORMS", "cuda", "JAX_PLATFORMS is cuda, but JAX has no such device on this "),
        ("JAX_NUM_CPU_DEVICES", "0", "JAX_NUM_CPU_DEVICES is 0 but must be at least 1."),
    ],
)
def test_every_command_says_what_it_cannot_compute_on(variable, value, sentence, tmp_path):
    output, errors, _ = run_python(COMMANDS, tmp_path, **{variable: value})
    assert output == "[2, 2, 2, 2]\n"
    assert [line.startswith(f"error: {sentence}") for line in errors.splitlines()] == [True] * 4
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("place", "reason"),
    [("", None), ("/dev/null", "Not a directory"), (None, "Could not determine home")],
)
def test_compiled_programs_are_kept_in_the_users_cache_if_there_is_one(
    place, reason, monkeypatch, tmp_path
):
    for variable in ("JAX_COMPILATION_CACHE_DIR", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 54321)  # who is not in the user database
    if place is not None:
        monkeypatch.setenv("XDG_CACHE_HOME", place or str(tmp_path))
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    said, cache = keep_compiled_programs(0.3), jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", before)
    assert (said or "").startswith(reason or "")
    assert cache == (None if reason else str(tmp_path / "mnist_sum" / "jax"))
    assert reason or list((tmp_path / "mnist_sum" / "jax").iterdir()) == []


def test_device_and_versions_are_named():
    facts = describe_environment(jax.local_devices())
    count, name = facts["device"].split(", ", 1)
    assert count == f"{jax.local_device_count()} x cpu"
    assert len(name) > 3  # its own, not the platform's
    assert facts["jax"] == jax.__version__
    assert "memory" not in facts  # a processor has none of its own
    assert all(facts.values())


ELSEWHERE = """
import os, signal
for name in ("setsid", "sched_getaffinity", "sched_setaffinity"):
    delattr(os, name)
for name in ("SIGPIPE", "SIGKILL", "SIGHUP"):
    delattr(signal, name)
import experiments.run, experiments.summarize, experiments.describe
from mnist_sum.terminal import exit_code
from experiments.system.device import available_cores
from experiments.training.seeds import share_cores
def stop():
    raise BrokenPipeError
print(available_cores() > 0, share_cores(2, "cpu"), flush=True)
raise SystemExit(exit_code(stop))
"""


def test_what_only_unix_has_is_not_needed():
    assert run_python(ELSEWHERE) == ("True [[]]\n", "", 128 + 13)
