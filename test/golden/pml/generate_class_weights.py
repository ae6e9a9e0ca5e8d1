"""
Golden values of losses weighed by class, from pytorch-metric-learning's ClassWeightedReducer, in float64.

    pip install -r requirements.txt && python generate_class_weights.py

writes class_weights/losses.json: a list of {"use": the loss as DML writes it, "formula": its body where it is none of the
standard library, "weights": of the classes, "embeddings", "labels", "params", "value", "gradient": by the embeddings and
each parameter}. The losses are on normalize(x).

The reducer weighs each tuple by its anchor's class and divides by the number of all tuples. The standard library's
contrastive and triplet divide by the number of those with a loss above 0, and keep their denominator when they are
weighed: `WeighedNonZero` is that rule, on the library's tuples. The reducer's own values are held against the same
formulas with `mean` in place of `mean_active`.
"""
import json
from pathlib import Path

import torch
from pytorch_metric_learning import losses, reducers

from generate import BATCHES

HERE = Path(__file__).parent
NAMES = ["three classes", "unequal classes", "two lone samples", "four classes of three", "twenty samples"]


class WeighedNonZero(reducers.ClassWeightedReducer):
    """Over the losses above 0, as AvgNonZeroReducer; weighed by class."""

    def element_reduction_helper(self, values, indices, labels):
        active = (values > 0).sum().clamp(min=1)
        return (values * self.weights[labels[indices]]).sum() / active


class WeighedEach(reducers.ClassWeightedReducer):
    """
    MultiSimilarityLoss hands its reducer a column, [n, 1], which ClassWeightedReducer multiplies by a row of weights: the
    mean of that table is the mean loss times the mean weight. Here each loss has its own weight.
    """

    def element_reduction_helper(self, values, indices, labels):
        return super().element_reduction_helper(values.flatten(), indices, labels)


DISTANCE = "let d(i, j) = euclidean(x[i], x[j])"
PLAIN = reducers.ClassWeightedReducer
LOSSES = [
    ("contrastive", None, WeighedNonZero, lambda k, d, r: losses.ContrastiveLoss(reducer=r)),
    (
        "contrastive(margin: 1.3, positive_margin: 0.4)",
        None,
        WeighedNonZero,
        lambda k, d, r: losses.ContrastiveLoss(0.4, 1.3, reducer=r),
    ),
    ("triplet(margin: 0.3)", None, WeighedNonZero, lambda k, d, r: losses.TripletMarginLoss(0.3, reducer=r)),
    (
        "contrastive over all pairs",
        f"{DISTANCE}\n(mean[i, j | same(i, j)] d(i, j)) + mean[i, j | differs(i, j)] relu(1 - d(i, j))",
        PLAIN,
        lambda k, d, r: losses.ContrastiveLoss(reducer=r),
    ),
    (
        "triplet over all triplets",
        f"{DISTANCE}\nmean[a, p, n | same(a, p), differs(a, n)] relu(d(a, p) - d(a, n) + 0.3)",
        PLAIN,
        lambda k, d, r: losses.TripletMarginLoss(0.3, reducer=r),
    ),
    (
        "multi_similarity(alpha: 4, beta: 20, base: 0.1)",
        None,
        WeighedEach,
        lambda k, d, r: losses.MultiSimilarityLoss(4, 20, 0.1, reducer=r),
    ),
    (
        "arcface(margin: 28.6deg, scale: 16)",
        None,
        PLAIN,
        lambda k, d, r: losses.ArcFaceLoss(k, d, margin=28.6, scale=16, reducer=r),
    ),
    (
        "cosface(margin: 0.35, scale: 8)",
        None,
        PLAIN,
        lambda k, d, r: losses.CosFaceLoss(k, d, margin=0.35, scale=8, reducer=r),
    ),
]


def main():
    cases = []
    for use, formula, reducer, make in LOSSES:
        for name in NAMES:
            data = BATCHES[name]
            classes, dim = data["classes"], data["embeddings"].shape[1]
            generator = torch.Generator().manual_seed(3)
            weights = torch.rand(classes, generator=generator) + 0.2
            loss = make(classes, dim, reducer(weights))
            x = data["embeddings"].clone().requires_grad_()
            w, inputs = None, [x]
            if hasattr(loss, "W"):
                w = torch.randn(classes, dim, generator=generator)
                loss.W = torch.nn.Parameter(w.t().contiguous())
                inputs = [x, loss.W]
            value = loss(torch.nn.functional.normalize(x), torch.tensor(data["labels"]))
            gradients = torch.autograd.grad(value, inputs)
            cases.append(
                {
                    "use": use,
                    **({} if formula is None else {"formula": formula}),
                    "batch": name,
                    "weights": weights.tolist(),
                    "classes": classes,
                    "embeddings": data["embeddings"].tolist(),
                    "labels": data["labels"],
                    "params": {} if w is None else {"w": w.tolist()},
                    "value": value.item(),
                    "gradient": {
                        "x": gradients[0].tolist(),
                        "params": {} if w is None else {"w": gradients[1].t().tolist()},
                    },
                }
            )
    (HERE / "class_weights").mkdir(exist_ok=True)
    (HERE / "class_weights" / "losses.json").write_text(json.dumps(cases) + "\n")


if __name__ == "__main__":
    main()
