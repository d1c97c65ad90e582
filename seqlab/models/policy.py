"""What lets an attention that samples learn where to look, in every model that has one."""

import torch
from torch import Tensor

from seqlab.components.losses import (
    MovingAverageBaseline,
    negative_entropy,
    reinforce,
    sampled_log_probability,
    sequence_nll,
)
from seqlab.models.interfaces import AuxiliaryTerm

# Xu et al. (2015) name the coefficients without values. That of REINFORCE is to be set by
# validation, as in the paper; on generated scenes 1 learned clearly more slowly than 0.1 and 0.01
# (one seed). That of the entropy is the authors' code's.
REINFORCE_WEIGHT = 0.01
ENTROPY_WEIGHT = 0.002
BASELINE_DECAY = 0.9

POLICY_NAMES = ("reinforce", "entropy")


def policy_terms(
    baseline: MovingAverageBaseline,
    logits: Tensor,
    tokens: Tensor,
    lengths: Tensor,
    weights: Tensor,
    probabilities: Tensor,
    real: Tensor,
    sampled: Tensor,
) -> dict[str, AuxiliaryTerm]:
    """REINFORCE and entropy of the sampled inputs; Xu et al. (2015), equations 11 and 12.

    The reward of all the places looked at is the log-likelihood of the sequence.

    Args:
        baseline: what reward is expected.
        logits: [B, T, V].
        tokens: start, words, end, padding, [B, T + 1].
        lengths: words and end, [B].
        weights: what was read, [B, T, L].
        probabilities: what it was drawn from, [B, T, L].
        real: True where a step is real, [B, T].
        sampled: True where an input was sampled, [B].
    """
    log_likelihood = -sequence_nll(logits.detach(), tokens[:, 1:], lengths)  # [B]
    expected = baseline(log_likelihood, sampled)  # []
    chosen = sampled_log_probability(weights, probabilities, real)  # [B]
    policy = torch.where(sampled, reinforce(chosen, log_likelihood, expected), 0)  # [B]
    entropy = torch.where(sampled, negative_entropy(probabilities, real), 0)  # [B]
    return {
        "reinforce": AuxiliaryTerm(policy, REINFORCE_WEIGHT),
        "entropy": AuxiliaryTerm(entropy, ENTROPY_WEIGHT),
    }
