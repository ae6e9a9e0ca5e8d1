"""
Golden values over several steps of losses against a memory, from pytorch-metric-learning's CrossBatchMemory, in float64.

    pip install -r requirements.txt && python generate_memory.py

writes memory/losses.json: {"size": samples remembered, "runs": [{"use": the loss as DML writes it, "normalize": as in
generate.py, "steps": [{"embeddings": ..., "labels": [...], "value": ..., "gradient": by the embeddings}, ...]}]}.

The library's memory holds the batch itself too, so that one of memory_size remembers memory_size - batch earlier samples.
There the batch's own entries are detached; here, as in DML, a sample has its gradient as a member of a pair as well, by
the same loss on a memory whose entries of the batch are not.
"""
import json
from pathlib import Path

import torch
from pytorch_metric_learning import losses

torch.set_default_dtype(torch.float64)
HERE = Path(__file__).parent
BATCH, SIZE, DIM = 6, 9, 5
LABELS = [[0, 0, 1, 1, 2, 2], [0, 1, 2, 0, 1, 2], [3, 3, 3, 0, 0, 1], [2, 2, 2, 2, 2, 2], [0, 1, 2, 3, 0, 1]]

LOSSES = [
    ("contrastive", True, lambda: losses.ContrastiveLoss()),
    ("contrastive(margin: 1.3, positive_margin: 0.4)", True, lambda: losses.ContrastiveLoss(0.4, 1.3)),
    ("triplet(margin: 0.3)", True, lambda: losses.TripletMarginLoss(0.3)),
    ("multi_similarity(alpha: 4, beta: 20, base: 0.1)", False, lambda: losses.MultiSimilarityLoss(4, 20, 0.1)),
    ("ntxent(temperature: 0.5)", False, lambda: losses.NTXentLoss(0.5)),
    ("circle(margin: 0.25, gamma: 6)", False, lambda: losses.CircleLoss(0.25, 6)),
]


def steps(make):
    memory = losses.CrossBatchMemory(make(), DIM, memory_size=BATCH + SIZE)
    generator = torch.Generator().manual_seed(11)
    for labels in LABELS:
        x = torch.randn(BATCH, DIM, generator=generator).requires_grad_()
        y = torch.tensor(labels)
        value = memory(x, y)
        filled = BATCH + SIZE if memory.has_been_filled else memory.queue_idx
        entries = memory.embedding_memory.detach().clone()
        entries[memory.curr_batch_idx] = x
        of = memory.label_memory[:filled]
        tuples = memory.create_indices_tuple(x, y, entries[:filled], of, None, True)
        again = memory.loss(x, y, tuples, entries[:filled], of)
        torch.testing.assert_close(again, value)
        (gradient,) = torch.autograd.grad(again, x)
        yield {
            "embeddings": x.tolist(),
            "labels": labels,
            "value": value.item(),
            "gradient": gradient.tolist(),
        }


def main():
    runs = [
        {"use": use, "normalize": normalize, "steps": list(steps(make))} for use, normalize, make in LOSSES
    ]
    (HERE / "memory" / "losses.json").write_text(json.dumps({"size": SIZE, "runs": runs}) + "\n")


if __name__ == "__main__":
    main()
