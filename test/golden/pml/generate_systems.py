"""
Golden values and gradients for the losses that solve linear systems or cluster; run as generate.py, which has the format.

    python generate_systems.py [NAME ...]

- manifold is pytorch-metric-learning's ManifoldLoss, given the meta-classes it would draw: those of the classes by the
  largest of the numbers `part`. It inverts in float32 whatever its input is in; here in the precision of its input.
- hpl and magnet_clusters, which the library has not, are by their definitions in torch, and k-means by its definition in
  numpy: centres by farthest first from the first point, ten rounds of Lloyd's algorithm, ties to the lowest number.
"""
import sys
from contextlib import contextmanager

import numpy
import torch
from generate import BATCHES, Layout, case, rows, write
from pytorch_metric_learning import losses
from torch.nn.functional import cross_entropy, normalize


def kmeans(points, clusters, rounds=10):
    """The number of each point's cluster."""

    def apart(center):
        squares = ((points - center) ** 2).sum(axis=1)
        lengths = (points**2).sum(axis=1) + (center**2).sum()
        return numpy.where(squares <= 1e-6 * lengths, 0, squares)

    found = [points[0]]
    nearest = apart(points[0])
    while len(found) < clusters and nearest.max() > 0:
        found.append(points[nearest.argmax()])
        nearest = numpy.minimum(nearest, apart(found[-1]))
    means = numpy.stack(found)
    for step in range(rounds + 1):
        numbers = ((points[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)
        if step < rounds:
            for number in set(numbers.tolist()):
                means[number] = points[numbers == number].mean(axis=0)
    return numbers


def numbers_of(points, clusters):
    return torch.tensor(kmeans(points.detach().double().numpy(), clusters))


@contextmanager
def in_their_own_precision():
    """Where the library casts to float32, in this block it does not."""
    cast = torch.Tensor.float
    torch.Tensor.float = lambda self: self
    yield
    torch.Tensor.float = cast


class Manifold(torch.nn.Module):
    def __init__(self, classes, dim, proxies, **settings):
        super().__init__()
        self.loss = losses.ManifoldLoss(l=dim, K=proxies, **settings)
        self.part = torch.nn.Parameter(torch.empty(classes, proxies))

    @property
    def proxies(self):
        return self.loss.proxies

    def forward(self, x, labels):
        meta_classes = self.part.detach().argmax(dim=1)[labels]
        with in_their_own_precision():
            return self.loss(x, indices_tuple=meta_classes).squeeze()


def manifold(proxies, **settings):
    layouts = {
        "proxy": Layout("proxies", lambda k, d: (proxies, d), lambda v: v.clone(), lambda g: g),
        "part": Layout("part", lambda k, d: (k, proxies), lambda v: v.clone(), lambda g: g, components=False),
    }
    return lambda k, d: Manifold(k, d, proxies, **settings), layouts


class Hpl(torch.nn.Module):
    def __init__(self, levels, weight, temperature):
        super().__init__()
        self.levels, self.weight, self.temperature = levels, weight, temperature
        self.proxies = torch.nn.Parameter(torch.empty(0))

    def forward(self, x, labels):
        unit = normalize(self.proxies)
        value = cross_entropy(normalize(x) @ unit.t() / self.temperature, labels)
        for clusters in self.levels:
            numbers = numbers_of(unit, clusters)
            groups = sorted(set(numbers.tolist()))
            means = torch.stack([unit[numbers == group].mean(dim=0) for group in groups])
            own = torch.tensor([groups.index(number) for number in numbers.tolist()])[labels]
            coarse = cross_entropy(normalize(x) @ normalize(means).t() / self.temperature, own)
            value = value + self.weight * coarse
        return value


def hpl(levels=(10,), weight=1, temperature=0.05):
    return lambda k, d: Hpl(levels, weight, temperature)


class Magnet(torch.nn.Module):
    """Sample by sample."""

    def __init__(self, alpha, clusters):
        super().__init__()
        self.alpha, self.clusters = alpha, clusters

    def forward(self, x, labels):
        groups = []
        for k in sorted(set(labels.tolist())):
            samples = torch.nonzero(labels == k).flatten()
            numbers = numbers_of(x[samples], self.clusters)
            groups += [(k, samples[numbers == number]) for number in sorted(set(numbers.tolist()))]
        means = torch.stack([x[members].mean(dim=0) for _, members in groups])
        d = ((x.unsqueeze(1) - means) ** 2).sum(dim=2)
        own = torch.tensor([[i in members.tolist() for _, members in groups] for i in range(len(x))])
        other = torch.tensor([[k != label for k, _ in groups] for label in labels.tolist()])
        if not other.any():
            return 0 * x.sum()
        spread = d[own].sum() / (len(x) - 1)
        scaled = d / (2 * spread) if spread > 0 else 0 * d
        others = torch.logsumexp((-scaled).masked_fill(~other, -torch.inf), dim=1)
        return torch.relu(scaled[own] + self.alpha + others).mean()


PROXIES = {"w": rows("proxies")}

CASES = {
    "manifold": [
        ("manifold(proxies: 4)", False, *manifold(4)),
        (
            "manifold(proxies: 3, context: 0.4, alpha: 0.5, margin: 0.02)",
            False,
            *manifold(3, lambdaC=0.4, alpha=0.5, margin=0.02),
        ),
        ("manifold(proxies: 6, context: 0)", False, *manifold(6, lambdaC=0)),
    ],
    "hpl": [
        ("hpl", False, hpl(), PROXIES),
        ("hpl(levels: [2])", False, hpl([2]), PROXIES),
        ("hpl(levels: [3, 2], weight: 0.3, temperature: 0.4)", False, hpl([3, 2], 0.3, 0.4), PROXIES),
    ],
    "magnet_clusters": [
        ("magnet(clusters: 2)", False, lambda k, d: Magnet(1, 2)),
        ("magnet(clusters: 3, alpha: 0.2)", False, lambda k, d: Magnet(0.2, 3)),
    ],
}


def main():
    wanted = sys.argv[1:]
    for name, uses in CASES.items():
        if wanted and name not in wanted:
            continue
        cases = [case(BATCHES[batch_name], batch_name, *use) for use in uses for batch_name in BATCHES]
        write(name, BATCHES, cases)


if __name__ == "__main__":
    main()
