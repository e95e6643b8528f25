"""Connected components and reach in graphs of integers, vectorised."""

from collections.abc import Sequence

import numpy as np

Pairs = tuple[np.ndarray, np.ndarray]


def concat(pairs: Sequence[Pairs]) -> Pairs:
    """Many lists of pairs as one."""
    if not pairs:
        return np.empty(0, int), np.empty(0, int)
    a, b = (np.concatenate([p[k].reshape(-1) for p in pairs]).astype(np.int64) for k in (0, 1))
    return a, b


def components(n: int, joins: Sequence[Pairs]) -> np.ndarray:
    """Label of each of `n` nodes: the least node of its component. Hooking and pointer jumping, O(log n) rounds."""
    label = np.arange(n)
    a, b = concat(joins)
    while len(a):
        low = np.minimum(label[a], label[b])
        # hook the roots, then let every node look through
        np.minimum.at(label, label[a], low)
        np.minimum.at(label, label[b], low)
        while (label[label] != label).any():
            label = label[label]
        apart = label[a] != label[b]
        a, b = a[apart], b[apart]
    return label


def lookup(keys: np.ndarray, table: Pairs, total: int) -> Pairs:
    """All pairs (index into `keys`, value) such that (key, value) is in the table, sorted by key; keys below `total`."""
    first = np.searchsorted(table[0], np.arange(total + 1))
    count = first[keys + 1] - first[keys]
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    return np.repeat(np.arange(len(keys)), count), table[1][np.repeat(first[keys], count) + step]


def reach(sources: np.ndarray, flows: Sequence[Pairs], n_nodes: int, total: int) -> Pairs:
    """Pairs (source, node), sorted, such that flows lead there; ids below `n_nodes` are nodes, where paths end."""
    a, b = concat(flows)
    order = np.argsort(a, kind="stable")
    table = a[order], b[order]
    found = np.empty(0, np.int64)
    new = sources.astype(np.int64) * total + sources
    while len(new):
        found = np.union1d(found, new)
        source, at = new // total, new % total
        source, at = source[at >= n_nodes], at[at >= n_nodes]
        index, to = lookup(at, table, total)
        new = np.setdiff1d(source[index] * total + to, found)
    source, at = found // total, found % total
    return source[at < n_nodes], at[at < n_nodes]


def ordinal(key: np.ndarray) -> np.ndarray:
    """Running count of each element within its own value of `key`."""
    order = np.argsort(key, kind="stable")
    sorted_key = key[order]
    new = np.r_[True, sorted_key[1:] != sorted_key[:-1]][: len(key)]
    start = np.maximum.accumulate(np.where(new, np.arange(len(key)), 0))
    out = np.empty(len(key), int)
    out[order] = np.arange(len(key)) - start
    return out
