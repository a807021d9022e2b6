#!/usr/bin/env python3
"""Goldens of robust aggregation, by the plainest NumPy and SciPy that says what each rule is, in float64; and of the outer
optimiser by torch.optim.SGD. usage: make_aggregation_goldens.py OUT_FILE.json (numpy, scipy, torch)"""
import json
import sys

import numpy as np
import scipy
import scipy.optimize
import scipy.stats
import torch


def distances(x):
    return ((x[:, None] - x[None]) ** 2).sum(-1)


def krum_scores(x, f):
    d, k = distances(x), max(2, len(x) - f - 2)
    return np.array([np.sort(np.delete(row, i))[:k].sum() for i, row in enumerate(d)])


def krum(x, f):
    return x[krum_scores(x, f).argmin()]


def multi_krum(x, f):
    return x[np.argsort(krum_scores(x, f), kind="stable")[: len(x) - f]].mean(0)


def bulyan(x, f):
    left, selected = x.copy(), []
    while len(selected) < len(x) - 2 * f:
        best = krum_scores(left, f).argmin()
        selected.append(left[best])
        left = np.delete(left, best, 0)
    values = np.sort(np.array(selected), 0)
    order = np.argsort(np.abs(values - np.median(values, 0)), axis=0, kind="stable")[: len(values) - 2 * f]
    return np.take_along_axis(values, order, 0).mean(0)


def geometric_median(x):
    total = lambda v: np.sqrt(((x - v) ** 2).sum(1)).sum()
    gradient = lambda v: ((v - x) / np.maximum(1e-300, np.sqrt(((x - v) ** 2).sum(1)))[:, None]).sum(0)
    v = x.mean(0)
    for _ in range(200_000):  # Weiszfeld, not smoothed
        w = 1 / np.maximum(1e-12, np.sqrt(((x - v) ** 2).sum(1)))
        v = (w[:, None] * x).sum(0) / w.sum()
    other = scipy.optimize.minimize(total, np.median(x, 0), jac=gradient, method="BFGS", options={"gtol": 1e-10, "maxiter": 10_000}).x
    assert total(v) <= total(other) * (1 + 1e-12) and np.abs(v - other).max() < 1e-4, np.abs(v - other).max()
    return v


def centred_clipping(x, radius, iterations):
    v = np.zeros(x.shape[1])
    for _ in range(iterations):
        apart = x - v
        v = v + (apart * np.minimum(1, radius / np.sqrt((apart**2).sum(1)))[:, None]).mean(0)
    return v


def mixing(x, f):
    return np.array([x[np.argsort(row, kind="stable")[: len(x) - f]].mean(0) for row in distances(x)])


def by_rules(x, share, radius):
    f = int(share * len(x) + 1e-9)
    return {
        "mean": x.mean(0),
        "trimmed-mean": scipy.stats.trim_mean(x, share, axis=0),
        "coordinate-median": np.median(x, 0),
        "geometric-median": geometric_median(x),
        "krum": krum(x, min(f, (len(x) - 3) // 2)),
        "multi-krum": multi_krum(x, min(f, (len(x) - 3) // 2)),
        "bulyan": bulyan(x, min(f, (len(x) - 3) // 4)),
        "centred-clipping": centred_clipping(x, radius, 3),
    }


def numbers(x):
    return [float(f"{value:.9g}") for value in np.asarray(x, dtype=np.float64).ravel()]


rng = np.random.default_rng(7)
cases = []
for n, d, share in [(5, 7, 0.2), (8, 13, 0.13), (11, 5, 0.2), (16, 21, 0.24), (19, 3, 0.2)]:
    common = rng.normal(size=d)
    x = (common + rng.normal(size=(n, d))).astype(np.float32)
    x[1] *= 6
    wide = x.astype(np.float64)
    radius = 1.5 * float(np.sqrt(d))
    cases.append({"peers": n, "values": d, "share": share, "radius": radius, "updates": [numbers(row) for row in x],
                  "plain": {k: numbers(v) for k, v in by_rules(wide, share, radius).items()},
                  "mixed": {k: numbers(v) for k, v in by_rules(mixing(wide, int(share * n + 1e-9)), share, radius).items()}})

outer = []
for rate, momentum, nesterov in [(0.7, 0.9, True), (0.7, 0.9, False), (2.0, 0.0, False), (1.0, 0.5, True)]:
    p = torch.nn.Parameter(torch.tensor(rng.normal(size=11), dtype=torch.float32))
    sgd = torch.optim.SGD([p], lr=rate, momentum=momentum, nesterov=nesterov)
    start, windows = numbers(p.detach().numpy()), []
    for _ in range(6):
        update = rng.normal(size=11).astype(np.float32)
        p.grad = torch.tensor(-update)
        sgd.step()
        buffer = sgd.state[p].get("momentum_buffer")
        windows.append({"update": numbers(update), "weights": numbers(p.detach().numpy()), "momentum": None if buffer is None else numbers(-buffer.numpy())})
    outer.append({"learningRate": rate, "momentum": momentum, "nesterov": nesterov, "weights": start, "windows": windows})

made = {"numpy": np.__version__, "scipy": scipy.__version__, "torch": torch.__version__, "seed": 7}
json.dump({"made": made, "cases": cases, "outer": outer}, open(sys.argv[1], "w"))
