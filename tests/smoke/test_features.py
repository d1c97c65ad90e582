"""Features and probes through the seqlab command, as a person would."""

import json
import os
import shutil
import signal
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch

from seqlab.config import catalog
from seqlab.config.build import build
from seqlab.config.compose import compose
from seqlab.run import feature_files
from seqlab.run.assemble import read_checkpoint, reassemble
from tests.smoke.command import done, seqlab_here
from tests.smoke.test_video_classification import SMALL_C3D, TINY
from tests.unit.data.test_aslan import write_aslan

# One process runs them all, so that their fixture is made once.
pytestmark = pytest.mark.xdist_group("features")

pytest.importorskip("sklearn")

# Three clips of 16 frames at 8 a second in a video of 4 seconds, each sharing 8 with the next.
DATA = ("data.source.seconds=4.0", "data.source.num_train=22", "data.source.num_test=11")
READ = ("run=run", "layer=fc6", "chunk_size=4", "batch_size=5", "threads=1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`run`, and its features, `whole` of fc6 and `other` of fc7."""
    folder = tmp_path_factory.mktemp("features")
    done(seqlab_here(folder, "train", *TINY, *SMALL_C3D, *DATA, "run_dir=run"))
    done(seqlab_here(folder, "features", *READ, "output=whole"))
    done(seqlab_here(folder, "features", *READ, "layer=fc7", "output=other"))
    return folder


def test_rows_are_the_means_of_clips(folder: Path) -> None:
    saved = read_checkpoint(folder / "run", "best", [])
    parts = reassemble([saved], data_dir="data", with_data=True)
    model, matrix = parts.task.model.eval(), np.load(folder / "whole/features.npy")
    index = json.loads((folder / "whole/index.json").read_text())["examples"]
    assert [row["split"] for row in index] == ["train"] * 22 + ["val"] * 4 + ["test"] * 11
    assert {row["clips"] for row in index} == {3}
    for number in (0, 21, 25, 36):
        split = index[number]["split"]
        videos = parts.datamodule.all_clips(split, None).videos
        at = videos.names.index(index[number]["name"])
        assert index[number]["label"] == videos.labels[at]
        vectors = []
        for start in (0.0, 1.0, 2.0):  # seconds
            clip = parts.datamodule.cutter.cut(videos, at, start, None).pixels
            with torch.no_grad():
                trunk = (clip[None] - 0.5) / 0.25
                for layer in model.trunk().values():
                    trunk = layer(trunk)
                vectors.append(model.fc6(trunk.flatten(1))[0].numpy())
        mean = np.mean(vectors, axis=0)
        expected = mean / np.linalg.norm(mean) if mean.any() else mean
        np.testing.assert_allclose(matrix[number], expected, atol=1e-5)


@pytest.fixture
def killed(folder: Path) -> Path:
    """Features of a process that was killed while it kept its sixth chunk."""
    child = os.fork()
    if child == 0:
        keep, write, calls = feature_files.FeatureWriter.keep, feature_files.atomic_write, [0]

        def dying(*arguments: object) -> None:
            if calls[0] == 5:  # the rows are on the disk, but nothing says so
                os.kill(os.getpid(), signal.SIGKILL)
            write(*arguments)

        def counting(writer: feature_files.FeatureWriter, rows: np.ndarray) -> None:
            keep(writer, rows)
            calls[0] += 1

        with (
            mock.patch.object(feature_files, "atomic_write", dying),
            mock.patch.object(feature_files.FeatureWriter, "keep", counting),
        ):
            seqlab_here(folder, "features", *READ, "output=killed")
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    return folder / "killed"


def test_a_kill_changes_nothing(folder: Path, killed: Path) -> None:
    assert not (killed / "features.npy").exists()
    refused = seqlab_here(folder, "probe", "features=killed")
    assert refused.returncode == 2
    assert "goes on where it was stopped" in refused.stderr
    again = done(seqlab_here(folder, "features", *READ, "output=killed"))
    assert "going on after 5 of 10 chunks" in again.stdout
    for name in ("features.npy", "index.json", "index.csv"):
        assert (killed / name).read_bytes() == (folder / "whole" / name).read_bytes()
    assert "already" in done(seqlab_here(folder, "features", *READ, "output=killed")).stdout


def test_a_row_for_each_clip(folder: Path) -> None:
    words = ("pool=none", "normalise=false", "overlap=null", "layer=conv2a", "maps=mean")
    done(seqlab_here(folder, "features", *READ, *words, "output=clips"))
    assert np.load(folder / "clips/features.npy").shape == (37, 2)  # one in the middle of each
    row = json.loads((folder / "clips/index.json").read_text())["examples"][0]
    assert row["start"] == 1.0
    refused = seqlab_here(folder, "probe", "features=clips")
    assert refused.returncode == 2
    assert "pool=average" in refused.stderr


def test_other_data(folder: Path) -> None:
    """Another folder for it, and clips as large as those of training."""
    sizes = ("data=moving_scenes", "data.source.num_train=3", "data.source.num_val=0")
    sizes = (*sizes, "data.source.num_test=2", "data.source.side=16")
    done(seqlab_here(folder, "features", *READ, *sizes))
    assert len(np.load(folder / "run/features/fc6_moving_scenes/features.npy")) == 5
    refused = seqlab_here(folder, "features", *READ, *sizes, "data.source.side=20")
    assert refused.returncode == 2
    assert "16 x 20 x 20" in refused.stderr
    assert "16 x 16 x 16" in refused.stderr
    refused = seqlab_here(folder, "features", *READ, "data=scenes")
    assert refused.returncode == 2
    assert "moving_scenes" in refused.stderr


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (("features", "run=run"), ("layer=NAME",)),
        (("features", *READ, "layer=fc8"), ("fc7?", "conv1a")),
        (("features", *READ, "overlap=16"), ("0 to 15",)),
        (("features", *READ, "output=whole", "pool=none"), ("differ in pool",)),
        (("features", *READ, "pool=max"), ("average, none",)),
        (("probe",), ("features=DIR",)),
        (("probe", "features=nowhere"), ("no such folder",)),
        (("probe", "features=whole", "protocol=fold"), ("folds?",)),
        (("probe", "features=whole", "protocol=folds"), ("fewer than num_folds=5",)),
        (("probe", "features=whole", "test_share=1.5"), ("between 0 and 1",)),
        (("probe", "features=whole", "probe.costs=[]"), ("costs",)),
        (("probe", "features=[whole,run/features/fc6_moving_scenes]"), ("5 videos, not 37",)),
    ],
)
def test_mistakes_end_with_2(folder: Path, words: tuple[str, ...], texts: tuple[str, ...]) -> None:
    if "fc6_moving" in str(words):
        test_other_data(folder)
    ended = seqlab_here(folder, *words)
    assert ended.returncode == 2, ended.stderr
    assert all(text in ended.stderr for text in texts), ended.stderr


def test_probes(folder: Path) -> None:
    words = ("features=[whole,other]", "compactness=[2,4,500]", "output=probed")
    done(seqlab_here(folder, "probe", *words))
    metrics = json.loads((folder / "probed/metrics.json").read_text())
    pca = {"test/accuracy_pca_2", "test/accuracy_pca_4"}
    assert set(metrics) == {"test/accuracy", "val/accuracy", "test/accuracy_signature", *pca}
    rows = [json.loads(x) for x in (folder / "probed/predictions/test.jsonl").open()]
    assert len(rows) == 11
    right = np.mean([row["class"] == row["said"] for row in rows])
    assert metrics["test/accuracy"] == pytest.approx(right)
    drawn = {path.name for path in (folder / "probed/figures").iterdir()}
    assert drawn == {"confusion.png", "compactness.png", "embedding.png"}

    words = ("features=whole", "probe=knn", "protocol=leave_one_out", "embedding=false")
    ended = done(seqlab_here(folder, "probe", *words, "probe.neighbours=[3]", "output=one_out"))
    assert "not drawn with leave_one_out" in ended.stdout
    assert len((folder / "one_out/predictions/test.jsonl").read_text().splitlines()) == 37


def test_nothing_that_is_tested_teaches(folder: Path) -> None:
    """Other labels of the test split leave all that is said as it was."""
    done(seqlab_here(folder, "probe", "features=whole", "embedding=false", "output=first"))
    index = json.loads((folder / "whole/index.json").read_text())
    for row in index["examples"]:
        row["label"] = (row["label"] + (row["split"] == "test")) % len(index["source"]["classes"])
    (folder / "moved").mkdir()
    (folder / "moved/index.json").write_text(json.dumps(index))
    (folder / "moved/features.npy").write_bytes((folder / "whole/features.npy").read_bytes())
    done(seqlab_here(folder, "probe", "features=moved", "embedding=false", "output=second"))
    first, second = (
        [json.loads(line)["said"] for line in (folder / name / "predictions/test.jsonl").open()]
        for name in ("first", "second")
    )
    assert first == second


def test_drawn_pairs(folder: Path) -> None:
    """Of two classes, all of whose videos are in one split."""
    index = json.loads((folder / "whole/index.json").read_text())
    for row in index["examples"]:
        row["split"], row["label"] = "train", row["label"] % 2
    (folder / "halves").mkdir()
    (folder / "halves/index.json").write_text(json.dumps(index))
    shutil.copy(folder / "whole/features.npy", folder / "halves")
    words = ("protocol=pairs", "num_folds=3", "pairs_per_fold=8")
    ended = done(seqlab_here(folder, "probe", "features=halves", *words, "output=paired"))
    assert "24 pairs in 3 folds, drawn by the seed" in ended.stdout
    metrics = json.loads((folder / "paired/metrics.json").read_text())
    known = {f"test/{name}{kind}" for name in ("accuracy", "auc") for kind in ("", "_se")}
    assert known < set(metrics)
    assert not any("pca" in name for name in metrics)
    assert "pairs drawn in 3 folds of up to 8;" in metrics["test/accuracy_signature"]
    rows = [json.loads(line) for line in (folder / "paired/predictions/test.jsonl").open()]
    assert sum(row["class"] == "same" for row in rows) == 12
    drawn = {path.name for path in (folder / "paired/figures").iterdir()}
    assert drawn == {"confusion.png", "roc.png"}


def test_pairs_of_the_data_set_come_with_its_features(folder: Path) -> None:
    pytest.importorskip("av")
    write_aslan(folder / "data/aslan")
    sizes = ("data.source.frame_size=[16,16]", "data.crop_size=null", "data.num_workers=0")
    words = ("data=aslan", *sizes, "paths.data=data")
    for layer in ("fc6", "fc7"):
        read = (*READ, f"layer={layer}", *words, f"output=aslan_{layer}")
        done(seqlab_here(folder, "features", *read))
    words = ("features=[aslan_fc6,aslan_fc7]", "protocol=pairs", "probe.costs=[1]")
    ended = done(seqlab_here(folder, "probe", *words, "output=aslan_pairs"))
    assert "4 pairs in 2 folds, of the data set" in ended.stdout
    assert "24 features" in ended.stdout
    rows = [json.loads(line) for line in (folder / "aslan_pairs/predictions/test.jsonl").open()]
    assert [(row["id"], row["class"]) for row in rows] == [
        ("0001 | 0002", "same"),
        ("0002 | 0030", "not same"),
        ("0030 | 0003", "same"),
        ("0003 | 0001", "not same"),
    ]


@pytest.mark.parametrize("name", catalog.names("probe"))
def test_every_probe_is_made(name: str) -> None:
    assert build(compose("probe", ["features=x", f"probe={name}"]).probe).classifiers(9, 1)
