"""
Golden values and gradients from pytorch-metric-learning for the losses and miners of the standard library.

    pip install -r requirements.txt && python generate.py

writes one NAME.json beside this file for each loss or miner: batches, and cases that refer to them. Everything is
float64. `use` is the loss in DML, `on` its miner. `normalize: true` means that the loss is applied to normalize(x), as
the library's distances do inside; it leaves that to the head. `second` is the second view, where a loss takes two.

Smooth-AP is computed here from its definition: the library's SmoothAPLoss needs as many classes as samples a class, and
depends on the order of the samples.
"""
import json
from pathlib import Path

import torch
from pytorch_metric_learning import distances, losses, miners

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
    "two lone samples": batch(5, [0, 0, 1, 2, 2, 2, 3], 4),
}

# Where the library and the standard library differ on purpose; the reasons are in the test and in the losses' comments.
DEPARTURES = {("supcon", "one class"), ("histogram", "two lone samples")}


class Layout:
    """How a parameter of a loss in DML becomes the library's, and the gradient comes back."""

    def __init__(self, attribute, shape, to_library, from_library):
        self.attribute = attribute
        self.shape = shape
        self.to_library = to_library
        self.from_library = from_library


def rows(attribute):
    return Layout(attribute, lambda k, d: (k, d), lambda v: v.clone(), lambda g: g)


def columns(attribute):
    return Layout(attribute, lambda k, d: (k, d), lambda v: v.t().contiguous(), lambda g: g.t())


def per_class(attribute):
    return Layout(attribute, lambda k, d: (k,), lambda v: v.clone(), lambda g: g)


def centers(attribute, count):
    return Layout(
        attribute,
        lambda k, d: (k, count, d),
        lambda v: v.flatten(0, 1).t().contiguous(),
        lambda g: g.t().unflatten(0, (-1, count)),
    )


def soft_triple(k, d, count, tau, **settings):
    """With the regulariser of the official code: the library's has a smaller constant under the root."""

    def regularizer(weights):
        w = torch.nn.functional.normalize(weights).unflatten(0, (k, count))
        distance = torch.sqrt(2 + 1e-5 - 2 * w @ w.transpose(1, 2))
        return torch.triu(distance, diagonal=1).sum() / (k * count * (count - 1))

    regularized = {} if tau == 0 else {"weight_regularizer": regularizer, "weight_reg_weight": tau}
    return losses.SoftTripleLoss(k, d, centers_per_class=count, **settings, **regularized)


class SmoothAP(torch.nn.Module):
    """One minus the mean over queries of the average precision, the query left out of its own list."""

    def __init__(self, temperature=0.01):
        super().__init__()
        self.temperature = temperature

    def forward(self, x, labels):
        unit = torch.nn.functional.normalize(x)
        s = unit @ unit.t()
        queries = []
        for q in range(len(labels)):
            others = [k for k in range(len(labels)) if k != q]
            positives = [k for k in others if labels[k] == labels[q]]
            if not positives:
                continue
            precisions = []
            for j in positives:
                rank = 1 + sum(torch.sigmoid((s[q, k] - s[q, j]) / self.temperature) for k in others if k != j)
                hits = 1 + sum(torch.sigmoid((s[q, k] - s[q, j]) / self.temperature) for k in positives if k != j)
                precisions.append(hits / rank)
            queries.append(1 - sum(precisions) / len(precisions))
        return sum(queries) / len(queries) if queries else 0 * x.sum()


# name: [(use in DML, whether the loss is on normalize(x), constructor, {DML parameter: layout}, miner in DML, miner)]
CASES = {
    "contrastive": [
        ("contrastive", True, lambda k, d: losses.ContrastiveLoss()),
        (
            "contrastive(margin: 1.3, positive_margin: 0.4)",
            True,
            lambda k, d: losses.ContrastiveLoss(pos_margin=0.4, neg_margin=1.3),
        ),
        (
            "contrastive(margin: 2)",
            False,
            lambda k, d: losses.ContrastiveLoss(
                neg_margin=2, distance=distances.LpDistance(normalize_embeddings=False)
            ),
        ),
    ],
    "triplet": [
        ("triplet", True, lambda k, d: losses.TripletMarginLoss()),
        ("triplet(margin: 0.3)", True, lambda k, d: losses.TripletMarginLoss(margin=0.3)),
        (
            "triplet(margin: 0.2, smooth: true)",
            True,
            lambda k, d: losses.TripletMarginLoss(margin=0.2, smooth_loss=True),
        ),
    ],
    "multi_similarity": [
        ("multi_similarity", False, lambda k, d: losses.MultiSimilarityLoss()),
        (
            "multi_similarity(alpha: 4, beta: 20, base: 0.1)",
            False,
            lambda k, d: losses.MultiSimilarityLoss(alpha=4, beta=20, base=0.1),
        ),
    ],
    "proxy_anchor": [
        ("proxy_anchor", False, lambda k, d: losses.ProxyAnchorLoss(k, d), {"proxy": rows("proxies")}),
        (
            "proxy_anchor(margin: 0.3, alpha: 6)",
            False,
            lambda k, d: losses.ProxyAnchorLoss(k, d, margin=0.3, alpha=6),
            {"proxy": rows("proxies")},
        ),
    ],
    "normalized_softmax": [
        ("normalized_softmax", False, lambda k, d: losses.NormalizedSoftmaxLoss(k, d), {"w": columns("W")}),
        (
            "normalized_softmax(temperature: 0.3)",
            False,
            lambda k, d: losses.NormalizedSoftmaxLoss(k, d, temperature=0.3),
            {"w": columns("W")},
        ),
    ],
    "arcface": [
        ("arcface", False, lambda k, d: losses.ArcFaceLoss(k, d), {"w": columns("W")}),
        (
            "arcface(margin: 80deg, scale: 5)",
            False,
            lambda k, d: losses.ArcFaceLoss(k, d, margin=80, scale=5),
            {"w": columns("W")},
        ),
    ],
    "soft_triple": [
        (
            "soft_triple(tau: 0)",
            False,
            lambda k, d: soft_triple(k, d, 10, 0),
            {"w": centers("fc", 10)},
        ),
        ("soft_triple", False, lambda k, d: soft_triple(k, d, 10, 0.2), {"w": centers("fc", 10)}),
        (
            "soft_triple(centers: 3, la: 5, gamma: 0.4, margin: 0.3, tau: 0.7)",
            False,
            lambda k, d: soft_triple(k, d, 3, 0.7, la=5, gamma=0.4, margin=0.3),
            {"w": centers("fc", 3)},
        ),
    ],
    "margin": [
        ("margin", True, lambda k, d: losses.MarginLoss(num_classes=k), {"b": 1.2}),
        (
            "margin(alpha: 0.4, learn_beta: true, nu: 0.3)",
            True,
            lambda k, d: losses.MarginLoss(margin=0.4, nu=0.3, learn_beta=True, num_classes=k),
            {"b": per_class("beta")},
        ),
    ],
    "circle": [
        ("circle", False, lambda k, d: losses.CircleLoss()),
        ("circle(margin: 0.25, gamma: 6)", False, lambda k, d: losses.CircleLoss(m=0.25, gamma=6)),
    ],
    "supcon": [
        ("supcon", False, lambda k, d: losses.SupConLoss()),
        ("supcon(temperature: 0.5)", False, lambda k, d: losses.SupConLoss(temperature=0.5)),
    ],
    "histogram": [
        ("histogram", False, lambda k, d: losses.HistogramLoss()),
        ("histogram(nodes: 9)", False, lambda k, d: losses.HistogramLoss(n_bins=8)),
    ],
    "vicreg": [
        ("vicreg", False, lambda k, d: losses.VICRegLoss()),
        (
            "vicreg(invariance: 3, spread: 7, covariance: 2)",
            False,
            lambda k, d: losses.VICRegLoss(invariance_lambda=3, variance_mu=7, covariance_v=2),
        ),
    ],
    "smooth_ap": [
        ("smooth_ap", False, lambda k, d: SmoothAP()),
        ("smooth_ap(temperature: 0.2)", False, lambda k, d: SmoothAP(0.2)),
    ],
}

TRIPLET = ("triplet(margin: 0.2)", True, lambda k, d: losses.TripletMarginLoss(margin=0.2), {})
SMOOTH = CASES["triplet"][2]
SEMI_HARD = ("semi_hard", lambda: miners.TripletMarginMiner(type_of_triplets="semihard"))
WIDE = ("semi_hard(margin: 0.6)", lambda: miners.TripletMarginMiner(0.6, type_of_triplets="semihard"))
BATCH_HARD = ("batch_hard", lambda: miners.BatchHardMiner())
INFORMATIVE = ("multi_similarity", lambda: miners.MultiSimilarityMiner())
STRICT = ("multi_similarity(epsilon: 0)", lambda: miners.MultiSimilarityMiner(epsilon=0))
BOUNDARY = (
    "margin(learn_beta: true)",
    True,
    lambda k, d: losses.MarginLoss(learn_beta=True, num_classes=k),
    {"b": per_class("beta")},
)

CASES |= {
    "on_semi_hard": [(*TRIPLET, *SEMI_HARD), (*SMOOTH, {}, *WIDE), (*BOUNDARY, *WIDE)],
    "on_batch_hard": [(*TRIPLET, *BATCH_HARD), (*BOUNDARY, *BATCH_HARD)],
    "on_multi_similarity": [
        *[
            (use, normalize, make, {}, *miner)
            for use, normalize, make in [*CASES["multi_similarity"], CASES["contrastive"][0], CASES["circle"][1]]
            for miner in [INFORMATIVE, STRICT]
        ],
        (*TRIPLET, *INFORMATIVE),
        (*TRIPLET, *STRICT),
    ],
}


def run(loss, x, labels, miner, second):
    if second is not None:
        return loss(x, ref_emb=second)
    if miner is None:
        return loss(x, labels)
    return loss(x, labels, miner(x, labels))


def case(batch_name, use, normalize, make, layouts={}, on=None, miner=None):
    data = BATCHES[batch_name]
    x = data["embeddings"].clone().requires_grad_()
    k, d = data["classes"], x.shape[1]
    loss = make(k, d)
    generator = torch.Generator().manual_seed(100 + k)
    params = {}
    for name, layout in layouts.items():
        if not isinstance(layout, Layout):
            params[name] = torch.full((k,), layout)
            continue
        values = torch.randn(*layout.shape(k, d), generator=generator)
        if len(values.shape) == 1:
            values = 1 + 0.2 * values
        getattr(loss, layout.attribute).data = layout.to_library(values)
        params[name] = values
    second = None
    if use.startswith("vicreg"):
        noise = torch.randn(*x.shape, generator=torch.Generator().manual_seed(50))
        second = (0.7 * x.detach() + 0.5 * noise).requires_grad_()
    value = run(loss, x, torch.tensor(data["labels"]), miner() if miner else None, second)
    value.backward()

    def slopes(tensor):
        return tensor.grad if tensor.grad is not None else torch.zeros_like(tensor)

    gradients = {
        name: layout.from_library(slopes(getattr(loss, layout.attribute))).tolist()
        for name, layout in layouts.items()
        if isinstance(layout, Layout)
    }
    return {
        "use": use,
        **({"on": on} if on else {}),
        "normalize": normalize,
        "batch": batch_name,
        **({"second": second.tolist()} if second is not None else {}),
        "params": {name: values.tolist() for name, values in params.items()},
        "value": value.item(),
        "gradient": {
            "x": slopes(x).tolist(),
            **({"second": slopes(second).tolist()} if second is not None else {}),
            "params": gradients,
        },
    }


def main():
    batches = {
        name: {**data, "embeddings": data["embeddings"].tolist()} for name, data in BATCHES.items()
    }
    for name, uses in CASES.items():
        cases = [
            case(batch_name, *use)
            for use in uses
            for batch_name in BATCHES
            if (name, batch_name) not in DEPARTURES
        ]
        text = json.dumps({"batches": batches, "cases": cases})
        (HERE / f"{name}.json").write_text(text + "\n")


if __name__ == "__main__":
    main()
