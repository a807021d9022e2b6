"""Robust aggregation of many peers' updates by NumPy and SciPy, each rule as one writes it in them.

Reads one JSON request a line and answers with one: {"peers", "values", "seed"} draws the updates; {"rule", "mixing", "share",
"radius", "iterations", "out"} aggregates into a file of float32, and answers with the seconds of a core it took and the bytes of memory
beyond what the process had before. Sums are taken in float32 as NumPy takes them, and inner products by one matrix product, which is what makes it
fast. Needs Python 3.9 and `pip install scipy`; nothing else.
"""

import json
import sys
import time

try:
    import numpy as np
    import scipy
    import scipy.stats
except ImportError as error:
    print(json.dumps({"missing": str(error)}))
    sys.exit(0)


def draw(peers, values, seed):
    """The updates of bench/aggregation/drawn.ts, to the bit."""
    x = np.empty((peers, values), np.float32)
    for peer in range(peers):
        mixed = np.arange(values, dtype=np.uint32)
        mixed += np.uint32(((seed + peer) * 0x9E3779B9) & 0xFFFFFFFF)
        for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
            mixed ^= mixed >> np.uint32(shift)
            mixed *= np.uint32(factor)
        mixed ^= mixed >> np.uint32(16)
        x[peer] = (mixed >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-23) - np.float32(1)
        x[peer] *= np.float32(1 + peer / 64)
    return x


def count(share, n):
    return int(share * n + 1e-9)


def distances(x):
    gram = (x @ x.T).astype(np.float64)
    length = np.diag(gram)
    return np.maximum(0, length[:, None] + length[None] - 2 * gram)


def scores(d, f):
    k = max(2, len(d) - f - 2)
    return np.sort(d + np.diag(np.full(len(d), np.inf)), 1)[:, :k].sum(1)


def geometric_median(x):
    gram = (x @ x.T).astype(np.float64)
    w = np.full(len(x), 1 / len(x))
    for _ in range(10_000):
        apart = np.sqrt(np.maximum(0, np.diag(gram) - 2 * gram @ w + w @ gram @ w))
        new = 1 / np.maximum(1e-7, apart)
        new /= new.sum()
        still = np.abs(new - w).max() <= 1e-13
        w = new
        if still:
            break
    return w.astype(np.float32) @ x


def bulyan(x, f):
    d, left, selected = distances(x), list(range(len(x))), []
    while len(selected) < len(x) - 2 * f:
        selected.append(left.pop(scores(d[np.ix_(left, left)], f).argmin()))
    values = np.sort(x[sorted(selected)], 0)
    order = np.argsort(np.abs(values - np.median(values, 0)), 0, kind="stable")[: len(values) - 2 * f]
    return np.take_along_axis(values, order, 0).mean(0)


def centred_clipping(x, radius, iterations):
    v = np.zeros(x.shape[1], np.float32)
    for _ in range(iterations):
        step = np.zeros_like(v)
        for row in x:
            apart = row - v
            step += apart * np.float32(min(1, radius / np.sqrt(apart @ apart)))
        v += step / len(x)
    return v


def mixed(x, f):
    nearest = np.argsort(distances(x), 1, kind="stable")[:, : len(x) - f]
    weights = np.zeros((len(x), len(x)), np.float32)
    np.put_along_axis(weights, nearest, 1 / nearest.shape[1], 1)
    return weights @ x


def aggregate(x, rule, mixing, share, radius, iterations):
    f = count(share, len(x))
    if mixing:
        x = mixed(x, f)
    krum, few = min(f, (len(x) - 3) // 2), min(f, (len(x) - 3) // 4)
    return {
        "mean": lambda: x.mean(0),
        "trimmed-mean": lambda: scipy.stats.trim_mean(x, share, axis=0),
        "coordinate-median": lambda: np.median(x, 0),
        "geometric-median": lambda: geometric_median(x),
        "krum": lambda: x[scores(distances(x), krum).argmin()],
        "multi-krum": lambda: x[np.argsort(scores(distances(x), krum), kind="stable")[: len(x) - krum]].mean(0),
        "bulyan": lambda: bulyan(x, few),
        "centred-clipping": lambda: centred_clipping(x, radius, iterations),
    }[rule]()


def memory(field):
    with open("/proc/self/status", encoding="ascii") as file:
        return 1024 * int(next(line for line in file if line.startswith(field)).split()[1])


def forget_peak():
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


print(json.dumps({"scipy": f"{np.__version__}/{scipy.__version__}"}), flush=True)
updates = None
for line in sys.stdin:
    request = json.loads(line)
    if "peers" in request:
        updates = draw(**request)
        answer = {}
    else:
        out = request.pop("out")
        forget_peak()
        before = memory("VmRSS:")
        started = time.process_time()
        result = aggregate(updates, **request)
        answer = {"cpuSeconds": time.process_time() - started, "bytes": memory("VmHWM:") - before}
        np.asarray(result, np.float32).tofile(out)
        del result
    print(json.dumps(answer), flush=True)
