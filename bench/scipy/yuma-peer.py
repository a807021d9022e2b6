"""A Yuma epoch in float64, over dense matrices.

Usage: yuma-peer.py INPUTS.json TURNS, where INPUTS is a list of what genki/chain/yuma/yuma.ts takes, stakes as numbers, of
subnets where nobody is inactive, new or without weights to others. Prints one JSON line: the u16 shares of each epoch, and
the milliseconds of each turn. Needs Python 3.9 and `pip install numpy`; nothing else.
"""

import json
import sys
import time

try:
    import numpy as np
except ImportError as error:
    print(json.dumps({"missing": str(error)}))
    sys.exit(0)

U16 = 65535


def dense(rows):
    matrix = np.zeros((len(rows), len(rows)))
    for i, row in enumerate(rows):
        for j, value in row:
            matrix[i, j] = value
    return matrix


def over(matrix, axis):
    total = matrix.sum(axis=axis, keepdims=True)
    return np.divide(matrix, total, out=np.zeros_like(matrix), where=total != 0)


def weighted_median(weights, stake, kappa):
    """The smallest weight of a column below which at most 1 - kappa of the stake lies."""
    order = np.argsort(weights, axis=0, kind="stable")
    scores = np.take_along_axis(weights, order, axis=0)
    below = np.cumsum(stake[order], axis=0)
    at = np.argmax(below > stake.sum() - kappa, axis=0)
    return scores[at, np.arange(weights.shape[1])]


def epoch(case, weights, bonds):
    stake = np.array(case["stake"])
    stake = np.where(stake >= case["stakeThreshold"], stake, 0)
    stake = stake / stake.sum()
    weights = weights.copy()
    np.fill_diagonal(weights, 0)
    weights = over(weights, 1)
    voters = stake > 0
    consensus = weighted_median(weights[voters], stake[voters], case["kappa"] / U16)
    clipped = np.minimum(weights, consensus)
    rank = stake @ clipped
    incentive = rank / rank.sum()
    penalty = case["bondsPenalty"] / U16
    votes = weights + penalty * (clipped - weights)
    alpha = 1 - case["bondsMovingAverage"] / 1_000_000
    if case["yuma3"]:
        old = bonds / U16
        if case["liquidAlpha"]:
            low, high = case["alphaLow"] / U16, case["alphaHigh"] / U16
            apart = np.clip(np.where(votes >= old, votes - consensus, old - votes), 0, 1)
            sigmoid = 1 / (1 + np.exp(np.clip(-case["alphaSigmoidSteepness"] / 100 * (apart - 0.5), -20, 20)))
            alpha = np.clip(low + sigmoid * (high - low), low, high)
            old = np.where(votes > 0, old, 0)
        moved = np.clip(alpha * votes + (1 - alpha) * old, 0, 1)
        dividends = (over(moved, 0) @ incentive) * stake
    else:
        moved = over(alpha * over(votes * stake[:, None], 0) + (1 - alpha) * over(bonds, 0), 0)
        dividends = moved @ incentive
    dividends = dividends / dividends.sum()
    return {name: np.floor(share * U16).astype(int).tolist() for name, share in (("consensus", consensus), ("incentive", incentive), ("dividends", dividends))}


answers = []
for case in json.load(open(sys.argv[1])):
    weights, bonds = dense(case["weights"]), dense(case["bonds"])
    took = []
    for _ in range(int(sys.argv[2])):
        started = time.perf_counter()
        shares = epoch(case, weights, bonds)
        took.append((time.perf_counter() - started) * 1000)
    answers.append({"milliseconds": took, **shares})
print(json.dumps({"numpy": np.__version__, "epochs": answers}))
