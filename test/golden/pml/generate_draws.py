"""
With which probabilities pytorch-metric-learning's miners draw, in float64.

    pip install -r requirements.txt && python generate_draws.py

writes draws/NAME.json: {"cases": [{"use": the miner as DML writes it, "embeddings": of unit length, "labels": [...],
"probabilities": [B, B]}, ...]}.

- distance_weighted: the probability of each sample to be drawn as the negative of an anchor, as the library hands it to
  its sampling; 0 where the library has no number, which is where nothing can be drawn.
- uniform_histogram: the probability that a pair is among the draws of its bin, 1 - (1 - 1/m)^draws of m pairs, from the
  bins that the library sorts its pairs into.
"""
import json
from pathlib import Path

import numpy as np
import torch
from pytorch_metric_learning import distances, miners
from pytorch_metric_learning.utils import loss_and_miner_utils as lmu

HERE = Path(__file__).parent / "draws"
LABELS = [[0, 0, 1, 1, 2, 2, 0, 1, 2, 2], [0, 0, 0, 1, 1, 1], [0, 1, 1, 0, 2, 3, 3, 2, 1, 1, 0, 0]]


def unit(rows, dim, seed):
    x = np.random.default_rng(seed).normal(size=(rows, dim)) + 0.6
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def distance_weighted(x, labels, **settings):
    found = {}

    def instead(labels, ref_labels=None, weights=None, **_):
        found["weights"] = weights
        return torch.tensor([0]), torch.tensor([1]), torch.tensor([2])

    original, lmu.get_random_triplet_indices = lmu.get_random_triplet_indices, instead
    miners.DistanceWeightedMiner(**settings).mine(x, labels, x, labels)
    lmu.get_random_triplet_indices = original
    return torch.nan_to_num(found["weights"], nan=0.0)


def uniform_histogram(x, labels, **settings):
    taken = torch.zeros(len(x), len(x), dtype=torch.float64)
    sizes = []

    def everything(weights, draws, replacement):
        sizes.append((len(weights), draws))
        return torch.arange(len(weights))

    original, torch.multinomial = torch.multinomial, everything
    miner = miners.UniformHistogramMiner(distance=distances.LpDistance(normalize_embeddings=False), **settings)
    a, p, c, n = miner.mine(x, labels, x, labels)
    torch.multinomial = original
    chances = [chance for size, draws in sizes for chance in [1 - (1 - 1 / size) ** draws] * size]
    for i, j, chance in zip(torch.cat([a, c]), torch.cat([p, n]), chances):
        taken[i, j] = chance
    return taken


CASES = {
    "distance_weighted": [
        ("distance_weighted", distance_weighted, {}),
        ("distance_weighted(cutoff: 0.9, far: 1.2)", distance_weighted, {"cutoff": 0.9, "nonzero_loss_cutoff": 1.2}),
    ],
    "uniform_histogram": [
        ("uniform_histogram", uniform_histogram, {}),
        (
            "uniform_histogram(bins: 3, positives: 2, negatives: 5)",
            uniform_histogram,
            {"num_bins": 3, "pos_per_bin": 2, "neg_per_bin": 5},
        ),
    ],
}

for name, uses in CASES.items():
    cases = []
    for use, probabilities, settings in uses:
        for seed, (labels, dim) in enumerate(zip(LABELS, (3, 8, 48))):
            x = torch.tensor(unit(len(labels), dim, seed))
            found = probabilities(x, torch.tensor(labels), **settings)
            cases.append(
                {"use": use, "embeddings": x.tolist(), "labels": labels, "probabilities": found.tolist()}
            )
    HERE.mkdir(exist_ok=True)
    (HERE / f"{name}.json").write_text(json.dumps({"cases": cases}, allow_nan=False) + "\n")
