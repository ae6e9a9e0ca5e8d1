/**
 * `LOSS against memory(size)`: the samples of earlier steps behind those of the batch, and what is remembered after the
 * step (Wang, Zhang, Huang & Scott 2020). Called by `interpret.ts`. Pure.
 *
 * Laws:
 *   A loss reads what was remembered before the step, as it reads states; its own batch joins afterwards, in its order,
 *   and the oldest samples beyond `size` are forgotten. Of a batch larger than `size`, the last `size` samples stay.
 *   Indices of samples run over the batch, then over what is remembered, oldest first. In the batch alone stay the first
 *   index of every reduction that stands in no other (lists looked through), indices ordered by `<`, `<=`, `>` or `>=`,
 *   and indices with a domain of their own (`i in batch`). A `let` without parameters is computed where it stands.
 *   `batch` is the size of the batch.
 *   Two rows with one identity are one sample: never `same`, and equal to `==` and `!=` between two indices of samples.
 *   What a miner assigns is a row, not a sample.
 *   No gradient reaches what is remembered.
 */
import { InterpretError } from "./errors.ts";
import type { LossBatch, Matrix } from "./interpret.ts";

export interface Memory {
  /** Most samples that are remembered. */
  readonly size: number;
  /** One matrix for each view, the oldest row first. */
  readonly views: readonly Matrix[];
  readonly labels: readonly number[];
  /** What they are by each further label of the batch. */
  readonly further?: ReadonlyMap<string, readonly number[]>;
  /** Identity of each sample, comparable with the batch's. */
  readonly ids: readonly number[];
}

/** What indices of samples run over: views, labels and identities of equal length. */
export interface Samples {
  readonly views: readonly Matrix[];
  readonly labels: readonly number[];
  readonly further: ReadonlyMap<string, readonly number[]>;
  /** Without it every row is a sample of its own. */
  readonly ids: readonly number[] | undefined;
}

/** The batch with what is remembered behind it. */
export function withMemory(batch: LossBatch): Samples {
  const { memory } = batch;
  const further = new Map([...(batch.further ?? [])].map(([name, { labels }]) => [name, labels]));
  if (memory === undefined) return { views: batch.views, labels: batch.labels, further, ids: batch.ids };
  return {
    views: batch.views.map((view, v) => joined(view, memory.views[v]!)),
    labels: [...batch.labels, ...memory.labels],
    further: new Map([...further].map(([name, own]) => [name, [...own, ...memory.further!.get(name)!]])),
    ids: [...batch.ids!, ...memory.ids],
  };
}

/** What is remembered after the step. */
export function remember(batch: LossBatch, memory: Memory): Memory {
  const kept = memory.labels.length + batch.labels.length;
  const forgotten = Math.max(0, kept - memory.size);
  return {
    size: memory.size,
    views: batch.views.map((view, v) => {
      const all = joined(memory.views[v]!, view);
      return { ...all, rows: kept - forgotten, data: all.data.slice(forgotten * all.columns) };
    }),
    labels: [...memory.labels, ...batch.labels].slice(forgotten),
    ...(batch.further === undefined
      ? {}
      : {
          further: new Map(
            [...batch.further].map(([name, { labels }]) => [
              name,
              [...memory.further!.get(name)!, ...labels].slice(forgotten),
            ]),
          ),
        }),
    ids: [...memory.ids, ...batch.ids!].slice(forgotten),
  };
}

/** Throws `InterpretError` if what is remembered does not fit the batch. */
export function checkMemory(batch: LossBatch, memory: Memory): void {
  if (batch.ids === undefined)
    throw new InterpretError("a loss against a memory needs the identities of the batch's samples");
  if (!Number.isInteger(memory.size) || memory.size < 1)
    throw new InterpretError(`a memory of ${memory.size} samples is none`);
  const rows = memory.labels.length;
  if (rows > memory.size || memory.ids.length !== rows || memory.views.length !== batch.views.length)
    throw new InterpretError("what is remembered does not match the memory's size or the batch");
  for (const name of batch.further?.keys() ?? [])
    if (memory.further?.get(name)?.length !== rows)
      throw new InterpretError(`what is remembered of the label ${name} does not match its samples`);
  memory.views.forEach((view, v) => {
    const { columns } = batch.views[v]!;
    if (view.rows !== rows || view.columns !== columns || view.data.length !== rows * columns)
      throw new InterpretError("the remembered embeddings do not match their labels or the batch");
  });
}

function joined(first: Matrix, second: Matrix): Matrix {
  const data = new Float64Array(first.data.length + second.data.length);
  data.set(first.data);
  data.set(second.data, first.data.length);
  return { rows: first.rows + second.rows, columns: first.columns, data };
}
