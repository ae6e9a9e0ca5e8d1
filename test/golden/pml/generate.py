"""
Golden values and gradients from pytorch-metric-learning for the losses of the standard library.

    pip install -r requirements.txt && python generate.py

writes one NAME.json beside this file for each loss: batches, and cases that refer to them. Everything is float64.
`use` is the loss in DML. `normalize: true` means that the loss is applied to normalize(x), as the library's distances do
inside; it leaves that to the head.
"""
import json
from pathlib import Path

import torch
from pytorch_metric_learning import distances, losses

torch.set_default_dtype(torch.float64)
HERE = Path(__file__).parent


def batch(seed, labels, dim, classes=None):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(len(labels), dim, generator=generator)
    return {"embeddings": x, "labels": labels, "classes": classes or max(labels) + 1}


BATCHES = {
    "three classes": batch(1, [0, 0, 0, 1, 1, 1, 2, 2, 2], 5),
    "unequal classes": batch(2, [3, 0, 0, 2, 0, 2, 3], 4, classes=5),
    "one class": batch(3, [1, 1, 1, 1], 3, classes=2),
    "no positive pair": batch(4, [0, 1, 2, 3], 6),
}

# (use in DML, whether the loss is on normalize(x), constructor, {DML parameter: (attribute, transposed)})
CASES = {
    "contrastive": [
        ("contrastive", True, lambda k, d: losses.ContrastiveLoss(), {}),
        (
            "contrastive(margin: 1.3, positive_margin: 0.4)",
            True,
            lambda k, d: losses.ContrastiveLoss(pos_margin=0.4, neg_margin=1.3),
            {},
        ),
        (
            "contrastive(margin: 2)",
            False,
            lambda k, d: losses.ContrastiveLoss(
                neg_margin=2, distance=distances.LpDistance(normalize_embeddings=False)
            ),
            {},
        ),
    ],
    "triplet": [
        ("triplet", True, lambda k, d: losses.TripletMarginLoss(), {}),
        ("triplet(margin: 0.3)", True, lambda k, d: losses.TripletMarginLoss(margin=0.3), {}),
        (
            "triplet(margin: 0.2, smooth: true)",
            True,
            lambda k, d: losses.TripletMarginLoss(margin=0.2, smooth_loss=True),
            {},
        ),
    ],
    "multi_similarity": [
        ("multi_similarity", False, lambda k, d: losses.MultiSimilarityLoss(), {}),
        (
            "multi_similarity(alpha: 4, beta: 20, base: 0.1)",
            False,
            lambda k, d: losses.MultiSimilarityLoss(alpha=4, beta=20, base=0.1),
            {},
        ),
    ],
    "proxy_anchor": [
        ("proxy_anchor", False, lambda k, d: losses.ProxyAnchorLoss(k, d), {"proxy": ("proxies", False)}),
        (
            "proxy_anchor(margin: 0.3, alpha: 6)",
            False,
            lambda k, d: losses.ProxyAnchorLoss(k, d, margin=0.3, alpha=6),
            {"proxy": ("proxies", False)},
        ),
    ],
    "normalized_softmax": [
        ("normalized_softmax", False, lambda k, d: losses.NormalizedSoftmaxLoss(k, d), {"w": ("W", True)}),
        (
            "normalized_softmax(temperature: 0.3)",
            False,
            lambda k, d: losses.NormalizedSoftmaxLoss(k, d, temperature=0.3),
            {"w": ("W", True)},
        ),
    ],
    "arcface": [
        ("arcface", False, lambda k, d: losses.ArcFaceLoss(k, d), {"w": ("W", True)}),
        (
            "arcface(margin: 80deg, scale: 5)",
            False,
            lambda k, d: losses.ArcFaceLoss(k, d, margin=80, scale=5),
            {"w": ("W", True)},
        ),
    ],
}


def case(use, normalize, make, names, batch_name):
    data = BATCHES[batch_name]
    x = data["embeddings"].clone().requires_grad_()
    k, d = data["classes"], x.shape[1]
    loss = make(k, d)
    generator = torch.Generator().manual_seed(100 + k)
    params = {}
    for name, (attribute, transposed) in names.items():
        values = torch.randn(k, d, generator=generator)
        getattr(loss, attribute).data = values.t().contiguous() if transposed else values.clone()
        params[name] = values
    value = loss(x, torch.tensor(data["labels"]))
    value.backward()
    gradients = {}
    for name, (attribute, transposed) in names.items():
        gradient = getattr(loss, attribute).grad
        gradients[name] = (gradient.t() if transposed else gradient).tolist()
    zero = torch.zeros_like(x)
    return {
        "use": use,
        "normalize": normalize,
        "batch": batch_name,
        "params": {name: values.tolist() for name, values in params.items()},
        "value": value.item(),
        "gradient": {"x": (x.grad if x.grad is not None else zero).tolist(), "params": gradients},
    }


def main():
    batches = {
        name: {**data, "embeddings": data["embeddings"].tolist()} for name, data in BATCHES.items()
    }
    for name, uses in CASES.items():
        cases = [case(*use, batch_name) for use in uses for batch_name in BATCHES]
        text = json.dumps({"batches": batches, "cases": cases})
        (HERE / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
