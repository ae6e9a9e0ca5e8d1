"""
Golden values and gradients from pytorch-metric-learning for the losses and miners of the standard library.

    pip install -r requirements.txt && python generate.py [NAME ...]

writes one NAME.json beside this file for each loss or miner: batches, and cases that refer to them. Values and gradients
are float64. `use` is the loss in DML, `on` its miner. `normalize: true` means that the loss is applied to normalize(x),
as the library's distances do inside; it leaves that to the head. `second` is the second view, where a loss takes two.
`float32` is how far the same library's answer in float32 is from its float64 one: the largest difference of the value and
of each gradient, as a share of its largest element (of 1e-5 at least), null where float32 gives no number. Nothing depends
on the order of the components but rounding, so it is the worst of several orders: one alone may be exact by chance.

Smooth-AP is computed here from its definition: the library's SmoothAPLoss needs as many classes as samples a class, and
depends on the order of the samples.
"""
import json
import math
import sys
from pathlib import Path

import torch
from pytorch_metric_learning import distances, losses, miners

torch.set_default_dtype(torch.float64)
HERE = Path(__file__).parent


def batch(seed, labels, dim, classes=None):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(len(labels), dim, generator=generator)
    return {"embeddings": x, "labels": labels, "classes": classes or max(labels) + 1}


def repeated(seed, places, labels, dim, classes=None):
    """A batch whose sample i has the embedding places[i] of some different ones."""
    data = batch(seed, labels, dim, classes)
    return {**data, "embeddings": data["embeddings"][places]}


BATCHES = {
    "three classes": batch(1, [0, 0, 0, 1, 1, 1, 2, 2, 2], 5),
    "unequal classes": batch(2, [3, 0, 0, 2, 0, 2, 3], 4, classes=5),
    "one class": batch(3, [1, 1, 1, 1], 3, classes=2),
    "no positive pair": batch(4, [0, 1, 2, 3], 6),
    "two lone samples": batch(5, [0, 0, 1, 2, 2, 2, 3], 4),
    "four classes of three": batch(6, [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3], 8),
    "twenty samples": batch(9, [4, 0, 1, 0, 2, 3, 1, 0, 2, 0, 1, 3, 4, 0, 2, 1, 3, 2, 0, 1], 12, classes=6),
    "collapsed": repeated(7, [0, 0, 0, 0, 0, 0], [0, 0, 1, 1, 2, 2], 4),
    "duplicates": repeated(8, [0, 1, 0, 2, 1, 3, 4], [0, 0, 0, 1, 1, 2, 2], 4, classes=4),
}

# Batches on which a loss, or a miner, and the library differ on purpose: docs/reference_values.md has the reasons.
DEPARTURES = {
    ("supcon", "one class"),
    ("histogram", "two lone samples"),
    ("histogram", "collapsed"),
    ("histogram", "duplicates"),
    ("multi_similarity(epsilon: 0)", "collapsed"),
    ("multi_similarity(epsilon: 0)", "duplicates"),
}


class Layout:
    """How a parameter of a loss in DML becomes the library's, and the gradient comes back."""

    def __init__(self, attribute, shape, to_library, from_library, components=True):
        """`components`: whether the last side of a table is the embedding's components."""
        self.attribute = attribute
        self.shape = shape
        self.to_library = to_library
        self.from_library = from_library
        self.components = components


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


TWO_VIEWS = ("vicreg", "barlow_twins", "simclr")


def slopes(tensor):
    # torch leaves a tensor without a gradient where nothing depends on it.
    return tensor.grad if tensor.grad is not None else torch.zeros_like(tensor)


# How many orders of the components the float32 deviation is the worst of.
ORDERS = 8


def orders(dim):
    """Orders of the components, the first as they are."""
    generator = torch.Generator().manual_seed(dim)
    return [torch.arange(dim), *(torch.randperm(dim, generator=generator) for _ in range(ORDERS - 1))]


def outcome(dtype, data, inputs, make, layouts, miner, order):
    """Value and gradients in a precision, with the components in an order, as a dictionary of tensors in float64."""
    torch.set_default_dtype(dtype)
    x, second = (
        each if each is None else each[:, order].to(dtype).requires_grad_() for each in inputs["views"]
    )
    back = torch.argsort(order)

    def of_components(values, places, name=None):
        layout = layouts.get(name[0] if isinstance(name, tuple) else name)
        others = isinstance(layout, Layout) and not layout.components
        return values if len(values.shape) < 2 or others else values[..., places]

    loss = make(data["classes"], x.shape[1])
    for name, layout in layouts.items():
        if isinstance(layout, Layout):
            getattr(loss, layout.attribute).data = layout.to_library(
                of_components(inputs["params"][name], order, name).to(dtype)
            )
    value = run(loss, x, torch.tensor(data["labels"]), miner() if miner else None, second)
    value.backward()
    torch.set_default_dtype(torch.float64)
    parts = {"value": value.detach(), "x": slopes(x)}
    if second is not None:
        parts["second"] = slopes(second)
    for name, layout in layouts.items():
        if isinstance(layout, Layout):
            parts[name, "of the parameters"] = layout.from_library(slopes(getattr(loss, layout.attribute)))
    return {name: of_components(part.double(), back, name) for name, part in parts.items()}


def deviation(singles, double):
    """Largest difference of any, as a share of the largest element."""
    worst = torch.stack([(single - double).abs().max() for single in singles]).max()
    share = (worst / max(1e-5, double.abs().max())).item()
    return float(f"{share:.2g}") if math.isfinite(share) else None


def grouped(parts):
    """Parts as the files have them: of the views by name, those of the parameters together."""
    views = {name: part for name, part in parts.items() if name in ("x", "second")}
    return {**views, "params": {name[0]: part for name, part in parts.items() if isinstance(name, tuple)}}


def case(data, batch_name, use, normalize, make, layouts={}, on=None, miner=None):
    x = data["embeddings"]
    k, d = data["classes"], x.shape[1]
    generator = torch.Generator().manual_seed(100 + k)
    params = {}
    for name, layout in layouts.items():
        if not isinstance(layout, Layout):
            params[name] = torch.full((k,), layout)
            continue
        values = torch.randn(*layout.shape(k, d), generator=generator)
        params[name] = 1 + 0.2 * values if len(values.shape) == 1 else values
    second = None
    if use.startswith(TWO_VIEWS):
        noise = torch.randn(*x.shape, generator=torch.Generator().manual_seed(50))
        second = 0.7 * x + 0.5 * noise
    inputs = {"views": (x, second), "params": params}
    double = outcome(torch.float64, data, inputs, make, layouts, miner, torch.arange(d))
    singles = [outcome(torch.float32, data, inputs, make, layouts, miner, order) for order in orders(d)]
    apart = {name: deviation([each[name] for each in singles], part) for name, part in double.items()}
    gradient = {name: part.tolist() for name, part in double.items() if name != "value"}
    return {
        "use": use,
        **({"on": on} if on else {}),
        "normalize": normalize,
        "batch": batch_name,
        **({"second": second.tolist()} if second is not None else {}),
        "params": {name: values.tolist() for name, values in params.items()},
        "value": double["value"].item(),
        "gradient": grouped(gradient),
        "float32": {"value": apart["value"], **grouped(apart)},
    }


def write(name, batches, cases):
    """A file of cases, with the batches they refer to."""
    used = {each["batch"] for each in cases}
    plain = {
        key: {**data, "embeddings": data["embeddings"].tolist()} for key, data in batches.items() if key in used
    }
    (HERE / f"{name}.json").write_text(json.dumps({"batches": plain, "cases": cases}, allow_nan=False) + "\n")


def main(names):
    for name in names or CASES:
        cases = [
            case(BATCHES[batch_name], batch_name, *use)
            for use in CASES[name]
            for batch_name in BATCHES
            if not {(name, batch_name), (use[4] if len(use) > 4 else name, batch_name)} & DEPARTURES
        ]
        write(name, BATCHES, cases)


if __name__ == "__main__":
    main(sys.argv[1:])
