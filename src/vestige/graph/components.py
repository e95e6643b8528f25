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


def distinct(a: np.ndarray) -> np.ndarray:
    """Sorted values without repeats. numpy's own hashes, which is 50 times slower on ids in the millions."""
    a = np.sort(a)
    return a[np.r_[True, a[1:] != a[:-1]][: len(a)]]


def distinct_pairs(a: np.ndarray, b: np.ndarray, n: int) -> Pairs:
    """Pairs without repeats, sorted; `b` below `n`."""
    both = distinct(a.astype(np.int64) * n + b)
    return both // n, both % n


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
    # a parameter element that a path has met before is not followed again
    source, at = sources.astype(np.int64), sources.astype(np.int64)
    seen, ends = source * total + at, []
    while len(source):
        index, to = lookup(at, table, total)
        source, at = distinct_pairs(source[index], to, total)
        end = at < n_nodes
        ends.append((source[end], at[end]))
        source, at = source[~end], at[~end]
        fresh = ~np.isin(source * total + at, seen) if len(at) else end[:0]
        source, at = source[fresh], at[fresh]
        seen = np.concatenate([seen, source * total + at])
    return distinct_pairs(*concat(ends), n_nodes) if ends else concat(ends)


def ordinal(key: np.ndarray) -> np.ndarray:
    """Running count of each element within its own value of `key`."""
    order = np.argsort(key, kind="stable")
    sorted_key = key[order]
    new = np.r_[True, sorted_key[1:] != sorted_key[:-1]][: len(key)]
    start = np.maximum.accumulate(np.where(new, np.arange(len(key)), 0))
    out = np.empty(len(key), int)
    out[order] = np.arange(len(key)) - start
    return out
