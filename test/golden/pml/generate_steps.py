"""
Golden values over several steps of the losses that keep a state, in float64.

    pip install -r requirements.txt && python generate_steps.py

writes steps/NAME.json: {"runs": [{"use": the loss as DML writes it, "classes": number of classes, "states": {name: its
first values}, "steps": [{"embeddings": ..., "labels": [...], "value": ..., "gradient": by the embeddings, "states": {name:
its values after the step}}, ...]}]}.

- dynamic_soft_margin: pytorch-metric-learning's DynamicSoftMarginLoss, on embeddings of unit length, the gradient through
  them. Its histogram is detached, and has room for what falls into the last bin. The library adds each triplet with the
  weight `momentum` to a histogram whose sum is 1, so that a batch counts more the more triplets it has; the official code
  adds the batch's share of each bin. The weight of a triplet is set to what makes the two one.
- center: from its definition (Wen, Zhang, Li & Qiao 2016, eq. 2, with the mean over the batch, and eq. 4), over loops.
"""
import json
from pathlib import Path

import numpy as np
import torch
from pytorch_metric_learning import losses

HERE = Path(__file__).parent / "steps"
LABELS = [
    [[0, 0, 1, 1, 2, 2], [0, 0, 0, 1, 1, 1], [2, 2, 2, 2], [0, 1, 2], [1, 1, 2, 2, 2, 0, 0]],
    [[1, 1, 1], [0, 0, 1, 1], [0, 1], [0, 0, 1, 1, 1, 1, 2, 2], [2, 2, 1, 1]],
]


class DynamicSoftMargin(losses.DynamicSoftMarginLoss):
    def __init__(self, bins, momentum):
        super().__init__(num_bins=bins, momentum=momentum)
        self.hist_ = torch.zeros(bins + 1, dtype=torch.float64)

    def update_histogram(self, data):
        given = self.momentum
        self.momentum = given / (given + (1 - given) * len(data))
        super().update_histogram(data.detach())
        self.momentum = given


def batches(labels, dim, seed):
    random = np.random.default_rng(seed)
    return [(random.normal(size=(len(each), dim)), each) for each in labels]


def dynamic_soft_margin(bins, momentum):
    def run(steps, classes, dim):
        loss = DynamicSoftMargin(bins, momentum)
        for x, labels in steps:
            x = torch.tensor(x, requires_grad=True)
            value = loss(x, torch.tensor(labels))
            (gradient,) = torch.autograd.grad(value + 0 * x.sum(), x)
            yield value.item(), gradient.tolist(), {"h": loss.hist_.tolist()}

    return run, lambda classes, dim: {"h": np.zeros(bins + 1)}


def center(rate):
    first = lambda classes, dim: {"c": np.random.default_rng(7).normal(size=(classes, dim))}

    def run(steps, classes, dim):
        centers = first(classes, dim)["c"].copy()
        for x, labels in steps:
            apart = x - centers[labels]
            value = np.mean([row @ row for row in apart]) / 2
            moved = centers.copy()
            for k in range(classes):
                members = [row for row, label in zip(x, labels) if label == k]
                step = sum((centers[k] - row for row in members), np.zeros(dim)) / (1 + len(members))
                moved[k] = centers[k] - rate * step
            centers = moved
            yield value, (apart / len(x)).tolist(), {"c": centers.tolist()}

    return run, first


CASES = {
    "dynamic_soft_margin": [
        ("dynamic_soft_margin", dynamic_soft_margin(10, 0.01)),
        ("dynamic_soft_margin(bins: 7, momentum: 0.3)", dynamic_soft_margin(7, 0.3)),
        ("dynamic_soft_margin(momentum: 1)", dynamic_soft_margin(10, 1)),
    ],
    "center": [("center", center(0.5)), ("center(rate: 0.1)", center(0.1))],
}

for name, uses in CASES.items():
    runs = []
    for use, (run, first) in uses:
        for seed, labels in enumerate(LABELS):
            classes, dim = 3, 4 + 3 * seed
            steps = batches(labels, dim, seed)
            answers = run(steps, classes, dim)
            runs.append(
                {
                    "use": use,
                    "classes": classes,
                    "states": {state: values.tolist() for state, values in first(classes, dim).items()},
                    "steps": [
                        {
                            "embeddings": x.tolist(),
                            "labels": own,
                            "value": value,
                            "gradient": gradient,
                            "states": states,
                        }
                        for (x, own), (value, gradient, states) in zip(steps, answers)
                    ],
                }
            )
    HERE.mkdir(exist_ok=True)
    (HERE / f"{name}.json").write_text(json.dumps({"runs": runs}, allow_nan=False) + "\n")
