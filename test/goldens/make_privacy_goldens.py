#!/usr/bin/env python3
"""Goldens of the private mode: Rényi DP of the Gaussian mechanism, composed over windows, the exact ε of the same, and the
first normal numbers of a key. usage: make_privacy_goldens.py OUT_DIR (dp-accounting 0.6.0, scipy, openssl 3)"""
import importlib.metadata, json, math, os, struct, subprocess, sys
import dp_accounting
from dp_accounting.rdp import rdp_privacy_accountant as rdp
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm

def epsilon(orders, noise, windows, delta):
    accountant = rdp.RdpAccountant(orders=orders)  # adding or removing one record: sensitivity 1
    accountant.compose(dp_accounting.GaussianDpEvent(noise), windows)
    return accountant.get_epsilon(delta)

def optimal(noise, windows, delta):
    guess = math.sqrt(2 * math.log(1 / delta) * noise**2 / windows)
    found = minimize_scalar(lambda t: epsilon([1 + math.exp(t)], noise, windows, delta), bracket=(math.log(guess) - 0.5, math.log(guess)), tol=1e-12)
    return float(found.fun), 1 + math.exp(float(found.x))

def exact(noise, windows, delta):
    """Balle and Wang 2018, theorem 8; windows of Gaussian noise are one of noise / √windows."""
    mu = math.sqrt(windows) / noise
    over = lambda e: norm.cdf(mu / 2 - e / mu) - math.exp(e + norm.logcdf(-mu / 2 - e / mu)) - delta
    return 0.0 if over(0) <= 0 else brentq(over, 0, mu * mu + 20 * mu, xtol=1e-14, rtol=1e-14)

cases = []
for noise in (0.3, 0.7, 1, 2.5, 8, 40):
    for windows in (1, 10, 100, 2000):
        for delta in (1e-5, 1e-9):
            best, order = optimal(noise, windows, delta)
            if order < 1.011: continue  # dp-accounting leaves such orders out
            cases.append({"noise": noise, "windows": windows, "delta": delta, "epsilon": best, "order": order,
                          "published_orders": epsilon(None, noise, windows, delta), "exact": exact(noise, windows, delta),
                          "exact_of_dp_accounting": dp_accounting.get_epsilon_gaussian(noise / math.sqrt(windows), delta) if windows < 2000 or noise > 1 else None})
def normals(key, count):
    keystream = subprocess.run(["openssl", "enc", "-aes-256-ctr", "-K", key.hex(), "-iv", "00" * 16], input=bytes(8 * count), capture_output=True, check=True).stdout
    words = struct.unpack(f"<{2 * count}I", keystream)
    uniform = [((hi >> 5) * 2**26 + (lo >> 6)) / 2**53 for hi, lo in zip(words[::2], words[1::2])]
    pairs = [(math.sqrt(-2 * math.log(u + 2**-53)), 2 * math.pi * v) for u, v in zip(uniform[::2], uniform[1::2])]
    return [x for radius, angle in pairs for x in (radius * math.cos(angle), radius * math.sin(angle))]

json.dump({"dp_accounting": importlib.metadata.version("dp-accounting"), "cases": cases, "normals": normals(bytes(range(32)), 16)}, open(os.path.join(sys.argv[1], "privacy.json"), "w"), indent=1)
for c in cases: print(c)
