/** The definitions of the retrieval metrics written as plainly as can be, in float64: what the fast ones are held against. */
import { counterRandom } from "../../src/runtime/random.ts";

export interface Sample {
  readonly embeddings: Float32Array;
  readonly dim: number;
  readonly labels: Int32Array;
}

/** Normal embeddings with random labels below `classes`, some moved towards a centre of their class. */
export function randomSample(n: number, dim: number, classes: number, key: number): Sample {
  const random = counterRandom(key, "test/sample");
  const centres = Float64Array.from({ length: classes * dim }, () => random.normal());
  const labels = Int32Array.from({ length: n }, () => random.int(classes));
  const embeddings = new Float32Array(n * dim);
  for (let i = 0; i < n; i++) {
    for (let d = 0; d < dim; d++)
      embeddings[i * dim + d] = centres[labels[i]! * dim + d]! + 1.5 * random.normal();
  }
  return { embeddings, dim, labels };
}

/** All other samples by squared distance, then index. */
export function ranking({ embeddings, dim, labels }: Sample, query: number): number[] {
  const distance = (other: number): number => {
    let sum = 0;
    for (let d = 0; d < dim; d++) sum += (embeddings[query * dim + d]! - embeddings[other * dim + d]!) ** 2;
    return sum;
  };
  const others = Array.from(labels, (_, i) => i).filter((i) => i !== query);
  const distances = new Map(others.map((i) => [i, distance(i)]));
  return others.sort((a, b) => distances.get(a)! - distances.get(b)! || a - b);
}

/** Recall@K, MAP@R, R-precision and kNN accuracy by their definitions. */
export function referenceMetrics(sample: Sample, K: number, k: number): Record<string, number> {
  const { labels } = sample;
  const scores: Record<string, number[]> = { recall: [], map: [], rPrecision: [], knn: [] };
  for (let query = 0; query < labels.length; query++) {
    const right = ranking(sample, query).map((i) => labels[i] === labels[query]);
    const R = right.filter(Boolean).length;
    if (R === 0) continue;
    scores["recall"]!.push(right.slice(0, K).some(Boolean) ? 1 : 0);
    const inR = right.slice(0, R);
    scores["rPrecision"]!.push(inR.filter(Boolean).length / R);
    let ap = 0;
    inR.forEach((hit, i) => {
      if (hit) ap += inR.slice(0, i + 1).filter(Boolean).length / (i + 1);
    });
    scores["map"]!.push(ap / R);
    const votes = ranking(sample, query)
      .slice(0, k)
      .map((i) => labels[i]!);
    const count = (label: number): number => votes.filter((vote) => vote === label).length;
    const best = Math.max(...votes.map(count));
    scores["knn"]!.push(votes.find((vote) => count(vote) === best) === labels[query] ? 1 : 0);
  }
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  return Object.fromEntries(Object.entries(scores).map(([name, values]) => [name, mean(values)]));
}
