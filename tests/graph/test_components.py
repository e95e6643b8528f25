"""Components and reach against plain loops over sets."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from vestige.graph.components import components, distinct, distinct_pairs, lookup, ordinal, reach

seeds = st.integers(0, 10_000)


@given(seeds, st.sampled_from([1, 2, 3, 5, 20]), st.sampled_from([0, 1, 5, 20]))
def test_components_are_those_of_union_find(seed, n, m):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, n, (2, m))
    label = components(n, [(a[: m // 2], b[: m // 2]), (a[m // 2 :], b[m // 2 :])])
    sets = {k: {k} for k in range(n)}
    for p, q in zip(a, b):
        both = sets[p] | sets[q]
        sets.update(dict.fromkeys(both, both))
    assert label.tolist() == [min(sets[k]) for k in range(n)]


@given(seeds, st.sampled_from([1, 2, 3, 5]), st.sampled_from([1, 2, 5]), st.sampled_from([0, 1, 5, 20]))
def test_reach_ends_at_nodes(seed, n, more, m):
    rng = np.random.default_rng(seed)
    total = n + more
    a, b = rng.integers(n, total, m), rng.integers(0, total, m)
    got = reach(np.arange(n, total), [(a, b)], n, total)
    want = set()
    for source in range(n, total):
        todo, seen = [source], {source}
        while todo:
            at = todo.pop()
            new = {int(q) for p, q in zip(a, b) if p == at and at >= n} - seen
            seen |= new
            todo += new
        want |= {(source, v) for v in seen if v < n}
    assert list(zip(*map(list, got))) == sorted(want)


@given(seeds, st.sampled_from([0, 1, 5, 20]))
def test_small_tools(seed, m):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(0, 5, (2, m))
    assert distinct(a).tolist() == sorted(set(a.tolist()))
    assert list(zip(*map(list, distinct_pairs(a, b, 5)))) == sorted({(p, q) for p, q in zip(a, b)})
    assert ordinal(a).tolist() == [a[:k].tolist().count(a[k]) for k in range(m)]
    table = distinct_pairs(a, b, 5)
    index, value = lookup(np.arange(5), table, 5)
    assert sorted(zip(index, value)) == sorted(zip(*table))
