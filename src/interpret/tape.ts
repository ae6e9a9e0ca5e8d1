/**
 * A scalar reverse-mode tape in float64: every number of an evaluation, and its partial derivatives with respect to the
 * numbers it was computed from. Typed arrays, no objects, so that a batch of 64 with all its triplets stays fast.
 * Written by `evaluate.ts`; read back once by `backward`. Pure.
 *
 * Law: an edge whose partial derivative is 0 is not recorded, so that "zero gradient" holds even where an adjoint is
 * infinite.
 */
import { TAPE } from "./budget.ts";
import { BudgetError } from "./errors.ts";

/** Where a number stands on the tape; `ABSENT` stands for no number at all. */
export type Slot = number;

/** The value that is not there: a maximum over nothing, and what was computed from it. */
export const ABSENT: Slot = -1;

function grown<T extends Float64Array | Int32Array>(array: T, length: number): T {
  const larger = new (array.constructor as new (length: number) => T)(length);
  larger.set(array as never);
  return larger;
}

export class Tape {
  private values = new Float64Array(1024);
  /** Where the edges of a slot end; they start where those of the slot before it end. */
  private edgeEnd = new Int32Array(1024);
  private parents = new Int32Array(1024);
  private partials = new Float64Array(1024);
  private length = 0;
  private edges = 0;
  private lastInput = 0;
  private readonly constants = new Map<number, Slot>();
  private readonly recording: boolean;

  /** `recording: false` keeps values only. */
  constructor(recording: boolean) {
    this.recording = recording;
  }

  value(slot: Slot): number {
    return this.values[slot]!;
  }

  /** Numbers on the tape and slopes between them: the work that was done. */
  get size(): number {
    return this.length + this.edges;
  }

  /** Appends the inputs, which gradients are asked of; before anything else. Returns the first slot. */
  inputs(values: ArrayLike<number>): Slot {
    const first = this.length;
    for (let i = 0; i < values.length; i++) this.close(values[i]!);
    this.lastInput = this.length;
    return first;
  }

  /** Appends numbers side by side that no gradient is asked of. Returns the first slot. */
  fixed(values: ArrayLike<number>): Slot {
    const first = this.length;
    for (let i = 0; i < values.length; i++) this.close(values[i]!);
    return first;
  }

  /** A number that depends on no input. */
  constant(value: number): Slot {
    const found = this.constants.get(value);
    if (found !== undefined) return found;
    const slot = this.close(value);
    if (this.constants.size < 100_000) this.constants.set(value, slot);
    return slot;
  }

  /** f(a), with f′(a). */
  unary(value: number, a: Slot, da: number): Slot {
    this.edge(a, da);
    return this.close(value);
  }

  /** f(a, b), with both partial derivatives. */
  binary(value: number, a: Slot, da: number, b: Slot, db: number): Slot {
    this.edge(a, da);
    this.edge(b, db);
    return this.close(value);
  }

  /** Adds an edge to the number that the next `close` appends. */
  edge(parent: Slot, partial: number): void {
    if (!this.recording || partial === 0 || !this.varies(parent)) return;
    if (this.edges === this.parents.length) {
      this.parents = grown(this.parents, 2 * this.edges);
      this.partials = grown(this.partials, 2 * this.edges);
    }
    this.parents[this.edges] = parent;
    this.partials[this.edges] = partial;
    this.edges++;
  }

  /** Appends a number with the edges added since the last one. */
  close(value: number): Slot {
    if (this.length === this.values.length) {
      if (this.length >= TAPE) throw new BudgetError("the batch is too large to interpret this loss");
      this.values = grown(this.values, 2 * this.length);
      this.edgeEnd = grown(this.edgeEnd, 2 * this.length);
    }
    this.values[this.length] = value;
    this.edgeEnd[this.length] = this.edges;
    return this.length++;
  }

  /** Derivatives of the number at `root` with respect to every slot up to it, the inputs first. */
  backward(root: Slot): Float64Array {
    const adjoint = new Float64Array(Math.max(root + 1, this.lastInput));
    adjoint[root] = 1;
    for (let slot = root; slot >= this.lastInput; slot--) {
      const upstream = adjoint[slot]!;
      if (upstream === 0) continue;
      for (let e = this.edgeEnd[slot - 1] ?? 0; e < this.edgeEnd[slot]!; e++) {
        const parent = this.parents[e]!;
        adjoint[parent] = adjoint[parent]! + upstream * this.partials[e]!;
      }
    }
    return adjoint;
  }

  /** Whether a number has a slope by some input. */
  varies(slot: Slot): boolean {
    return slot < this.lastInput || this.edgeEnd[slot]! > (this.edgeEnd[slot - 1] ?? 0);
  }
}
