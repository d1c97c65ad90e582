"""Accuracy of clips and of videos against loops."""

import pytest
import torch

from seqlab.metrics.video import VideoScores, accuracies, confusion


def test_clips_are_averaged_by_video() -> None:
    generator = torch.Generator().manual_seed(0)
    probabilities = torch.rand(20, 7, generator=generator).softmax(dim=1)
    numbers = torch.tensor([5, 0, 3, 3] * 5)  # in any order, not all numbers there
    label_of = {5: 2, 0: 6, 3: 1}
    labels = torch.tensor([label_of[number] for number in numbers.tolist()])
    metric = VideoScores()
    for part in (slice(0, 3), slice(3, 20)):
        metric.update(probabilities[part], labels[part], numbers[part])
    videos = metric.compute()
    found = accuracies(videos)

    right_clips = sum(int(p.argmax()) == int(c) for p, c in zip(probabilities, labels, strict=True))
    means = {n: probabilities[numbers == n].mean(dim=0) for n in label_of}
    ranked = {n: mean.argsort(descending=True).tolist() for n, mean in means.items()}
    assert videos.numbers.tolist() == [0, 3, 5]
    assert videos.labels.tolist() == [6, 1, 2]
    assert found["clip_accuracy"] == pytest.approx(right_clips / 20)
    right = sum(ranked[n][0] == c for n, c in label_of.items())
    assert found["video_accuracy"] == pytest.approx(right / 3)
    in_five = sum(c in ranked[n][:5] for n, c in label_of.items())
    assert found["top5_accuracy"] == pytest.approx(in_five / 3)
    matrix = confusion(videos)
    for number, label in label_of.items():
        assert matrix[label, ranked[number][0]] == 1
    assert matrix.sum() == 3


def test_one_video_of_few_classes() -> None:
    metric = VideoScores()
    metric.update(torch.tensor([[0.2, 0.8]]), torch.tensor([1]), torch.tensor([4]))
    found = accuracies(metric.compute())
    assert {name: float(value) for name, value in found.items()} == {
        "clip_accuracy": 1.0,
        "video_accuracy": 1.0,
    }
