/**
 * What a loss remembers, as the interpreter holds it (only the samples that are there) and as the states of its compiled
 * form (as many rows as the memory has, filled from the end; labels and identities -1 where nothing is remembered yet).
 * Called by `compiled_loss.ts`. Pure.
 */
import type { Memory, Tensor } from "../interpret/index.ts";

const paths = (size: number, head: string): { embeddings: string; labels: string; ids: string } => ({
  embeddings: `memory/${size}/embeddings/${head}`,
  labels: `memory/${size}/labels`,
  ids: `memory/${size}/ids`,
});

/** The states of a compiled loss on the head `head` that hold this memory, by name. */
export function statesOf(memory: Memory, head: string): Map<string, Tensor> {
  const { size, views, labels, ids } = memory;
  const [{ columns, data }] = views as [Memory["views"][number]];
  const empty = size - labels.length;
  const names = paths(size, head);
  const further = [...(memory.further ?? [])];
  const embeddings = new Float64Array(size * columns);
  embeddings.set(data, empty * columns);
  const padded = (values: readonly number[]): Tensor => {
    const all = new Float64Array(size).fill(-1);
    all.set(values, empty);
    return { shape: [size], data: all };
  };
  return new Map([
    [names.embeddings, { shape: [size, columns], data: embeddings }],
    [names.labels, padded(labels)],
    [names.ids, padded(ids)],
    ...further.map(([name, own]) => [`${names.labels}/${name}`, padded(own)] as const),
  ]);
}

/** The memory of `size` samples of the head `head` that these states hold; undefined if they hold none. */
export function memoryOf(
  states: ReadonlyMap<string, ArrayLike<number>>,
  size: number,
  head: string,
): Memory | undefined {
  const names = paths(size, head);
  const [embeddings, labels, ids] = [names.embeddings, names.labels, names.ids].map((name) =>
    states.get(name),
  );
  if (embeddings === undefined || labels === undefined || ids === undefined) return undefined;
  const further = [...states].flatMap(([name, values]) =>
    name.startsWith(`${names.labels}/`) ? [[name.slice(names.labels.length + 1), values] as const] : [],
  );
  const columns = embeddings.length / size;
  const empty = Array.from(labels).filter((label) => label < 0).length;
  const data = Float64Array.from(embeddings).slice(empty * columns);
  return {
    size,
    views: [{ rows: size - empty, columns, data }],
    labels: Array.from(labels).slice(empty),
    ...(further.length === 0
      ? {}
      : { further: new Map(further.map(([name, own]) => [name, Array.from(own).slice(empty)])) }),
    ids: Array.from(ids).slice(empty),
  };
}
