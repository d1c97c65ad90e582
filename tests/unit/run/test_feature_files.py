"""Features on the disk."""

from pathlib import Path

import numpy as np
import pytest

from seqlab.config.errors import UserError
from seqlab.run.feature_files import FeatureWriter, read_features

SOURCE = {"layer": "fc6", "classes": ["a", "b"]}
CHUNKS = [np.random.default_rng(n).normal(size=(3, 4)).astype(np.float32) for n in range(3)]
INDEX = [{"name": f"v{n}", "split": "train", "label": n % 2, "clips": 1} for n in range(9)]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    writer = FeatureWriter(tmp_path, SOURCE)
    for chunk in CHUNKS:
        writer.keep(chunk)
    writer.finish(INDEX)
    features = read_features(tmp_path)
    np.testing.assert_array_equal(features.matrix, np.concatenate(CHUNKS))
    assert features.index == INDEX
    assert features.classes == ("a", "b")
    assert FeatureWriter(tmp_path, SOURCE).is_whole
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"features.npy", "index.json", "index.csv"}


def test_rows_of_a_chunk_that_was_not_kept_are_forgotten(tmp_path: Path) -> None:
    writer = FeatureWriter(tmp_path / "killed", SOURCE)
    writer.keep(CHUNKS[0])
    with (tmp_path / "killed/features.part").open("ab") as file:
        file.write(CHUNKS[1].tobytes()[:21])
    again = FeatureWriter(tmp_path / "killed", SOURCE)
    assert (again.num_done, again.num_rows, again.dim) == (1, 3, 4)
    for chunk in CHUNKS[1:]:
        again.keep(chunk)
    again.finish(INDEX)
    np.testing.assert_array_equal(read_features(tmp_path / "killed").matrix, np.concatenate(CHUNKS))


def test_another_source_is_not_gone_on_with(tmp_path: Path) -> None:
    FeatureWriter(tmp_path, SOURCE).keep(CHUNKS[0])
    with pytest.raises(UserError, match="differ in layer"):
        FeatureWriter(tmp_path, {**SOURCE, "layer": "fc7"})


def test_damage_is_told(tmp_path: Path) -> None:
    writer = FeatureWriter(tmp_path, SOURCE)
    writer.keep(CHUNKS[0])
    writer.finish(INDEX[:2])
    with pytest.raises(UserError, match="has 3 rows, but its index 2"):
        read_features(tmp_path)
    (tmp_path / "features.npy").write_bytes(b"no matrix")
    with pytest.raises(UserError, match="cannot be read"):
        read_features(tmp_path)
