"""The models of memory_qa against the papers' equations, fact by fact in NumPy."""

import numpy as np
import pytest
import torch

from seqlab.components.memory.sentences import SentenceEncoding
from seqlab.models.interfaces import Questions
from tests.unit.models.memory_qa.parts import DIM, PAD, VOCABULARY, build, example

Stories = list[tuple[list[np.ndarray], np.ndarray]]


def numpy_of(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().numpy()


def softmax(scores: np.ndarray, num_empty: int = 0) -> np.ndarray:
    """With as many further scores of 0."""
    return np.exp(scores) / (np.exp(scores).sum() + num_empty)


def encode(encoding: SentenceEncoding, words: torch.Tensor, table: int) -> np.ndarray:
    """One sentence; what an encoding is has tests of its own."""
    return numpy_of(encoding(words[words != PAD].unsqueeze(0))[0, table])


def scores_of_words(found: np.ndarray, words: np.ndarray) -> np.ndarray:
    logits = words @ found
    logits[PAD] = -np.inf
    return logits


@pytest.mark.parametrize("linear", [False, True], ids=["softmax", "linear"])
@pytest.mark.parametrize("encoding", ["bow", "position"])
def test_memn2n_adjacent(encoding: str, linear: bool) -> None:
    model = build(f"memn2n {encoding} adjacent" + " linear" * linear)
    questions, _ = example()
    answered = model(questions)
    T = numpy_of(model.temporal_encoding.weight)  # [4, 4, D], T_A^1, T_C^1 = T_A^2, ...
    for n, length in enumerate(questions.num_facts.tolist()):
        kept = range(max(length - 4, 0), length)
        u = encode(model.fact_encoding, questions.question[n], 0)  # B = A^1
        for k in range(3):
            p, o = np.zeros(6), np.zeros(DIM)
            for table, facts in ((k, p), (k + 1, o)):
                vectors = {
                    i: encode(model.fact_encoding, questions.facts[n, i], table)
                    + T[length - 1 - i, table]
                    for i in kept
                }
                if table == k:  # equation 1
                    scores = np.array([u @ vectors[i] for i in kept])
                    facts[list(kept)] = scores if linear else softmax(scores, 4 - len(kept))
                else:  # equation 2, with C^k = A^(k+1)
                    for i in kept:
                        facts += p[i] * vectors[i]
            np.testing.assert_allclose(numpy_of(answered.attention[n, k]), p, rtol=1e-6)
            u = u + o
        W = numpy_of(model.fact_encoding.words(3))  # W^T = C^K
        np.testing.assert_allclose(numpy_of(answered.logits[n]), scores_of_words(u, W), rtol=1e-5)


@pytest.mark.parametrize("linear", [False, True], ids=["softmax", "linear"])
def test_memn2n_layer_wise(linear: bool) -> None:
    model = build("memn2n bow layer_wise" + " linear" * linear)
    questions, _ = example()
    answered = model(questions)
    T, H = numpy_of(model.temporal_encoding.weight), numpy_of(model.between_hops.weight)
    for n, length in enumerate(questions.num_facts.tolist()):
        kept = list(range(max(length - 4, 0), length))
        m, c = (
            np.array(
                [
                    encode(model.fact_encoding, questions.facts[n, i], t) + T[length - 1 - i, t]
                    for i in kept
                ]
            )
            for t in (0, 1)
        )
        u = encode(model.question_encoding, questions.question[n], 0)
        for k in range(3):
            p = m @ u if linear else softmax(m @ u, 4 - len(kept))
            np.testing.assert_allclose(numpy_of(answered.attention[n, k, kept]), p, rtol=1e-6)
            u = H @ u + p @ c
        expected = scores_of_words(u, numpy_of(model.to_words.weight))
        np.testing.assert_allclose(numpy_of(answered.logits[n]), expected, rtol=1e-6)


def test_adjacent_tables_are_one() -> None:
    """K hops have K + 1 tables of words and of times, and nothing else."""
    model = build("memn2n position adjacent")
    sizes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert sizes == {
        "fact_encoding.tables.weight": (VOCABULARY, 4, DIM),
        "temporal_encoding.weight": (4, 4, DIM),
    }


@pytest.mark.parametrize("ordered", [False, True], ids=["in no order", "ordered"])
@pytest.mark.parametrize("split", [False, True], ids=["facts", "keys and values"])
def test_kv_memnn(split: bool, ordered: bool) -> None:
    model = build("kv_memnn bow" + " ordered" * ordered)
    questions, _ = example()
    keys, values = questions.facts[:, :, :2], questions.facts[:, :, 1:]
    if split:
        questions = questions._replace(keys=keys, values=values)
    else:
        keys = values = questions.facts
    answered = model(questions)
    A = numpy_of(model.sentence_encoding.words(0))
    for n, length in enumerate(questions.num_facts.tolist()):
        kept = list(range(max(length - 4, 0) if ordered else 0, length))
        k, v = (np.array([A[words[n, i]].sum(axis=0) for i in kept]) for words in (keys, values))
        if ordered:
            T = numpy_of(model.temporal_encoding.weight)
            k = k + np.array([T[length - 1 - i, 0] for i in kept])
            v = v + np.array([T[length - 1 - i, 1] for i in kept])
        q = A[questions.question[n]].sum(axis=0)
        for j, update in enumerate(model.updates):
            p = softmax(k @ q)
            np.testing.assert_allclose(numpy_of(answered.attention[n, j, kept]), p, rtol=1e-6)
            q = numpy_of(update.weight) @ (q + p @ v)
        np.testing.assert_allclose(numpy_of(answered.logits[n]), scores_of_words(q, A), rtol=1e-6)


@pytest.mark.parametrize("cell", ["stacked", "ntm", "dnc"])
def test_word_reader(cell: str) -> None:
    """Word by word, without any padding, one story at a time."""
    model = build(f"reader {cell}")
    questions, _ = example()
    logits = model(questions).logits
    for n in range(3):
        words = torch.cat([questions.facts[n].flatten(), questions.question[n]])
        state = model.cell.init_state(1)
        for word in words[words != PAD]:
            output, state = model.cell(model.embedding(word.unsqueeze(0)), state)
        torch.testing.assert_close(logits[n], model.to_words(output)[0])


def test_bag_of_words_qa() -> None:
    model = build("bow_qa bow")
    questions, _ = example()
    logits = model(questions).logits
    A, B = (numpy_of(e.words(0)) for e in (model.fact_encoding, model.question_encoding))
    W, b = numpy_of(model.to_words.weight), numpy_of(model.to_words.bias)
    for n in range(3):
        bag = sum(A[word] for word in questions.facts[n].flatten() if word != PAD)
        bag = bag + sum(B[word] for word in questions.question[n] if word != PAD)
        np.testing.assert_allclose(numpy_of(logits[n]), W @ bag + b, rtol=1e-6)


def test_facts_without_a_word_in_common_are_questions_too() -> None:
    """A story whose only fact is empty of words still gets an answer."""
    questions = Questions(torch.zeros(1, 1, 2).long(), torch.tensor([1]), torch.tensor([[3, 4]]))
    for name in ("memn2n position adjacent", "kv_memnn bow", "memnn bow"):
        memory = {"memory_size": 1} if name.startswith("memn2n") else {}
        answered = build(name, **memory)(questions)
        assert answered.logits[:, 1:].isfinite().all()
        assert answered.attention[0, 0].tolist() == [1.0]
