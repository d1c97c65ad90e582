"""What conf/ and the sources say, read without importing them."""

import subprocess
import sys
from pathlib import Path

import pytest

from seqlab.config import catalog, schema


def test_header_lines(conf: Path) -> None:
    (conf / "data/mine.yaml").write_text(
        "# Mine: what it is\n# licence: CC0\n# url: https://a/b.zip\n#   https://a/c.zip\n"
        "# size: 3 GB, about\n_target_: x.Y\n# folder: not in the head\n"
    )
    entry = catalog.describe("data", "mine")
    assert entry.description == "Mine: what it is"
    assert entry.header == {
        "licence": "CC0",
        "url": "https://a/b.zip https://a/c.zip",
        "size": "3 GB, about",
    }
    assert entry.target == "x.Y"


def test_description_after_a_package_line(conf: Path) -> None:
    assert catalog.describe("task", "captioning").description == "Describe an image in words"


def test_slots(conf: Path) -> None:
    slots = {s.group: (s.package, s.default) for s in catalog.describe("attention", "hard").slots}
    assert slots == {"attention/score": ("score", "additive")}
    slots = {s.group: (s.package, s.is_root) for s in catalog.describe("task", "captioning").slots}
    assert slots == {
        "model": ("model", True),
        "data": ("data", True),
        "decoding": ("task.decoding", False),
    }


def test_overrides_of_an_experiment_are_no_slots(conf: Path) -> None:
    (conf / "experiment").mkdir()
    text = "# @package _global_\n# A paper\ndefaults:\n  - override /model: show_tell\nseed: 3\n"
    (conf / "experiment/paper.yaml").write_text(text)
    entry = catalog.describe("experiment", "paper")
    assert (entry.description, entry.slots, entry.values) == ("A paper", (), {"seed": 3})


def test_a_yaml_that_goes_on_from_another_has_its_target(conf: Path) -> None:
    assert catalog.describe("trainer", "cpu").values["max_epochs"] == 8
    assert catalog.describe("trainer", "cpu").target is not None


def test_what_fits_a_task_by_what_classes_say(conf: Path) -> None:
    assert catalog.fitting("captioning", "model") == ("neuraltalk", "show_attend_tell", "show_tell")
    assert catalog.fitting("captioning", "data") == ("flickr8k", "scenes")


def test_parts_and_the_models_that_have_them(conf: Path) -> None:
    models = ("neuraltalk", "show_attend_tell", "show_tell")
    assert catalog.parts("captioning") == {
        "attention": ("show_attend_tell",),
        "attention/score": ("show_attend_tell",),
        "backbone": models,
        "decoding": (),
        "recurrent": models,
    }


def test_parts_of_a_data_set_are_in_no_model(conf: Path) -> None:
    (conf / "coding").mkdir()
    (conf / "coding/words.yaml").write_text("# Words\n_target_: x.Y\n")
    scenes = (conf / "data/scenes.yaml").read_text()
    (conf / "data/scenes.yaml").write_text(f"{scenes}defaults:\n  - /coding@coding: words\n")
    assert catalog.parts("captioning")["coding"] == ()


def test_a_part_that_mounts_its_own_kind_ends(conf: Path) -> None:
    (conf / "attention/twice.yaml").write_text("# Twice\ndefaults:\n  - /attention@inner: twice\n")
    assert "attention" in catalog.parts("captioning")


def test_root_groups(conf: Path) -> None:
    assert {"task", "model", "data", "optimizer"} <= catalog.root_groups("train")
    assert "decoding" not in catalog.root_groups("train")
    assert catalog.root_groups("eval") == {"trainer", "decoding", "inference"}


def test_keys_of_a_verb() -> None:
    keys = schema.keys("train")
    assert {"seed", "run_dir", "paths.data"} <= set(keys)
    assert not {"model", "choices", "paths"} & set(keys)


@pytest.mark.parametrize("module", ["seqlab.config.catalog", "seqlab.config.schema"])
def test_light_modules_import_neither_torch_nor_hydra(module: str) -> None:
    code = (
        f"import {module}, sys; print([m for m in ('torch', 'hydra', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
