"""Training curves: what is read from the file and what is drawn."""

from pathlib import Path

import numpy as np
import pytest

from seqlab.viz.curves import read_curves, training_curves

TABLE = """epoch,step,train/loss,val/loss,val/bleu1,val/bleu4,val/bleu_signature,lr-Adam,test/loss
0,10,2.0,,,,,0.1,
0,20,nan,,,,,0.1,
0,20,1.5,1.75,0.5,0.25,ptb,,
1,30,1.0,,,,,0.05,
1,30,1.25,inf,0.75,0.5,ptb,,
1,30,,,,,,,0.5
"""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.csv"
    path.write_text(TABLE)
    return path


def test_reading_leaves_out_what_is_no_number_and_keeps_the_last(table: Path) -> None:
    curves = {name: [part.tolist() for part in curve] for name, curve in read_curves(table).items()}
    assert curves == {
        "train/loss": [[10, 20, 30], [2.0, 1.5, 1.25]],
        "val/loss": [[20], [1.75]],
        "val/bleu1": [[20, 30], [0.5, 0.75]],
        "val/bleu4": [[20, 30], [0.25, 0.5]],
        "lr-Adam": [[10, 20, 30], [0.1, 0.1, 0.05]],
        "test/loss": [[30], [0.5]],
    }


def test_a_panel_per_family_with_train_and_val_together(table: Path, tmp_path: Path) -> None:
    figure = training_curves(table, tmp_path / "curves.png")
    drawn = {
        axes.get_title(loc="left"): {
            line.get_label(): list(zip(*line.get_data(), strict=True)) for line in axes.lines
        }
        for axes in figure.axes
    }
    assert list(drawn) == ["loss", "bleu", "lr-Adam"]  # the loss first
    assert drawn["loss"] == {"train": [(10, 2.0), (20, 1.5), (30, 1.25)], "val": [(20, 1.75)]}
    assert drawn["bleu"] == {
        "val bleu1": [(20, 0.5), (30, 0.75)],
        "val bleu4": [(20, 0.25), (30, 0.5)],
    }
    assert len({axes.get_xlim() for axes in figure.axes}) == 1
    assert len({line.get_color() for line in figure.axes[1].lines}) == 2
    assert (tmp_path / "curves.png").stat().st_size > 10_000


def test_long_training_curves_are_smoothed_by_a_centred_mean(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random(400)
    path = tmp_path / "metrics.csv"
    path.write_text("step,train/loss\n" + "".join(f"{n},{v}\n" for n, v in enumerate(values)))
    raw, smooth = training_curves(path, tmp_path / "curves.png").axes[0].lines
    np.testing.assert_allclose(raw.get_ydata(), values)
    expected = [values[max(n - 5, 0) : n + 6].mean() for n in range(400)]
    np.testing.assert_allclose(smooth.get_ydata(), expected)


def test_nothing_to_draw_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,test/loss\n0,1,0.5\n")
    with pytest.raises(ValueError, match=r"metrics\.csv has no metric"):
        training_curves(path, tmp_path / "curves.png")


def test_curves_of_a_run_that_counts_its_examples_are_over_those(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text(
        "step,train/loss,train/samples,val/loss,val/samples_until_solved\n"
        "10,2.0,160,,\n15,,,1.5,\n20,1.0,320,,\n30,0.5,480,,\n30,,,0.25,256\n"
    )
    (axes,) = training_curves(path, tmp_path / "curves.png").axes
    drawn = {line.get_label(): list(zip(*line.get_data(), strict=True)) for line in axes.lines}
    assert drawn["train"] == [(160, 2.0), (320, 1.0), (480, 0.5)]
    assert drawn["val"] == [(240, 1.5), (480, 0.25)]  # between the rows that say a number
    assert axes.get_xlabel() == "training examples"
    assert [line.get_xdata() for line in axes.lines[2:]] == [[256, 256]]
