"""The tables in the texts are those of the records, and each says what its records do."""

import json

import pytest

from experiments.configs import STUDIES, Config, fields_of, named_config, vary
from experiments.summarize import summary_of
from experiments.system.workdir import read_records
from experiments.workshop import figures
from experiments.workshop.figures import RECIPES, RESULTS, ROOT, TABLES, TEXTS

FOLDERS = sorted({path.parent for path in (ROOT / RESULTS).glob("*/seed-*.jsonl")})


@pytest.mark.parametrize("name", TEXTS)
def test_make_figures_leaves_the_texts_unchanged(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert figures.with_figures(name) == text, "make figures writes it anew"


def test_every_table_has_its_place_and_every_record_is_in_one():
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in TEXTS)
    assert sorted(name for _, name, _ in figures.PLACE.findall(text)) == sorted(TABLES)
    assert text.count("<!-- figures") == text.count("<!-- end -->") == len(TABLES)
    assert {folder.name for folder in FOLDERS} == {*RECIPES, *STUDIES}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_record_is_of_the_config_of_its_name_and_summed_up(folder):
    runs = [read_records(path) for path in sorted(folder.glob("seed-*.jsonl"))]
    config, summary = named_config(folder.name), json.loads((folder / "summary.json").read_text())
    noted = summary["config"]
    assert fields_of(vary(Config(), **noted)) == fields_of(config)
    assert [len(records) for records in runs] == [config.epochs] * len(runs)
    made = summary_of(noted, dict(zip(summary["seeds"], runs, strict=True)))
    assert made.pop("training_seconds") == pytest.approx(summary.pop("training_seconds"))
    assert made == summary
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    for reached in made["test"]["last_epoch"].values():
        assert f"{100 * reached['mean']:.2f} ± {100 * reached['std']:.2f}" in text


def record(folder, seed, accuracies, epochs=3):
    """Write a run of these accuracies in its last epoch, and of lower ones before."""
    test = dict(zip(("digit_accuracy", "sum_accuracy"), accuracies, strict=True))
    records = [{"train": test, "test": dict.fromkeys(test, 0.5), "seconds": 10 * seed + 0.1}]
    records = records * (epochs - 1) + [records[0] | {"test": test}]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed-{seed}.jsonl").write_text("\n".join(map(json.dumps, records)))


def test_recipes_stand_beside_the_original_and_have_times(tmp_path):
    record(tmp_path / "base", 1, (0.99, 0.98), epochs=7)
    record(tmp_path / "base", 2, (0.992, 0.98), epochs=7)
    record(tmp_path / "best", 4, (0.991, 0.99))
    record(tmp_path / "sum_alone", 4, (0.991, 0.99))
    base = [7, 2, "99.10 ± 0.14", "98.00 ± 0.00", "57.01 ± 0.02", "56.86 ± 0.00"]
    best = [3, 1, "99.10", "99.00"]
    link = "[`{0}`](experiments/results/{0}/)".format
    theirs, *ours = (list(row.values()) for row in figures.recipes(tmp_path))
    assert theirs[1:] == [25, 1, "99.32", "99.16", "99.22", "99.06"]
    assert ours == [
        [link("base"), *base, "99.10 ± 0.14", "98.00 ± 0.00", "71 to 141"],
        [link("best"), *best, "99.10", "99.00", "120 to 120"],
    ]


def test_the_summary_puts_ours_beside_what_others_reach(tmp_path):
    record(tmp_path / "base", 1, (0.99, 0.98), epochs=7)
    record(tmp_path / "fast", 4, (0.991, 0.99))
    strangers = [{"by": x, "right": 98.5, "pictures": 1614} for x in ("ours", "a peer")]
    (tmp_path / "strangers.json").write_text(json.dumps(strangers))
    theirs = side("2 cores", "PyTorch, 3.4", [150, 165, 150], ratios=[2.0, 2.0, 1.8])
    bench(tmp_path, "a.json", side("2 cores", "ours, JAX 1.2", [300, 330, 270]), theirs)
    last, mean, fast, picture, speed = (list(x.values()) for x in figures.summary(tmp_path))
    assert last[1:3] == ["[`base`](experiments/results/base/), 1 seeds", "99.00, 98.00"]
    assert last[4] == "99.32, 99.16"
    assert (mean[2], mean[4]) == ("57.00, 56.86", "99.22, 99.06")
    assert fast[2:] == ["99.10, 99.00", "", ""]
    assert picture[1:] == ["ours", "98.5 (1,614 pictures)", "a peer", "98.5 (1,614 pictures)"]
    faster = "300 (270 to 330): 2.00 (1.80 to 2.00) times as many"
    assert speed[1:] == ["ours, JAX 1.2", faster, "PyTorch, 3.4", "150 (150 to 165)"]


def side(on, by, speeds, left=1.0, **more):
    facts = {"compile_seconds": 9.87}
    speed = {"images_per_second": speeds, "left": [left, 1.0]}
    return place(on, by) | {"facts": facts} | speed | more


def place(on, by):
    return {"device": "a processor", "on": on, "by": by}


def bench(folder, name, *rows):
    (folder / "bench").mkdir(exist_ok=True)
    measured = {"config": "base", "rows": rows}
    (folder / "bench" / name).write_text(json.dumps(measured))


def test_speeds_have_a_row_for_each_side(tmp_path):
    rows = [
        side("1 core", "ours, JAX 1.2", [300, 330, 270]),
        side("2 cores", "ours, JAX 1.2", [300, 330, 270]),
        side("2 cores", "PyTorch, 3.4", [150, 165, 150], ratios=[2.0, 2.0, 1.8]),
        side("2 cores", "PyTorch bfloat16, 3.4", [4000, 4000, 4100], left=0.5),
        place("2 cores", "evaluation") | {"images_per_second": [12345.6], "left": [1.0]},
    ]
    bench(tmp_path, "a.json", *rows)
    run = {"seconds": 30.0, "left": 1.0, "digit_accuracy": 0.99, "sum_accuracy": 0.98}
    bench(tmp_path, "b.json", place("2 cores", "ours") | {"runs": [run]})
    link = "[a processor](experiments/results/bench/{}.json)".format
    on = f"{link('a')}, 2 cores"
    ours = [on, "ours, JAX 1.2", "300 (270 to 330)", ""]
    alone = [f"{link('a')}, 1 core", *ours[1:]]
    theirs = [on, "PyTorch, 3.4", "150 (150 to 165)", "2.00 (1.80 to 2.00)"]
    reached = "ours, 1 seeds to the end: 99.00 and 98.00 %"
    end = [f"{link('b')}, 2 cores, `base`", reached, "30.0 s", ""]
    assert [list(row.values()) for row in figures.speeds(tmp_path)] == [
        [*alone, "9.9"],
        [*ours, "9.9"],
        [*theirs, "9.9"],
        [on, "PyTorch bfloat16, 3.4", "4,000 (4,000 to 4,100), disturbed", "", "9.9"],
        [on, "evaluation", "12,346", ""],
        end,
    ]


def test_the_command_writes_a_table_whose_links_start_at_its_text(tmp_path, monkeypatch):
    path = tmp_path / "docs" / "page.md"
    path.parent.mkdir()
    path.write_text("A\n<!-- figures: recipes -->\nold\n<!-- end -->\n")
    record(tmp_path / RESULTS / "base", 1, (0.99, 0.98))
    monkeypatch.setattr(figures, "ROOT", tmp_path)
    monkeypatch.setattr(figures, "TEXTS", ("docs/page.md",))
    figures.main()
    text = path.read_text()
    assert text.startswith("A\n<!-- figures: recipes -->\n\n| config ")
    assert "[`base`](../experiments/results/base/)" in text
    assert text.endswith("|\n\n<!-- end -->\n")
    assert "old" not in text
