"""The work folder: made once, never overwritten, its files always whole."""

import errno
import fcntl
import json
import socket
import subprocess

import pytest

from experiments.configs import Config, config_of, fast, vary
from experiments.system import workdir
from mnist_sum.errors import UsageError


def test_a_free_name_is_found(tmp_path):
    for name in ("base", "base-2", "base-3"):
        assert workdir.next_free("base", tmp_path) == tmp_path / name
        assert (tmp_path / name).is_dir()


SETTINGS = {"jax_enable_x64": False, "jax_random_seed_offset": 0}


def begin(folder, name, config, resume=False, settings=SETTINGS):
    """Take a folder and leave it at once."""
    with workdir.hold(folder, name, config, settings, resume) as held:
        return held


def test_a_run_without_a_folder_gets_a_new_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [begin(None, "base", Config()) for _ in range(2)]
    assert [str(folder) for folder in folders] == ["runs/base", "runs/base-2"]


def test_the_config_is_noted(tmp_path):
    folder = begin(tmp_path / "new" / "run", "base", Config(epochs=3))
    assert json.loads((folder / "config.json").read_text())["name"] == "base"
    assert workdir.read_config(folder) == Config(epochs=3)


def test_a_run_is_not_overwritten(tmp_path):
    begin(tmp_path, "base", Config())
    before = (tmp_path / "config.json").read_bytes()
    with pytest.raises(UsageError, match=r"already holds a run; .* by --resume\.$"):
        begin(tmp_path, "base", Config(epochs=3))
    assert (tmp_path / "config.json").read_bytes() == before


def test_a_run_goes_on_in_its_folder_or_starts_there(tmp_path):
    for _ in range(2):
        assert begin(tmp_path / "run", "base", Config(), resume=True) == tmp_path / "run"


def test_checkpoints_alone_are_a_run_too(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    with pytest.raises(UsageError, match="already holds a run"):
        begin(tmp_path, "base", Config())


def test_a_run_does_not_go_on_with_another_config(tmp_path):
    begin(tmp_path, "base", Config())
    with pytest.raises(UsageError, match=r"momentum was 0\.9 and is 0\.8, epochs was 25 and is 3"):
        begin(tmp_path, "base", config_of({"epochs": 3, "momentum": 0.8}), resume=True)


def test_a_run_goes_on_for_more_epochs_if_the_first_ones_are_the_same(tmp_path):
    begin(tmp_path, "base", Config(epochs=3))
    begin(tmp_path, "base", Config(epochs=5), resume=True)
    assert workdir.read_config(tmp_path) == Config(epochs=5)
    with pytest.raises(UsageError, match=r"another config: epochs was 5 and is 4\.$"):
        begin(tmp_path, "base", Config(epochs=4), resume=True)
    begin(tmp_path / "one_cycle", "fast", fast())
    with pytest.raises(
        UsageError, match=r"epochs was 3 and is 4, and one_cycle lays its learning rates over all"
    ):
        begin(tmp_path / "one_cycle", "fast", vary(fast(), epochs=4), resume=True)
    assert workdir.read_config(tmp_path / "one_cycle") == fast()


def test_a_run_with_new_statistics_does_not_go_on_for_more_epochs(tmp_path):
    begin(tmp_path, "base", Config(epochs=3, renew_statistics=True))
    begin(tmp_path, "base", Config(epochs=3, renew_statistics=True), resume=True)
    with pytest.raises(UsageError, match=r"epochs was 3 and is 4, and the statistics of what was"):
        begin(tmp_path, "base", Config(epochs=4, renew_statistics=True), resume=True)


def test_a_run_does_not_go_on_under_other_settings(tmp_path):
    begin(tmp_path, "base", Config())
    begin(tmp_path, "base", Config(), resume=True, settings=SETTINGS | {"jax_of_tomorrow": 1})
    with pytest.raises(
        UsageError, match=r"was trained under .* JAX: JAX_ENABLE_X64 was False and is True\.$"
    ):
        begin(tmp_path, "base", Config(), True, SETTINGS | {"jax_enable_x64": True})


def test_a_run_goes_on_only_in_a_folder_that_is_named():
    with pytest.raises(UsageError, match="--resume needs --workdir"):
        begin(None, "base", Config(), resume=True)


def test_a_config_that_was_noted_before_a_field_existed_has_its_default(tmp_path):
    begin(tmp_path, "base", Config())
    (tmp_path / "config.json").write_text('{"name": "base", "config": {"epochs": 7}}')
    begin(tmp_path, "base", Config(epochs=7), resume=True)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            "",
            r"config\.json is damaged \(Expecting value: .*\): delete it, and a run with --resume",
        ),
        ("{", r"config\.json is damaged \(Expecting property name "),
        ("[]", r"config\.json is not that of a run"),
        ("{}", r"config\.json is not that of a run"),
        ('{"config": 3}', r"config\.json is not that of a run"),
        (
            '{"version": "9.8", "config": {"colour": 1}}',
            r"config\.json was written by mnist_sum 9\.8 and .*: colour is no field of a config",
        ),
        (
            '{"config": {"seed": "1"}}',
            r"written by mnist_sum 0\.1 or earlier .*: seed is '1' and",
        ),
    ],
)
def test_a_config_that_is_none_is_one_sentence(tmp_path, content, sentence):
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(UsageError, match=sentence) as error:
        begin(tmp_path, "base", Config(), resume=True)
    assert "\n" not in str(error.value)


def test_a_config_that_cannot_be_read_is_not_called_damaged(tmp_path):
    (tmp_path / "config.json").mkdir()
    with pytest.raises(UsageError, match=r"config\.json cannot be read \(Is a directory\)\.$"):
        begin(tmp_path, "base", Config(), resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_a_folder_is_one_runs_at_a_time(tmp_path, resume):
    with (
        workdir.hold(tmp_path, "base", Config(), SETTINGS, resume),
        pytest.raises(UsageError, match=r"in use by another run; choose another --workdir\.$"),
    ):
        begin(tmp_path, "base", Config(), resume)


def no_flock(monkeypatch):
    """Let there be no locks, as on some file systems of networks."""

    def refuse(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_without_locks_of_the_system_a_lock_file_that_is_left_over_can_be_deleted(
    tmp_path, monkeypatch
):
    no_flock(monkeypatch)
    (tmp_path / ".lock").write_text("12\nanother-machine\n")
    sentence = rf"in use by another run; .* or delete {tmp_path}/\.lock if that run has ended\.$"
    for _ in range(2):
        with pytest.raises(UsageError, match=sentence):
            begin(tmp_path, "base", Config())
    (tmp_path / ".lock").unlink()
    for resume in (False, True):
        begin(tmp_path, "base", Config(), resume)


def test_without_locks_of_the_system_a_run_that_was_killed_leaves_none(tmp_path, monkeypatch):
    no_flock(monkeypatch)
    ended = subprocess.Popen(["true"])
    ended.wait()
    (tmp_path / ".lock").write_text(f"{ended.pid}\n{socket.gethostname()}\n")
    begin(tmp_path, "base", Config())


@pytest.mark.parametrize("name", ["file/run", "file", "x" * 300])
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        begin(tmp_path / name, "base", Config())


def test_metrics_are_one_object_a_line(tmp_path):
    records = [{"epoch": 1}, {"epoch": 2}]
    workdir.write_metrics(tmp_path, records)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == records
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]
