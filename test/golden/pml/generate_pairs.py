"""
Golden values and gradients for the standard library's losses over pairs, tuples and lists, beside those of generate.py.

    pip install -r requirements.txt && python generate_pairs.py [NAME ...]

writes one NAME.json for each loss, or those named, in generate.py's format. What pytorch-metric-learning has not is
computed here from its definition, literally and over loops: the functions below that take unit or free embeddings.
"""
import functools
import itertools
import sys

import torch
from pytorch_metric_learning import distances, losses

from generate import BATCHES, case, write

UNIT = torch.nn.functional.normalize


# Batches on which the library and the standard library differ on purpose: docs/reference_values.md has the reasons.
DEPARTURES = {
    # A missing side counts as 0 in the library; here the anchor is left out.
    "generalized_lifted": {"one class", "no positive pair", "two lone samples"},
    # Without a positive pair the library's value is no number; here it is 0.
    "nca": {"no positive pair"},
    # A negative at distance 0 is left out in the library; here it violates most.
    "ranked_list": {"collapsed", "duplicates"},
    # The derivative of the arc cosine at 1 is infinite there, and 0 here.
    "tuplet_margin": {"collapsed", "duplicates"},
}


class Definition(torch.nn.Module):
    """A loss from its definition."""

    def __init__(self, definition, unit=True):
        super().__init__()
        self.definition = definition
        self.unit = unit

    def forward(self, x, labels):
        value = self.definition(UNIT(x) if self.unit else x, labels.tolist())
        return value if torch.is_tensor(value) and value.requires_grad else 0 * x.sum()


class OnUnit(torch.nn.Module):
    """A loss of the library that leaves a part of the embeddings as they are, on unit vectors."""

    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def forward(self, x, labels):
        return self.loss(UNIT(x), labels)


class Places(torch.nn.Module):
    """A loss of the library with the place of a sample for its label."""

    def __init__(self, loss):
        super().__init__()
        self.loss = loss

    def forward(self, x, labels):
        return self.loss(x, torch.arange(len(x)))


class DynamicSoftMargin(losses.DynamicSoftMarginLoss):
    """The histogram of the batch alone, without a gradient, and with room for what falls into the last bin."""

    def __init__(self, bins):
        super().__init__(num_bins=bins, momentum=1)
        self.hist_ = torch.zeros(bins + 2)

    def update_histogram(self, data):
        super().update_histogram(data.detach())


def mean(values):
    return sum(values) / len(values) if values else 0


def positive_pairs(y):
    return [(i, j) for i in range(len(y)) for j in range(len(y)) if i != j and y[i] == y[j]]


def negative_pairs(y):
    return [(i, j) for i in range(len(y)) for j in range(len(y)) if y[i] != y[j]]


def triplets(y):
    return [(a, p, n) for a, p in positive_pairs(y) for n in range(len(y)) if y[n] != y[a]]


def distance(x, i, j):
    squared = ((x[i] - x[j]) ** 2).sum()
    # The root's derivative at 0 is 0 in the language.
    return squared.sqrt() if squared > 0 else squared


def first_pairs(y):
    """The first two samples of each class that has two."""
    places = [[i for i in range(len(y)) if y[i] == k] for k in sorted(set(y))]
    return [tuple(p[:2]) for p in places if len(p) > 1]


def n_pairs(l2, normalize):
    loss = losses.NPairsLoss(distance=distances.DotProductSimilarity(normalize_embeddings=normalize))

    class Regularized(torch.nn.Module):
        def forward(self, x, labels):
            z = UNIT(x) if normalize else x
            lengths = [(z[a] ** 2).sum() + (z[p] ** 2).sum() for a, p in first_pairs(labels.tolist())]
            return loss(x, labels) + l2 * mean(lengths)

    return Regularized()


def ranking(scale):
    def definition(x, y):
        pairs = first_pairs(y)
        if not pairs:
            return 0
        scores = scale * x[[a for a, _ in pairs]] @ x[[p for _, p in pairs]].t()
        return torch.nn.functional.cross_entropy(scores, torch.arange(len(pairs)))

    return Definition(definition)


def binomial(alpha, beta, base):
    softplus = torch.nn.functional.softplus

    def definition(x, y):
        s = x @ x.t()
        return mean([softplus(-alpha * (s[i, j] - base)) for i, j in positive_pairs(y)]) + mean(
            [softplus(beta * (s[i, j] - base)) for i, j in negative_pairs(y)]
        )

    return Definition(definition)


def soft_nearest_neighbour(temperature, measure):
    def definition(x, y):
        samples = []
        for i in range(len(y)):
            e = {j: torch.exp(-measure(x, i, j) / temperature) for j in range(len(y)) if j != i}
            near = [e[j] for j in e if y[j] == y[i]]
            if near:
                samples.append(-torch.log(sum(near) / sum(e.values())))
        return mean(samples)

    return Definition(definition)


def quadruplet(first, second):
    def definition(x, y):
        d = {(i, j): distance(x, i, j) for i in range(len(y)) for j in range(len(y))}
        three = [torch.relu(d[a, p] - d[a, n] + first) for a, p, n in triplets(y)]
        four = [
            torch.relu(d[a, p] - d[n, m] + second)
            for a, p, n in triplets(y)
            for m in range(len(y))
            if y[m] not in (y[a], y[n])
        ]
        return mean(three) + mean(four)

    return Definition(definition)


def soft_triplet(measure, unit):
    softplus = torch.nn.functional.softplus
    return Definition(
        lambda x, y: mean([softplus(measure(x, a, p) - measure(x, a, n)) for a, p, n in triplets(y)]), unit
    )


def surrogate_precision(k, cut=1, rank=0.01):
    def definition(x, y):
        queries = []
        for i in range(len(y)):
            d = [distance(x, i, j) for j in range(len(y))]
            own = [j for j in range(len(y)) if y[j] == y[i]]
            ranks = [sum(torch.sigmoid((d[j] - d[a]) / rank) for a in range(len(y))) for j in own]
            queries.append(1 - sum(torch.sigmoid((k + 1 - r) / cut) for r in ranks) / min(k + 1, len(own)))
        return mean(queries)

    return Definition(definition)


class BarlowTwins(torch.nn.Module):
    """As the official code: batch normalisation without parameters, then the cross-correlation."""

    def __init__(self, redundancy):
        super().__init__()
        self.redundancy = redundancy

    def forward(self, x, ref_emb):
        def standard(z):
            return torch.nn.functional.batch_norm(z, None, None, training=True)

        c = standard(x).t() @ standard(ref_emb) / len(x)
        diagonal = torch.diagonal(c)
        return ((1 - diagonal) ** 2).sum() + self.redundancy * ((c**2).sum() - (diagonal**2).sum())


class Views(torch.nn.Module):
    """A loss of the library over two views of each sample, nothing else of its class."""

    def __init__(self, loss):
        super().__init__()
        self.loss = losses.SelfSupervisedLoss(loss)

    def forward(self, x, ref_emb):
        return self.loss(x, ref_emb)


def positive_negative(x, y, margin):
    terms = []
    for a, p, n in itertools.permutations(range(len(y)), 3):
        if y[a] == y[p] != y[n]:
            near, far = 1 - x[a] @ x[p], torch.minimum(1 - x[a] @ x[n], 1 - x[p] @ x[n])
            terms.append(torch.relu(near - far + margin))
    return torch.stack(terms).mean() if terms else 0


def squared(x, i, j):
    return ((x[i] - x[j]) ** 2).sum()


SNR = distances.SNRDistance
LP = functools.partial(distances.LpDistance, normalize_embeddings=False)
FREE = distances.LpDistance(normalize_embeddings=False, power=2)

# name: [(use in DML, whether the loss is on normalize(x), constructor)]
CASES = {
    "lifted_structure": [
        ("lifted_structure", True, lambda: losses.LiftedStructureLoss()),
        (
            "lifted_structure(margin: 1.7, positive_margin: 0.4)",
            True,
            lambda: losses.LiftedStructureLoss(neg_margin=1.7, pos_margin=0.4),
        ),
    ],
    "generalized_lifted": [
        ("generalized_lifted", True, lambda: losses.GeneralizedLiftedStructureLoss()),
        (
            "generalized_lifted(margin: 1.7, positive_margin: 0.4)",
            True,
            lambda: losses.GeneralizedLiftedStructureLoss(neg_margin=1.7, pos_margin=0.4),
        ),
    ],
    "angular": [
        ("angular", True, lambda: OnUnit(losses.AngularLoss())),
        ("angular(alpha: 20deg)", True, lambda: OnUnit(losses.AngularLoss(alpha=20))),
    ],
    "n_pairs": [
        ("n_pairs", False, lambda: n_pairs(0, normalize=False)),
        ("n_pairs", True, lambda: n_pairs(0, normalize=True)),
        ("n_pairs(l2: 0.3)", False, lambda: n_pairs(0.3, normalize=False)),
    ],
    "multiple_negatives_ranking": [
        ("multiple_negatives_ranking", False, lambda: ranking(20)),
        ("multiple_negatives_ranking(scale: 3)", False, lambda: ranking(3)),
    ],
    "ntxent": [
        ("ntxent", False, lambda: losses.NTXentLoss()),
        ("ntxent(temperature: 0.5)", False, lambda: losses.NTXentLoss(temperature=0.5)),
    ],
    "binomial_deviance": [
        ("binomial_deviance", False, lambda: binomial(2, 25, 0.5)),
        ("binomial_deviance(alpha: 5, beta: 3, base: 0.2)", False, lambda: binomial(5, 3, 0.2)),
    ],
    "nca": [
        ("nca", True, lambda: losses.NCALoss()),
        ("nca(scale: 6)", True, lambda: losses.NCALoss(softmax_scale=6)),
        ("nca(scale: 0.4)", False, lambda: losses.NCALoss(softmax_scale=0.4, distance=FREE)),
    ],
    "soft_nearest_neighbour": [
        ("soft_nearest_neighbour", True, lambda: soft_nearest_neighbour(1, squared)),
        (
            "soft_nearest_neighbour(temperature: 0.3, distance: euclidean)",
            True,
            lambda: soft_nearest_neighbour(0.3, distance),
        ),
    ],
    "tuplet_margin": [
        ("tuplet_margin", False, lambda: losses.TupletMarginLoss()),
        ("tuplet_margin(margin: 20deg, scale: 5)", False, lambda: losses.TupletMarginLoss(margin=20, scale=5)),
    ],
    "intra_pair_variance": [
        ("intra_pair_variance", False, lambda: losses.IntraPairVarianceLoss()),
        (
            "intra_pair_variance(positive_slack: 0.3, negative_slack: 0.5)",
            False,
            lambda: losses.IntraPairVarianceLoss(pos_eps=0.3, neg_eps=0.5),
        ),
    ],
    "snr_contrastive": [
        ("snr_contrastive", True, lambda: losses.SignalToNoiseRatioContrastiveLoss()),
        (
            "snr_contrastive(margin: 3, positive_margin: 0.2)",
            False,
            lambda: losses.SignalToNoiseRatioContrastiveLoss(
                pos_margin=0.2, neg_margin=3, distance=SNR(normalize_embeddings=False)
            ),
        ),
    ],
    "ranked_list": [
        ("ranked_list", True, lambda: losses.RankedListLoss(margin=0.4, Tn=10)),
        (
            "ranked_list(margin: 0.6, alpha: 1.5, negative_temperature: 2, positive_temperature: 3, imbalance: 0.3)",
            True,
            lambda: losses.RankedListLoss(margin=0.6, alpha=1.5, Tn=2, Tp=3, imbalance=0.3),
        ),
    ],
    "fast_ap": [
        ("fast_ap", True, lambda: losses.FastAPLoss()),
        ("fast_ap(bins: 23)", True, lambda: losses.FastAPLoss(num_bins=23)),
    ],
    "pnp": [
        ("pnp", False, lambda: losses.PNPLoss()),
        ("pnp(temperature: 0.2)", False, lambda: losses.PNPLoss(anneal=0.2)),
        ("pnp_ds", False, lambda: losses.PNPLoss(variant="Ds")),
        ("pnp_dq", False, lambda: losses.PNPLoss(variant="Dq")),
        ("pnp_dq(temperature: 0.1, alpha: 8)", False, lambda: losses.PNPLoss(variant="Dq", alpha=8, anneal=0.1)),
        ("pnp_iu(temperature: 0.1)", False, lambda: losses.PNPLoss(variant="Iu", anneal=0.1)),
        ("pnp_ib", False, lambda: losses.PNPLoss(variant="Ib")),
        ("pnp_ib(temperature: 0.1, b: 5)", False, lambda: losses.PNPLoss(variant="Ib", b=5, anneal=0.1)),
    ],
    "dynamic_soft_margin": [
        ("dynamic_soft_margin", True, lambda: DynamicSoftMargin(10)),
        ("dynamic_soft_margin(bins: 7)", True, lambda: DynamicSoftMargin(7)),
    ],
    "quadruplet": [
        ("quadruplet", True, lambda: quadruplet(0.2, 0.2)),
        ("quadruplet(margin: 0.5, second_margin: 0.1)", True, lambda: quadruplet(0.5, 0.1)),
    ],
    "soft_triplet": [
        ("soft_triplet", True, lambda: soft_triplet(distance, True)),
        ("soft_triplet(distance: squared_euclidean)", False, lambda: soft_triplet(squared, False)),
    ],
    "surrogate_precision": [
        ("surrogate_precision", True, lambda: surrogate_precision(4)),
        (
            "surrogate_precision(k: 1, cut_temperature: 0.3, rank_temperature: 0.1)",
            True,
            lambda: surrogate_precision(1, 0.3, 0.1),
        ),
    ],
    "threshold_consistent_margin": [
        ("threshold_consistent_margin", False, lambda: losses.ThresholdConsistentMarginLoss()),
        (
            "threshold_consistent_margin(positive_threshold: 0.3, negative_threshold: -0.2, positive_weight: 2, "
            "negative_weight: 0.7)",
            False,
            lambda: losses.ThresholdConsistentMarginLoss(
                margin_plus=0.3, margin_minus=-0.2, lambda_plus=2, lambda_minus=0.7
            ),
        ),
    ],
    "instance": [
        ("instance", False, lambda: Places(losses.InstanceLoss())),
        ("instance(gamma: 3)", False, lambda: Places(losses.InstanceLoss(gamma=3))),
    ],
    "distances": [
        (
            f"contrastive({margins}, distance: {name})",
            False,
            lambda of=of, m=m: losses.ContrastiveLoss(*m, distance=of),
        )
        for name, of, margins, m in [
            ("lp(p: 1)", LP(p=1), "margin: 4, positive_margin: 0.5", (0.5, 4)),
            ("lp(p: 3)", LP(p=3), "margin: 2, positive_margin: 0.3", (0.3, 2)),
            ("squared_euclidean", LP(power=2), "margin: 1.5, positive_margin: 0.1", (0.1, 1.5)),
        ]
    ]
    + [
        (
            f"triplet(margin: 0.3, distance: {name})",
            False,
            lambda of=of: losses.TripletMarginLoss(0.3, distance=of),
        )
        for name, of in [
            ("lp(p: 1)", LP(p=1)),
            ("lp(p: 3)", LP(p=3)),
            ("squared_euclidean", LP(power=2)),
            ("cosine_distance", distances.CosineSimilarity()),
            ("snr", SNR(normalize_embeddings=False)),
        ]
    ],
    "barlow_twins": [
        ("barlow_twins", False, lambda: BarlowTwins(0.0051)),
        ("barlow_twins(redundancy: 0.6)", False, lambda: BarlowTwins(0.6)),
    ],
    "simclr": [
        ("simclr", False, lambda: Views(losses.NTXentLoss(0.5))),
        ("simclr(temperature: 0.2)", False, lambda: Views(losses.NTXentLoss(0.2))),
    ],
    "pn": [
        ("pn", False, lambda: Definition(lambda x, y: positive_negative(x, y, 1))),
        ("pn(margin: 0.3)", False, lambda: Definition(lambda x, y: positive_negative(x, y, 0.3))),
    ],
}


def main(names):
    for name in names or CASES:
        used = [each for each in BATCHES if each not in DEPARTURES.get(name, set())]
        cases = [
            case(BATCHES[each], each, use, normalize, lambda k, d, make=make: make())
            for use, normalize, make in CASES[name]
            for each in used
        ]
        write(name, BATCHES, cases)


if __name__ == "__main__":
    main(sys.argv[1:])
