"""One case on PyTorch's side: milliseconds of a training step with pytorch-metric-learning.

A process of its own, started by ../versus_pytorch.mjs; prints one line of JSON. The same net, batch, losses, heads and
optimiser as ours.mjs.

    python bench/versus/theirs.py CASE_AS_JSON eager|compiled|channels_last SECONDS
"""

import json
import resource
import sys
import time

import torch
from pytorch_metric_learning import losses as pml
from torch import nn

wanted = json.loads(sys.argv[1])
mode = sys.argv[2]
seconds = float(sys.argv[3])
torch.manual_seed(1)

width = wanted["width"]
classes = wanted["classes"]


def loss_of(name):
    """The counterpart of `LOSSES` in cases.mjs."""
    from pytorch_metric_learning.distances import LpDistance  # noqa: F401 (the default of the pair losses)

    return {
        "contrastive": lambda: pml.ContrastiveLoss(pos_margin=0, neg_margin=0.5),
        "triplet": lambda: pml.TripletMarginLoss(margin=0.2),
        "multi_similarity": lambda: pml.MultiSimilarityLoss(alpha=2, beta=50, base=0.5),
        "proxy_anchor": lambda: pml.ProxyAnchorLoss(classes, width, margin=0.1, alpha=32),
        "arcface": lambda: pml.ArcFaceLoss(classes, width, margin=28.6, scale=64),
        "supcon": lambda: pml.SupConLoss(temperature=0.1),
        "circle": lambda: pml.CircleLoss(m=0.4, gamma=80),
        "normalized_softmax": lambda: pml.NormalizedSoftmaxLoss(classes, width, temperature=0.05),
        "wide": lambda: pml.ContrastiveLoss(pos_margin=0, neg_margin=0.9),
        "smooth": lambda: pml.MultiSimilarityLoss(alpha=2, beta=20, base=0.5),
        "soft_margin": lambda: pml.TripletMarginLoss(margin=0.1, smooth_loss=True),
        "small_arc": lambda: pml.ArcFaceLoss(classes, width, margin=11, scale=24),
    }[name]()


class Block(nn.Module):
    """A basic residual block (He et al. 2016), its shortcut projected where shapes differ."""

    def __init__(self, before, after, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1),
            nn.BatchNorm2d(after),
        )
        same = before == after and stride == 1
        self.shortcut = (
            nn.Identity()
            if same
            else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, x):
        return torch.relu(self.body(x) + self.shortcut(x))


def backbone():
    channels = wanted["image"][2]
    if wanted["net"] == "conv_32_64":
        side = wanted["image"][0] // 4
        return (
            nn.Sequential(
                nn.Conv2d(channels, 32, 3, padding=1),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Conv2d(32, 64, 3, padding=1),
                nn.ReLU(),
                nn.MaxPool2d(2),
                nn.Flatten(),
            ),
            side * side * 64,
        )
    layers = [nn.Conv2d(channels, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU()]
    before = 64
    for k, after in enumerate([64, 64, 128, 128, 256, 256, 512, 512]):
        layers.append(Block(before, after, 2 if k > 0 and k % 2 == 0 else 1))
        before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()), before


class Net(nn.Module):
    """Backbone, heads on unit length, losses, added up."""

    def __init__(self):
        super().__init__()
        self.backbone, features = backbone()
        names = wanted["losses"]
        count = 1 if wanted["heads"] == "shared" else len(names)
        self.heads = nn.ModuleList(nn.Linear(features, width) for _ in range(count))
        self.losses = nn.ModuleList(loss_of(name) for name in names)

    def forward(self, images, labels):
        h = self.backbone(images)
        embeddings = [nn.functional.normalize(head(h)) for head in self.heads]
        total = 0.0
        for k, loss in enumerate(self.losses):
            total = total + loss(embeddings[k % len(embeddings)], labels)
        return total


samples = wanted["batch"]["samples"]
size = wanted["batch"]["classes"] * samples
labels = torch.arange(size) // samples


def training_step():
    """A step of the net, its losses and Adam."""
    net = Net()
    height, columns, channels = wanted["image"]
    images = torch.rand(size, channels, height, columns)
    if mode == "channels_last":
        net = net.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    model = torch.compile(net) if mode == "compiled" else net

    def once():
        optimizer.zero_grad(set_to_none=True)
        total = model(images, labels)
        total.backward()
        optimizer.step()
        return total.item()

    return once


def losses_alone():
    """Values and gradients of the losses, by embeddings of unit length and by their own parameters."""
    losses = nn.ModuleList(loss_of(name) for name in wanted["losses"])
    x = nn.functional.normalize(torch.randn(size, width)).requires_grad_()

    def total_of(embeddings):
        return sum(loss(embeddings, labels) for loss in losses)

    total_of = torch.compile(total_of) if mode == "compiled" else total_of

    def once():
        losses.zero_grad(set_to_none=True)
        x.grad = None
        total = total_of(x)
        total.backward()
        return total.item()

    return once


once = losses_alone() if wanted["net"] == "none" else training_step()
first = once()
for _ in range(4):
    once()
times = []
end = time.perf_counter() + seconds
last = first
while time.perf_counter() < end or len(times) < 5:
    start = time.perf_counter()
    last = once()
    times.append(1000 * (time.perf_counter() - start))
times.sort()
print(
    json.dumps(
        {
            "ms": times[len(times) // 4],
            "median": times[len(times) // 2],
            "steps": len(times),
            "first": first,
            "last": last,
            "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
            "engine": f"PyTorch {torch.__version__.split('+')[0]}, CPU, {torch.get_num_threads()} threads, {mode}",
        }
    )
)
