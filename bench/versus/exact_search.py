"""Exact nearest neighbours with faiss-cpu, and Recall@K and MAP@R from them with numpy.

A process of its own, started by ../versus_faiss.mjs; prints one line of JSON.

    python bench/versus/exact_search.py EMBEDDINGS.f32 LABELS.i32 N DIM DEPTH THREADS
"""

import json
import resource
import sys
import time

import faiss
import numpy as np

embeddings_file, labels_file = sys.argv[1], sys.argv[2]
n, dim, depth, threads = (int(each) for each in sys.argv[3:7])
faiss.omp_set_num_threads(threads)
embeddings = np.fromfile(embeddings_file, dtype=np.float32).reshape(n, dim)
labels = np.fromfile(labels_file, dtype=np.int32)

start = time.perf_counter()
index = faiss.IndexFlatL2(dim)
index.add(embeddings)
_, neighbours = index.search(embeddings, depth + 1)
searched = time.perf_counter()

# The query itself, by its index, is no neighbour.
rows = np.arange(n)[:, None]
own = neighbours == rows
own[~own.any(axis=1), -1] = True
others = neighbours[~own].reshape(n, depth)
hits = labels[others] == labels[:, None]
counts = np.bincount(labels)[labels] - 1
valid = counts > 0
within = np.arange(depth)[None, :] < counts[:, None]
precision = np.cumsum(hits, axis=1) / np.arange(1, depth + 1)[None, :]
map_at_r = np.where(within & hits, precision, 0).sum(axis=1)[valid] / counts[valid]
result = {
    "search_seconds": searched - start,
    "seconds": time.perf_counter() - start,
    "recall_at_1": float(hits[valid, 0].mean()),
    "map_at_r": float(map_at_r.mean()),
    "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    "faiss": faiss.__version__,
}
print(json.dumps(result))
