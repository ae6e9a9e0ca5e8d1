/**
 * Where the values of a recording lie: constants and intermediate values in one block of the backend's memory, laid out
 * once so that values which are never needed at the same time share their place; arguments and results wherever the
 * tensors of each replay are, found through a table at the start of the block. Called by `compile.ts`.
 *
 * A place taken for a value is given back after the last group that reads it, never within the group that does.
 */
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { CaptureRefused } from "../../capture/recorder.ts";
import { type Code, i32 } from "../assembler.ts";
import { allocate, bytes, free, integers } from "../heap.ts";
import { type Graph, type Node, type Value, bytesOf } from "./graph.ts";
import type { Group } from "./groups.ts";

/** Most bytes a recording may hold: the function itself, which it is held against, needs as much beside it. */
const MOST = 768 * 2 ** 20;
/** Bytes to which places are aligned: a cache line. */
const LINE = 64;

export class Memory {
  readonly #backend: BackendWasm;
  readonly #block: number;
  readonly #table: number;
  readonly #fixed = new Map<Value, number>();
  readonly #slots: ReadonlyMap<Value, number>;
  /** Addresses of each group's own memory. */
  readonly own: readonly number[];
  #addresses: readonly number[] = [];

  /**
   * @param movable values that lie somewhere else at each replay, in the order of `place`'s addresses.
   * @param own bytes of memory of its own for each group.
   * @throws CaptureRefused when there is no memory for it.
   */
  constructor(
    backend: BackendWasm,
    graph: Graph,
    groups: readonly Group[],
    movable: readonly Value[],
    own: readonly number[],
  ) {
    this.#backend = backend;
    this.#slots = new Map(movable.map((value, slot) => [value, slot]));
    const constants = [...graph.constants].filter(([value]) => !this.#slots.has(value));
    let end = aligned(4 * movable.length);
    const offsets = new Map<Value, number>();
    for (const [value] of constants) {
      offsets.set(value, end);
      end += aligned(bytesOf(value));
    }
    const ownOffsets = own.map((length) => {
      end += aligned(length);
      return end - aligned(length);
    });
    const layout = layOut(groups, (value) => this.#slots.has(value) || offsets.has(value));
    for (const [value, offset] of layout.offsets) offsets.set(value, end + offset);
    const total = end + layout.bytes + LINE;
    const megabytes = Math.ceil(total / 2 ** 20);
    if (total > MOST) throw new CaptureRefused(`its intermediate values take ${megabytes} MB`);
    this.#block = allocate(backend, total);
    if (this.#block === 0) throw new CaptureRefused(`there is no memory for its ${megabytes} MB`);
    const base = aligned(this.#block);
    this.#table = base;
    this.own = ownOffsets.map((offset) => base + offset);
    for (const [value, offset] of offsets) this.#fixed.set(value, base + offset);
    for (const [value, constant] of constants) {
      const to = this.#fixed.get(value)!;
      if (constant.uniform === undefined) bytes(backend).set(constant.bytes, to);
      else fill(backend, value, to, constant.uniform);
    }
  }

  /** The address of a value, for generated code. */
  readonly code = (value: Value): Code => {
    const slot = this.#slots.get(value);
    return slot === undefined
      ? i32.constant(this.fixed(value)!)
      : i32.load(i32.constant(this.#table + 4 * slot));
  };

  /** The address of a value; undefined where it moves. */
  fixed(value: Value): number | undefined {
    return this.#fixed.get(value);
  }

  /** The address of a value at this replay. */
  readonly now = (value: Value): number =>
    this.#fixed.get(value) ?? this.#addresses[this.#slots.get(value)!]!;

  /** Writes the addresses at which the movable values lie. */
  place(addresses: readonly number[]): void {
    integers(this.#backend, this.#table, addresses.length).set(addresses);
    this.#addresses = addresses;
  }

  dispose(): void {
    free(this.#backend, this.#block);
  }
}

const aligned = (count: number): number => Math.ceil(count / LINE) * LINE;

function fill(backend: BackendWasm, value: Value, to: number, number: number): void {
  if (value.type === "bool") bytes(backend).fill(number, to, to + value.size);
  else if (value.type === "int32") integers(backend, to, value.size).fill(number);
  else new Float32Array(bytes(backend).buffer, to, value.size).fill(number);
}

/** The values a group reads from memory, and those it computes first and may leave there. */
export function trafficOf(group: Group): {
  readonly reads: readonly Value[];
  readonly writes: readonly Value[];
} {
  const nodes: readonly Node[] = group.kind === "loop" ? group.nodes : [group.node];
  const own = new Set(nodes.flatMap(({ outputs }) => outputs.map(({ value }) => value)));
  const first = group.kind === "loop" ? nodes.filter((node) => !group.again.has(node)) : nodes;
  const reads = nodes.flatMap(({ inputs }) => Object.values(inputs).map(({ value }) => value));
  return {
    reads: reads.filter((value) => !own.has(value)),
    writes: first.flatMap(({ outputs }) => outputs.map(({ value }) => value)),
  };
}

/** Offsets of the values that groups leave for later groups, each in the first gap that holds it. */
function layOut(
  groups: readonly Group[],
  elsewhere: (value: Value) => boolean,
): { readonly offsets: ReadonlyMap<Value, number>; readonly bytes: number } {
  const traffic = groups.map(trafficOf);
  const lastRead = new Map<Value, number>();
  traffic.forEach(({ reads }, index) => reads.forEach((value) => lastRead.set(value, index)));
  const offsets = new Map<Value, number>();
  /** Places in use, by offset. */
  let taken: { readonly value: Value; readonly from: number; readonly to: number }[] = [];
  let most = 0;
  groups.forEach((group, index) => {
    for (const value of traffic[index]!.writes) {
      // A call writes all its results, wanted or not; a loop only what is read later.
      if (elsewhere(value) || (group.kind === "loop" && !lastRead.has(value))) continue;
      const length = aligned(Math.max(bytesOf(value), 1));
      let from = 0;
      const gap = taken.findIndex((place) => {
        const fits = place.from - from >= length;
        if (!fits) from = place.to;
        return fits;
      });
      taken.splice(gap < 0 ? taken.length : gap, 0, { value, from, to: from + length });
      offsets.set(value, from);
      most = Math.max(most, from + length);
    }
    taken = taken.filter(({ value }) => (lastRead.get(value) ?? index) > index);
  });
  return { offsets, bytes: most };
}
