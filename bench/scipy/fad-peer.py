"""The Fréchet distance through scipy.linalg.sqrtm of the product of the covariances, as FAD packages compute it.

Usage: fad-peer.py EMBEDDINGS.safetensors PAIRS, where EMBEDDINGS holds `embeddings`, F32 [sets, n, d], and PAIRS is a JSON
list of [i, j]. Prints one JSON line: the distance of each pair, and the seconds that it took without the fits, which all
pairs share. Needs Python 3.9 and `pip install scipy`; nothing else.
"""

import json
import sys
import time

try:
    import numpy as np
    import scipy
    import scipy.linalg
except ImportError as error:
    print(json.dumps({"missing": str(error)}))
    sys.exit(0)

EPSILON = 1e-6


def read_embeddings(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        body = file.read()
    spec = header["embeddings"]
    begin, end = spec["data_offsets"]
    return np.frombuffer(body[begin:end], dtype="<f4").reshape(spec["shape"]).astype(np.float64)


def distance(x, y):
    (mean_x, sigma_x), (mean_y, sigma_y) = x, y
    root = scipy.linalg.sqrtm(sigma_x @ sigma_y)
    if not np.isfinite(root).all():
        offset = EPSILON * np.eye(len(sigma_x))
        root = scipy.linalg.sqrtm((sigma_x + offset) @ (sigma_y + offset))
    apart = mean_x - mean_y
    return float(apart @ apart + np.trace(sigma_x) + np.trace(sigma_y) - 2 * np.trace(root.real))


embeddings = read_embeddings(sys.argv[1])
fits = [(rows.mean(0), np.cov(rows, rowvar=False)) for rows in embeddings]
distances, seconds = [], []
for i, j in json.loads(sys.argv[2]):
    started = time.perf_counter()
    distances.append(distance(fits[i], fits[j]))
    seconds.append(time.perf_counter() - started)
print(json.dumps({"scipy": scipy.__version__, "distances": distances, "seconds": seconds}))
