"""The work folder: made once, never overwritten, its files always whole."""

import json

import pytest

from experiments import workdir
from experiments.arguments import UsageError
from mnist_sum.config import Config


def test_a_free_name_is_found(tmp_path):
    for name in ("base", "base-2", "base-3"):
        assert workdir.next_free("base", tmp_path) == tmp_path / name
        assert (tmp_path / name).is_dir()


def test_a_run_without_a_folder_gets_a_new_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [workdir.begin(None, "base", Config()) for _ in range(2)]
    assert [str(folder) for folder in folders] == ["runs/base", "runs/base-2"]


def test_the_config_is_noted(tmp_path):
    workdir.begin(tmp_path / "new" / "run", "base", Config())
    noted = json.loads((tmp_path / "new" / "run" / "config.json").read_text())
    assert noted["name"] == "base"
    assert Config(**noted["config"]) == Config()


def test_a_run_is_not_overwritten(tmp_path):
    workdir.begin(tmp_path, "base", Config())
    before = (tmp_path / "config.json").read_bytes()
    with pytest.raises(UsageError, match="already holds a run"):
        workdir.begin(tmp_path, "base", Config(epochs=3))
    assert (tmp_path / "config.json").read_bytes() == before


@pytest.mark.parametrize("name", ["file/run", "file", "x" * 300])
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path, name):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        workdir.begin(tmp_path / name, "base", Config())


def test_metrics_are_one_object_a_line(tmp_path):
    records = [{"epoch": 1}, {"epoch": 2}]
    workdir.write_metrics(tmp_path, records)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == records
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]
