#!/usr/bin/env python3
"""Goldens of stacking and recompressing LoRA adapters: the sum of the updates in float64, its singular values, and its best
approximations of each rank. usage: make_lora_goldens.py OUT_DIR (numpy)"""
import json, os, sys
import numpy as np
rng = np.random.default_rng(7)
f32 = lambda *shape: (0.1 * rng.normal(size=shape)).astype(np.float32)
cases = []
for out, columns, parts in (7, 5, ((3, 2.0, 0.6), (2, 0.75, -1.3))), (4, 9, ((3, 2.0, 1.0), (4, 1.5, 0.25))), (6, 6, ((2, 16 / 3, 0.9), (1, 1.0, 0.1), (1, 2.0, -0.7))):
    made = [{"rank": r, "scale": s, "weight": w, "a": f32(r, columns), "b": f32(out, r)} for r, s, w in parts]
    total = sum(p["weight"] * p["scale"] * p["b"].astype(float) @ p["a"].astype(float) for p in made)
    u, sigma, vt = np.linalg.svd(total)
    sigma = sigma[: min(out, columns, sum(r for r, _, _ in parts))]
    best = [(u[:, :k] * sigma[:k]) @ vt[:k] for k in range(1, len(sigma) + 1)]
    cases.append({"out": out, "in": columns, "parts": [{**p, "a": p["a"].astype(float).ravel().tolist(), "b": p["b"].astype(float).ravel().tolist()} for p in made],
                  "sum": total.ravel().tolist(), "singular": sigma.tolist(), "best": [m.ravel().tolist() for m in best],
                  "errors": [float(np.linalg.norm(m - total) / np.linalg.norm(total)) for m in best]})
json.dump({"numpy": np.__version__, "cases": cases}, open(os.path.join(sys.argv[1], "lora-merging.json"), "w"), indent=1)
