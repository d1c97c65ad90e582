"""Addressing and both memory cells written from the papers' equations, one number at a time."""

from typing import Any

import numpy as np

Array = np.ndarray
Weights = dict[str, Array]


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softplus(x: Array) -> Array:
    return np.log(1 + np.exp(x))


def softmax(x: Array) -> Array:
    return np.exp(x - x.max()) / np.exp(x - x.max()).sum()


def length(v: Array) -> float:
    """|v| as both cells take it, so that an empty slot has one."""
    return float(np.sqrt(sum(x * x for x in v) + 1e-6))


def content(key: Array, beta: float, memory: Array, similarity: str = "cosine") -> Array:
    alike = []
    for slot in memory:
        dot = sum(a * b for a, b in zip(key, slot, strict=True))
        alike.append(dot / length(key) / length(slot) if similarity == "cosine" else dot)
    return softmax(beta * np.array(alike))


def shift(w: Array, s: Array) -> Array:
    """s(i - j) for i - j modulo N, from shares s of offsets -r to r."""
    slots, reach = len(w), len(s) // 2
    share = {offset % slots: s[offset + reach] for offset in range(-reach, reach + 1)}
    return np.array(
        [sum(w[j] * share.get((i - j) % slots, 0.0) for j in range(slots)) for i in range(slots)]
    )


def sharpen(w: Array, gamma: float) -> Array:
    powers = np.array([x**gamma for x in w])
    return powers / powers.sum()


def write(memory: Array, heads: list[tuple[Array, Array, Array]]) -> Array:
    """All heads (w, e, a) erase, then all add."""
    new = memory.copy()
    for w, e, _ in heads:
        for i in range(len(memory)):
            for m in range(memory.shape[1]):
                new[i, m] *= 1 - w[i] * e[m]
    for w, _, a in heads:
        for i in range(len(memory)):
            for m in range(memory.shape[1]):
                new[i, m] += w[i] * a[m]
    return new


def read(memory: Array, w: Array) -> Array:
    return np.array([sum(w[i] * memory[i, m] for i in range(len(w))) for m in range(len(memory.T))])


def retention(free: Array, reads: Array) -> Array:
    psi = np.ones(reads.shape[1])
    for f, w in zip(free, reads, strict=True):
        for i in range(len(psi)):
            psi[i] *= 1 - f * w[i]
    return psi


def usage(u: Array, w: Array, psi: Array) -> Array:
    return np.array([(u[i] + w[i] - u[i] * w[i]) * psi[i] for i in range(len(u))])


def allocation(u: Array) -> Array:
    u = 1e-6 + (1 - 1e-6) * u
    phi = sorted(range(len(u)), key=lambda i: (u[i], i))  # the free list
    a = np.zeros(len(u))
    for j, slot in enumerate(phi):
        a[slot] = 1 - u[slot]
        for i in range(j):
            a[slot] *= u[phi[i]]
    return a


def links(L: Array, w: Array, p: Array) -> Array:
    new = np.zeros_like(L)
    for i in range(len(w)):
        for j in range(len(w)):
            if i != j:
                new[i, j] = (1 - w[i] - w[j]) * L[i, j] + w[i] * p[j]
    return new


def precedence(p: Array, w: Array) -> Array:
    return np.array([(1 - sum(w)) * p[i] + w[i] for i in range(len(w))])


def lstm(x: Array, reads: Array, h: Array, c: Array, W: Weights) -> tuple[Array, Array]:
    """The controller of both cells on [x; r]."""
    total = W["controller.kernel.weight_ih_l0"] @ x + W["controller.kernel.bias_ih_l0"]
    total = total + W["controller.kernel.weight_hh_l0"] @ h + W["controller.kernel.bias_hh_l0"]
    i, f, g, o = np.split(total + W["from_reads.weight"] @ reads.flatten(), 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def ntm_step(x: Array, state: Any, W: Weights, sizes: dict[str, Any]) -> dict[str, Array]:
    """A step of one example. Parameters of the heads lie in the order that `NTMCell` says."""
    heads, writes, size = sizes["num_heads"], sizes["num_writes"], sizes["slot_size"]
    h, c = lstm(x, state["reads"], state["h"], state["c"], W)
    told = list(W["to_heads.weight"] @ h + W["to_heads.bias"])

    def take(count: int, width: int) -> Array:
        taken, told[:] = np.array(told[: count * width]), told[count * width :]
        return taken.reshape(count, width)

    keys, adds, erases = take(heads, size), take(writes, size), sigmoid(take(writes, size))
    gates, betas, gammas = sigmoid(take(heads, 1)), take(heads, 1), take(heads, 1)
    shifts = take(heads, sizes["num_shifts"])
    assert not told
    weightings = []
    for k in range(heads):
        found = content(
            keys[k], softplus(betas[k, 0]), state["memory"], sizes.get("similarity", "cosine")
        )
        gated = gates[k, 0] * found + (1 - gates[k, 0]) * state["weightings"][k]
        shifted = shift(gated, softmax(shifts[k]))
        weightings.append(sharpen(shifted, 1 + softplus(gammas[k, 0])))
    reads = heads - writes
    memory = write(
        state["memory"], [(weightings[reads + n], erases[n], adds[n]) for n in range(writes)]
    )
    vectors = np.array([read(memory, w) for w in weightings[:reads]])
    return {
        "hidden": h + W["read_output.weight"] @ vectors.flatten(),
        "h": h,
        "c": c,
        "memory": memory,
        "reads": vectors,
        "weightings": np.array(weightings),
        "gates": gates,
    }


def dnc_step(x: Array, state: Any, W: Weights, clip: float | None) -> dict[str, Array]:
    """A step of one example. The interface vector lies in the order that `DNCCell` says."""
    heads, size = state["reads"].shape

    def bound(values: Array) -> Array:
        return values if clip is None else np.clip(values, -clip, clip)

    h, c = (bound(v) for v in lstm(x, state["reads"], state["h"], state["c"], W))
    xi = list(W["to_interface.weight"] @ h + W["to_interface.bias"])

    def take(count: int) -> Array:
        taken, xi[:] = np.array(xi[:count]), xi[count:]
        return taken

    read_keys, write_key, v = take(heads * size).reshape(heads, size), take(size), take(size)
    e, f, g_a, g_w = (sigmoid(take(n)) for n in (size, heads, 1, 1))
    betas = 1 + softplus(take(heads + 1))
    modes = [softmax(pi) for pi in take(3 * heads).reshape(heads, 3)]
    assert not xi

    w_r, w_w = state["read_weightings"], state["write_weighting"]
    u = usage(state["usage"], w_w, retention(f, w_r))
    found = content(write_key, betas[heads], state["memory"])
    w_w = g_w * (g_a * allocation(u) + (1 - g_a) * found)
    memory = write(state["memory"], [(w_w, e, v)])
    L = links(state["links"], w_w, state["precedence"])
    w_r = np.array(
        [
            pi[0] * (L.T @ w) + pi[1] * content(key, beta, memory) + pi[2] * (L @ w)
            for pi, w, key, beta in zip(modes, w_r, read_keys, betas[:heads], strict=True)
        ]
    )
    vectors = np.array([read(memory, w) for w in w_r])
    return {
        "hidden": bound(h + W["read_output.weight"] @ vectors.flatten()),
        "h": h,
        "c": c,
        "memory": memory,
        "reads": vectors,
        "read_weightings": w_r,
        "write_weighting": w_w,
        "usage": u,
        "precedence": precedence(state["precedence"], w_w),
        "links": L,
        "gates": np.concatenate([f, g_a, g_w]),
        "modes": np.array(modes),
    }
