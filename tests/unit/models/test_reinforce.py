"""REINFORCE of show, attend and tell against an enumeration of all it could have looked at."""

from functools import partial
from itertools import product

import pytest
import torch
from torch import Tensor

from seqlab.components.losses import sequence_nll
from seqlab.models.captioning.show_attend_tell import ShowAttendTell
from seqlab.models.interfaces import TeacherForced
from tests.unit.models.captioning_parts import END, START, build, example, hard

NUM_LOCATIONS, NUM_STEPS = 2, 2
PATHS = list(product(range(NUM_LOCATIONS), repeat=NUM_STEPS))


def sampling_model(sample_probability: float = 1.0) -> ShowAttendTell:
    attention = partial(hard, sample_probability=sample_probability)
    return build("show_attend_tell hard lstm", attention=attention).train()


def small_example() -> tuple[Tensor, Tensor, Tensor]:
    source, _, _ = example(batch_size=1)
    tokens = torch.tensor([[START, 4, END]])
    return source[..., :1, :NUM_LOCATIONS], tokens, torch.tensor([NUM_STEPS])


def look_along(
    model: ShowAttendTell, path: tuple[int, ...], baseline: float
) -> tuple[TeacherForced, Tensor, Tensor]:
    """Predictions, log p(y | s) and p(s) where the locations drawn are those of a path."""
    model.baseline.value.fill_(baseline), model.baseline.num_updates.fill_(1)
    steps, path_probability = iter(path), []

    def draw(probabilities: Tensor) -> Tensor:
        location = next(steps)
        path_probability.append(probabilities[0, location])
        return torch.tensor([location])

    model.attention.draw = draw
    source, tokens, lengths = small_example()
    forced = model(source, tokens, lengths)
    log_p = forced.logits.log_softmax(dim=2)
    log_likelihood = sum(log_p[0, t, tokens[0, t + 1]] for t in range(NUM_STEPS))
    return forced, log_likelihood, torch.stack(path_probability).prod()


def gradients(model: ShowAttendTell, value: Tensor) -> dict[str, Tensor]:
    parameters = list(model.parameters())
    found = torch.autograd.grad(value, parameters, allow_unused=True, retain_graph=True)
    names = [name for name, _ in model.named_parameters()]
    return {n: torch.zeros(()) if g is None else g for n, g in zip(names, found, strict=True)}


@pytest.mark.parametrize("baseline", [0.0, -3.0])
def test_expected_estimate_is_the_exact_gradient(baseline: float) -> None:
    """sum_s p(s) log p(y | s), equation 10, has the gradient that equations 11 and 12 expect."""
    model = sampling_model()
    exact, expected = torch.zeros(()).double(), torch.zeros(()).double()
    for path in PATHS:
        forced, log_likelihood, p = look_along(model, path, baseline)
        exact = exact - p * log_likelihood
        estimate = -log_likelihood + forced.auxiliary["reinforce"].value[0]
        expected = expected + p.detach() * estimate

    true, estimated = gradients(model, exact), gradients(model, expected)
    assert true["attention.score.query.weight"].any()
    for name, gradient in true.items():
        # The reward is a single-precision number, as a loss is.
        torch.testing.assert_close(
            estimated[name], gradient, rtol=1e-5, atol=1e-6, msg=f"{name} is biased"
        )


def test_entropy_is_that_of_the_steps_along_the_path() -> None:
    model = sampling_model()
    seen = []
    model.attention.register_forward_hook(lambda *call: seen.append(call[2].probabilities))
    forced, _, _ = look_along(model, (0, 1), baseline=0.0)
    expected = -sum(torch.distributions.Categorical(p).entropy() for p in seen)
    value, weight = forced.auxiliary["entropy"]
    torch.testing.assert_close(value, expected)
    assert weight == 0.002


def test_reward_above_the_baseline_makes_the_path_more_likely() -> None:
    model = sampling_model()
    for baseline, likelier in ((-100.0, True), (100.0, False)):
        forced, _, p = look_along(model, (0, 1), baseline)
        step = gradients(model, forced.auxiliary["reinforce"].value.sum())
        direction = gradients(model, p)
        along = sum((-step[name] * direction[name]).sum() for name in step)
        assert bool(along > 0) == likelier


def test_images_that_read_the_expectation_take_no_part() -> None:
    model = sampling_model(sample_probability=0.0)
    forced = model(*example())
    assert not forced.auxiliary["reinforce"].value.any()
    assert not forced.auxiliary["entropy"].value.any()
    assert model.baseline.num_updates == 0


def test_only_sampled_images_have_the_terms() -> None:
    model = sampling_model(sample_probability=0.5)
    torch.manual_seed(0)
    source, tokens, lengths = example(batch_size=8)
    sampled = torch.rand(8) < 0.5
    assert sampled.any()
    assert not sampled.all()
    torch.manual_seed(0)
    forced = model(source, tokens, lengths)
    for name in ("reinforce", "entropy"):
        assert torch.equal(forced.auxiliary[name].value != 0, sampled)


def test_baseline_follows_the_log_likelihood_in_training_only() -> None:
    model = sampling_model()
    source, tokens, lengths = example()
    forced = model(source, tokens, lengths)
    reward = -sequence_nll(forced.logits.detach(), tokens[:, 1:], lengths)
    torch.testing.assert_close(model.baseline.value.float(), reward.mean().float())
    before = model.baseline.value.clone()
    evaluated = model.eval()(source, tokens, lengths)
    assert not evaluated.auxiliary
    assert torch.equal(model.baseline.value, before)
