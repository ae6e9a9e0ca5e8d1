"""
Golden values and gradients for the losses by proxies or classes and for the regularisers, and the tuples that miners
choose, from pytorch-metric-learning; run as generate.py, which has the format.

    python generate_classes.py [NAME ...]

Defined here instead, in float64 torch:
- Proxy-NCA, because the library has the true class in the denominator (that is held as proxy_nca_plus);
- P2SGrad: the library's value is another multiple, and its weights' gradient is not taken through the normalisation.
  Its value and the embeddings' gradient are held against the library's before they are written;
- center, magnet and hyperbolic, which the library has not; softmax cross-entropy, which is torch's.

Tuples, in tuples/NAME.json: `embeddings` are of unit length, `triplets` or `pairs` (positives, then negatives) the rows.
"""
import json
import sys

import torch
from generate import BATCHES, HERE, case, centers, columns, per_class, rows, write
from pytorch_metric_learning import losses, miners, regularizers
from torch.nn.functional import cross_entropy, normalize


class OnProxies(torch.nn.Module):
    """A loss of embeddings, labels and one row a class, by its formula."""

    def __init__(self, formula):
        super().__init__()
        self.formula = formula
        self.proxies = torch.nn.Parameter(torch.empty(0))

    def forward(self, x, labels):
        return self.formula(x, self.proxies, labels)


class OnEmbeddings(torch.nn.Module):
    """A loss of embeddings, and maybe their labels, alone."""

    def __init__(self, formula):
        super().__init__()
        self.formula = formula

    def forward(self, x, labels):
        return self.formula(x, labels)


def proxy_nca(scale):
    def formula(x, proxies, labels):
        d = scale * torch.cdist(normalize(x), normalize(proxies)) ** 2
        own = torch.nn.functional.one_hot(labels, len(proxies)).bool()
        others = torch.logsumexp((-d).masked_fill(own, -torch.inf), dim=1)
        return (d[own] + others).mean()

    return lambda k, d: OnProxies(formula)


def p2sgrad(x, proxies, labels):
    cosines = normalize(x) @ normalize(proxies).t()
    target = torch.nn.functional.one_hot(labels, len(proxies))
    value = ((cosines - target) ** 2).sum() / (2 * len(x))
    if x.dtype != torch.float64:
        return value

    library = losses.P2SGradLoss(x.shape[1], len(proxies))
    library.weight.data = normalize(proxies.detach()).t().contiguous()
    inputs = x.detach().requires_grad_()
    theirs = library(inputs, labels) * len(proxies) / 2
    # The library brings weights to length 1 - 1e-7 only.
    torch.testing.assert_close(value, theirs, rtol=1e-6, atol=1e-6)
    ours = torch.autograd.grad(value, x, retain_graph=True)
    torch.testing.assert_close(ours, torch.autograd.grad(theirs, inputs), rtol=1e-6, atol=1e-6)
    return value


class SoftmaxCrossEntropy(torch.nn.Module):
    def __init__(self, smoothing):
        super().__init__()
        self.smoothing = smoothing
        self.weight = torch.nn.Parameter(torch.empty(0))
        self.bias = torch.nn.Parameter(torch.empty(0))

    def forward(self, x, labels):
        logits = x @ self.weight.t() + self.bias
        return cross_entropy(logits, labels, label_smoothing=self.smoothing)


def center(x, proxies, labels):
    return ((x - proxies[labels]) ** 2).sum(dim=1).mean() / 2


def magnet(alpha):
    def formula(x, labels):
        present = sorted(set(labels.tolist()))
        means = torch.stack([x[labels == k].mean(dim=0) for k in present])
        own = labels.unsqueeze(1) == torch.tensor(present)
        d = ((x.unsqueeze(1) - means) ** 2).sum(dim=2)
        if len(present) == 1:
            return 0 * x.sum()
        spread = d[own].sum() / (len(x) - 1)
        scaled = d / (2 * spread) if spread > 0 else 0 * d
        others = torch.logsumexp((-scaled).masked_fill(own, -torch.inf), dim=1)
        return torch.relu(scaled[own] + alpha + others).mean()

    return lambda k, d: OnEmbeddings(formula)


def hyperbolic(c=0.1, temperature=0.2, clip=2.3):
    """By Möbius addition."""

    def point(v):
        length = v.norm()
        radius = torch.tanh(c**0.5 * torch.clamp(length, max=clip)) / c**0.5
        return v / length * radius

    def distance(u, v):
        uv, uu, vv = u @ v, u @ u, v @ v
        difference = ((1 - c * uu) * v - (1 - 2 * c * uv + c * vv) * u) / (1 - 2 * c * uv + c**2 * uu * vv)
        if difference.norm() < 1e-9:
            return 0 * uv
        return 2 / c**0.5 * torch.atanh(torch.clamp(c**0.5 * difference.norm(), max=1 - 1e-5))

    def formula(x, labels):
        points = [point(v) for v in x]
        terms = []
        for i, u in enumerate(points):
            negatives = [-distance(u, points[n]) / temperature for n in range(len(x)) if labels[n] != labels[i]]
            for p in range(len(x)):
                if p == i or labels[p] != labels[i]:
                    continue
                near = -distance(u, points[p]) / temperature
                terms.append(torch.logsumexp(torch.stack([near, *negatives]), dim=0) - near)
        return torch.stack(terms).mean() if terms else 0 * x.sum()

    return lambda k, d: OnEmbeddings(formula)


def regularizer(make):
    return lambda k, d: OnEmbeddings(lambda x, labels: make()(x))


def smoothed(share, **kwargs):
    """The library's ArcFace with torch's label smoothing in its cross-entropy."""

    def make(k, d):
        loss = losses.ArcFaceLoss(k, d, **kwargs)
        loss.cross_entropy = torch.nn.CrossEntropyLoss(reduction="none", label_smoothing=share)
        return loss

    return make


def of_columns(loss, **settings):
    return lambda k, d: loss(num_classes=k, embedding_size=d, **settings)


W = {"w": columns("W")}
PROXY = {"proxy": rows("proxies")}
LINEAR = {"w": rows("weight"), "bias": per_class("bias")}

CASES = {
    "cosface": [
        ("cosface", False, of_columns(losses.CosFaceLoss), W),
        ("cosface(margin: 0.1, scale: 7)", False, of_columns(losses.CosFaceLoss, margin=0.1, scale=7), W),
    ],
    "proxy_nca": [
        ("proxy_nca", False, proxy_nca(1), PROXY),
        ("proxy_nca(scale: 3)", False, proxy_nca(3), PROXY),
    ],
    "proxy_nca_plus": [
        ("proxy_nca_plus", False, of_columns(losses.ProxyNCALoss, softmax_scale=9), PROXY),
        ("proxy_nca_plus(temperature: 1)", False, of_columns(losses.ProxyNCALoss), PROXY),
    ],
    "smoothed_arcface": [
        ("smoothed_arcface", False, smoothed(0.1), W),
        (
            "smoothed_arcface(smoothing: 0.3, margin: 70deg, scale: 5)",
            False,
            smoothed(0.3, margin=70, scale=5),
            W,
        ),
    ],
    "sub_center_arcface": [
        ("sub_center_arcface", False, of_columns(losses.SubCenterArcFaceLoss), {"w": centers("W", 3)}),
        (
            "sub_center_arcface(centers: 2, margin: 70deg, scale: 5)",
            False,
            of_columns(losses.SubCenterArcFaceLoss, sub_centers=2, margin=70, scale=5),
            {"w": centers("W", 2)},
        ),
    ],
    "large_margin_softmax": [
        ("large_margin_softmax", False, of_columns(losses.LargeMarginSoftmaxLoss), W),
        (
            "large_margin_softmax(margin: 3, scale: 0.5)",
            False,
            of_columns(losses.LargeMarginSoftmaxLoss, margin=3, scale=0.5),
            W,
        ),
        ("large_margin_softmax(margin: 1)", False, of_columns(losses.LargeMarginSoftmaxLoss, margin=1), W),
    ],
    "sphereface": [
        ("sphereface", False, of_columns(losses.SphereFaceLoss), W),
        ("sphereface(margin: 2, scale: 3)", False, of_columns(losses.SphereFaceLoss, margin=2, scale=3), W),
    ],
    "p2sgrad": [("p2sgrad", False, lambda k, d: OnProxies(p2sgrad), {"w": rows("proxies")})],
    "softmax_cross_entropy": [
        ("softmax_cross_entropy", False, lambda k, d: SoftmaxCrossEntropy(0.1), LINEAR),
        ("softmax_cross_entropy(smoothing: 0)", False, lambda k, d: SoftmaxCrossEntropy(0), LINEAR),
        ("softmax_cross_entropy(smoothing: 0.6)", False, lambda k, d: SoftmaxCrossEntropy(0.6), LINEAR),
    ],
    "center_trained": [("center_trained", False, lambda k, d: OnProxies(center), {"c": rows("proxies")})],
    "magnet": [("magnet", False, magnet(1)), ("magnet(alpha: 0.2)", False, magnet(0.2))],
    "hyperbolic": [
        ("hyperbolic", False, hyperbolic()),
        ("hyperbolic(c: 0.8, temperature: 0.5, clip: 1.5)", False, hyperbolic(0.8, 0.5, 1.5)),
    ],
    "lp_regularizer": [
        ("lp_regularizer", False, regularizer(regularizers.LpRegularizer)),
        ("lp_regularizer(p: 1)", False, regularizer(lambda: regularizers.LpRegularizer(p=1))),
        (
            "lp_regularizer(p: 3, power: 2)",
            False,
            regularizer(lambda: regularizers.LpRegularizer(p=3, power=2)),
        ),
    ],
    "zero_mean": [("zero_mean", False, regularizer(regularizers.ZeroMeanRegularizer))],
    "center_invariant": [("center_invariant", False, regularizer(regularizers.CenterInvariantRegularizer))],
    "regular_face": [("regular_face", False, regularizer(regularizers.RegularFaceRegularizer))],
    "regular_face_softmax": [
        (
            f"regular_face_softmax(temperature: 0.3, weight: {weight})",
            False,
            of_columns(
                losses.NormalizedSoftmaxLoss,
                temperature=0.3,
                weight_regularizer=regularizers.RegularFaceRegularizer(),
                weight_reg_weight=weight,
            ),
            W,
        )
        for weight in [1, 0.2]
    ],
    "center_invariant_softmax": [
        (
            f"center_invariant_softmax(weight: {weight})",
            False,
            of_columns(
                losses.LargeMarginSoftmaxLoss,
                margin=1,
                weight_regularizer=regularizers.CenterInvariantRegularizer(),
                weight_reg_weight=weight,
            ),
            W,
        )
        for weight in [1, 0.2]
    ],
}
# Of equally similar vectors the library's RegularFace takes one, here all share the gradient.
DEPARTURES = {("regular_face", "duplicates")}


def easy_hard(positive, negative):
    return lambda: miners.BatchEasyHardMiner(pos_strategy=positive, neg_strategy=negative)


def triplets(kind, **settings):
    return lambda: miners.TripletMarginMiner(type_of_triplets=kind, **settings)


# name: [(use in DML, miner)]
MINERS = {
    "angular": [
        ("angular", miners.AngularMiner),
        ("angular(angle: 40deg)", lambda: miners.AngularMiner(angle=40)),
    ],
    "pair_margin": [
        ("pair_margin", miners.PairMarginMiner),
        (
            "pair_margin(positive_margin: 1.1, negative_margin: 1.2)",
            lambda: miners.PairMarginMiner(pos_margin=1.1, neg_margin=1.2),
        ),
    ],
    "triplet_margin": [
        ("triplet_margin", triplets("all")),
        ("triplet_margin(margin: 0.6)", triplets("all", margin=0.6)),
        ("hard_triplets", triplets("hard")),
        ("easy_triplets", triplets("easy")),
        ("easy_triplets(margin: 0.6)", triplets("easy", margin=0.6)),
        ("semi_hard", triplets("semihard")),
        ("semi_hard(margin: 0.4)", triplets("semihard", margin=0.4)),
    ],
    "batch_hard": [("batch_hard", miners.BatchHardMiner)],
    "multi_similarity": [
        ("multi_similarity", miners.MultiSimilarityMiner),
        ("multi_similarity(epsilon: 0.37)", lambda: miners.MultiSimilarityMiner(epsilon=0.37)),
    ],
    "batch_easy_hard": [
        ("batch_easy_semi_hard", easy_hard("easy", "semihard")),
        ("batch_easy_hard", easy_hard("easy", "hard")),
        ("batch_easy_easy", easy_hard("easy", "easy")),
        ("batch_hard_easy", easy_hard("hard", "easy")),
        ("batch_hard_semi_hard", easy_hard("hard", "semihard")),
        ("batch_semi_hard_hard", easy_hard("semihard", "hard")),
        ("batch_semi_hard_easy", easy_hard("semihard", "easy")),
        ("batch_all_hard", easy_hard("all", "hard")),
        ("batch_all_easy", easy_hard("all", "easy")),
        ("batch_hard_all", easy_hard("hard", "all")),
        ("batch_easy_all", easy_hard("easy", "all")),
    ],
    "hdc": [
        ("hdc" if share == 0.5 else f"hdc(share: {share})", lambda s=share: miners.HDCMiner(filter_percentage=s))
        for share in [0.25, 0.33, 0.5, 0.6, 0.75, 1]
    ],
}
# Ties: of equal distances there, order decides; at one point there is no angle, and there a small constant makes one.
NO_TIES = {"angular", "batch_easy_hard", "hdc"}


def splits_a_pair(found):
    """Whether one of two tuples of one distance, (i, j) and (j, i), was taken and the other not."""
    return any([j, i] not in side for side in found for i, j in side)


def chosen(name, use, make, batch_name):
    data = BATCHES[batch_name]
    x = normalize(data["embeddings"])
    labels = torch.tensor(data["labels"])
    found = [index.tolist() for index in make()(x, labels)]
    entry = {"use": use, "batch": batch_name}
    if len(found) == 3:
        return {**entry, "triplets": [list(each) for each in zip(*found)]}
    if name == "batch_easy_hard":
        # As the library's losses over triplets have it: all with both pairs.
        positives, negatives = list(zip(*found[:2])), list(zip(*found[2:]))
        return {**entry, "triplets": [[a, p, n] for a, p in positives for b, n in negatives if a == b]}
    anchors, positives, others, negatives = found
    pairs = [[list(each) for each in zip(*side)] for side in [(anchors, positives), (others, negatives)]]
    if name == "hdc" and splits_a_pair(pairs):
        return None
    return {**entry, "pairs": pairs}


def plain(data):
    return {**data, "embeddings": data["embeddings"].tolist()}


def main():
    wanted = sys.argv[1:]
    for name, uses in CASES.items():
        if wanted and name not in wanted:
            continue
        cases = [
            case(BATCHES[batch_name], batch_name, *use)
            for use in uses
            for batch_name in BATCHES
            if (name, batch_name) not in DEPARTURES
        ]
        write(name, BATCHES, cases)
    for name, uses in MINERS.items():
        if wanted and name not in wanted:
            continue
        ties = {"collapsed", "duplicates"} if name in NO_TIES else set()
        used = [batch_name for batch_name in BATCHES if batch_name not in ties]
        found = [chosen(name, *use, batch_name) for use in uses for batch_name in used]
        batches = {
            batch_name: plain({**BATCHES[batch_name], "embeddings": normalize(BATCHES[batch_name]["embeddings"])})
            for batch_name in used
        }
        cases = [each for each in found if each is not None]
        (HERE / "tuples" / f"{name}.json").write_text(json.dumps({"batches": batches, "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
