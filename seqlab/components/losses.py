"""Losses over sequences: the likelihood and what papers add to it, each per example, [B]."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seqlab.components.masking import length_mask


def sequence_nll(
    logits: Tensor, targets: Tensor, lengths: Tensor, *, smoothing: float = 0.0
) -> Tensor:
    """Negative log-likelihood of each sequence in nats, [B].

    Args:
        logits: unnormalised scores, [B, T, V].
        targets: true tokens, [B, T].
        lengths: number of targets that count, [B]; what lies beyond changes nothing.
        smoothing: share of each target's probability that is spread evenly over the vocabulary;
            Szegedy et al. (2016), section 7.
    """
    # In full precision: under autocast a sum over the vocabulary in bf16 loses the rare words.
    losses = F.cross_entropy(
        logits.flatten(0, 1).float(),
        targets.flatten(),
        reduction="none",
        label_smoothing=smoothing,
    )
    losses = losses.view_as(targets)  # [B, T]
    real = length_mask(lengths, targets.shape[1])  # [B, T]
    return losses.masked_fill(~real, 0.0).sum(dim=1)  # [B]


def output_nll(logits: Tensor, targets: Tensor, scored: Tensor) -> tuple[Tensor, Tensor]:
    """Negative log-likelihood of each sequence in nats, [B], and of how many outputs it is, [B].

    An output is a symbol, or each of the bits that a step gives out.

    Args:
        logits: unnormalised scores of symbols, or of 1 for each bit, [B, T, O].
        targets: numbers of symbols, [B, T], or bits, [B, T, O].
        scored: True where the outputs of a step count, [B, T]; others change nothing.
    """
    logits = logits.float()  # [B, T, O]
    if targets.dim() == 3:
        losses = F.binary_cross_entropy_with_logits(logits, targets, reduction="none").sum(dim=2)
        per_step = targets.shape[2]
    else:
        losses = F.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none")
        losses, per_step = losses.view_as(targets), 1  # [B, T]
    nll = losses.masked_fill(~scored, 0.0).sum(dim=1)  # [B]
    return nll, per_step * scored.sum(dim=1)


def doubly_stochastic(probabilities: Tensor, real: Tensor) -> Tensor:
    """How unevenly the locations were attended over a sentence; Xu et al. (2015), equation 14.

    sum_i (1 - sum_t alpha_ti)^2: attention sums to 1 over locations, and is asked to sum to 1 over
    steps too.

    Args:
        probabilities: attention at each step, [B, T, L].
        real: True where a step is real, [B, T].

    Returns:
        The penalty, [B].
    """
    attended = torch.einsum("btl,bt->bl", probabilities, real.to(probabilities.dtype))  # [B, L]
    return (1 - attended).square().sum(dim=1)  # [B]


def negative_entropy(probabilities: Tensor, real: Tensor) -> Tensor:
    """Minus the entropies, in nats, of distributions [B, T, L] summed over real steps: [B]."""
    log = probabilities.clamp_min(torch.finfo(probabilities.dtype).tiny).log()  # [B, T, L]
    return torch.where(real, (probabilities * log).sum(dim=2), 0).sum(dim=1)  # [B]


def sampled_log_probability(weights: Tensor, probabilities: Tensor, real: Tensor) -> Tensor:
    """Log-probability of the locations that were drawn.

    Args:
        weights: 1 at the location drawn at each step, 0 elsewhere, [B, T, L].
        probabilities: what it was drawn from, [B, T, L].
        real: True where a step is real, [B, T].

    Returns:
        The sum over real steps, [B].
    """
    drawn = (weights.detach() * probabilities).sum(dim=2)  # [B, T]
    log = drawn.clamp_min(torch.finfo(drawn.dtype).tiny).log()  # [B, T]
    return torch.where(real, log, 0).sum(dim=1)  # [B]


class MovingAverageBaseline(nn.Module):
    """Expected reward as an average over past batches; Xu et al. (2015), section 4.1.

    b_k = decay b_(k-1) + (1 - decay) r_k. The first batch sets it: from the zero of the paper, the
    log-likelihoods of an untrained model would all count as far below what is expected.

    Args:
        decay: share of the past, 0.9 in the paper.
    """

    value: Tensor
    num_updates: Tensor

    def __init__(self, *, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.register_buffer("value", torch.zeros(()))
        self.register_buffer("num_updates", torch.zeros((), dtype=torch.long))

    def forward(self, rewards: Tensor, counted: Tensor) -> Tensor:
        """The baseline [] for rewards [B]; in training it then learns from those `counted` [B].

        Nothing here waits for the device: a batch in which none is counted changes nothing.
        """
        rewards = rewards.detach().to(self.value.dtype)  # [B]
        num_counted = counted.sum()  # []
        mean = torch.where(counted, rewards, 0).sum() / num_counted.clamp_min(1)  # []
        baseline = torch.where(self.num_updates == 0, mean, self.value)  # []
        if self.training:
            moved = torch.lerp(mean, baseline, self.decay)  # []
            any_counted = num_counted > 0  # []
            self.value.copy_(torch.where(any_counted, moved, self.value))
            self.num_updates.add_(any_counted)
        return baseline


def reinforce(log_probability: Tensor, reward: Tensor, baseline: Tensor) -> Tensor:
    """A loss whose gradient is the policy gradient of Williams (1992): -(r - b) log p.

    Args:
        log_probability: of what was drawn, [B].
        reward: what it earned, [B]; no gradient goes through it.
        baseline: what was expected, [] or [B].

    Returns:
        The loss, [B].
    """
    return -(reward - baseline).detach() * log_probability  # [B]


def pixel_nll(
    logits: Tensor, labels: Tensor, void: int, weight: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The negative log-likelihood of all pixels that are not void, and the sum of their weights.

    Args:
        logits: [B, C, height, width].
        labels: classes or void, [B, height, width].
        void: label of a pixel that does not count.
        weight: of each class, [C]; None for 1.
    """
    # In full precision: under autocast a sum over many pixels in bf16 loses all but the first.
    nll = F.cross_entropy(
        logits.float(), labels, weight=weight, ignore_index=void, reduction="sum"
    )  # []
    labelled = labels[labels != void]  # [pixels]
    if weight is None:
        return nll, nll.new_tensor(len(labelled))
    return nll, weight[labelled].sum()


def label_nll(logits: Tensor, labels: Tensor, is_multi_label: bool) -> tuple[Tensor, Tensor]:
    """The negative log-likelihood of what images show, and of how many answers it is.

    An answer is the one class of an image, or of each class whether it is shown.

    Args:
        logits: [B, C].
        labels: 1 what is shown, 0 what is not, -1 what does not count, [B, C].
        is_multi_label: whether an image may show several classes, or none.
    """
    logits = logits.float()  # [B, C]
    if not is_multi_label:
        nll = F.cross_entropy(logits, labels.argmax(dim=1), reduction="sum")  # []
        return nll, nll.new_tensor(len(logits))
    counted = labels >= 0  # [B, C]
    shown = labels.clamp_min(0).to(logits.dtype)  # [B, C]
    losses = F.binary_cross_entropy_with_logits(logits, shown, reduction="none")  # [B, C]
    return losses.masked_fill(~counted, 0.0).sum(), counted.sum()
