"""Bag of words: all words of the facts and the question at once, in no order."""

from collections.abc import Callable

from torch import Tensor, nn

from seqlab.components.memory.sentences import SentenceEncoding
from seqlab.models.interfaces import Answered, QuestionAnswerer, Questions


class BagOfWordsQA(QuestionAnswerer):
    """Logistic regression on a bag of words, a baseline that can neither attend nor remember.

    a = softmax(W (A sum_i x_i + B q) + b): what an answer gains by the words of the question and by
    those of the facts, after Weston et al. (2015, bAbI), section 4, where bags are of n-grams
    (`sentence_encoding=ngrams`).

    Args:
        vocab_size: number V of words.
        pad_id: index of the padding.
        sentence_encoding: how a sentence becomes a vector.
        embedding_dim: size D of a vector.
    """

    def __init__(
        self,
        *,
        vocab_size: int,
        pad_id: int,
        sentence_encoding: Callable[..., SentenceEncoding],
        embedding_dim: int,
    ) -> None:
        super().__init__()
        sizes = {"vocab_size": vocab_size, "pad_id": pad_id, "embedding_dim": embedding_dim}
        self.fact_encoding = sentence_encoding(num_tables=1, **sizes)
        self.question_encoding = sentence_encoding(num_tables=1, **sizes)
        self.to_words = nn.Linear(embedding_dim, vocab_size)

    def forward(self, questions: Questions, supporting: Tensor | None = None) -> Answered:
        """Answer questions; which facts support an answer is not looked at."""
        facts = self.fact_encoding(questions.facts).squeeze(2).sum(dim=1)  # [B, D]
        question = self.question_encoding(questions.question).squeeze(1)  # [B, D]
        return Answered(self.to_words(facts + question), None, {})
