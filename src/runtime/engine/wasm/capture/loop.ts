/**
 * Writes a group of calls as one WebAssembly function: nested loops over the group's axes, four elements at a time along
 * the innermost, with sums and extremes gathered on the way. Called by `compile.ts`.
 *
 * The function has no parameters: addresses are known beforehand, or read from a table in memory.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  type Code,
  type FunctionSource,
  type Local,
  advance,
  countdown,
  defineFunction,
  f32,
  get,
  i32,
  sequence,
  set,
} from "../assembler.ts";
import { writeElement } from "./elementwise.ts";
import { gatheringOf } from "./gathering.ts";
import { type Constant, type Node, type Value, type View, stridesOf } from "./graph.ts";
import { type Loop, isReduction, resultStrides, walkOf } from "./groups.ts";
import { Holder, lanes } from "./lanes.ts";

export interface LoopSurroundings {
  /** The address of a value's first element. */
  readonly addressOf: (value: Value) => Code;
  /** Whether a value computed in the loop is needed in memory. */
  readonly isStored: (value: Value) => boolean;
  readonly constants: ReadonlyMap<Value, Constant>;
}

/** A value in memory that the loop walks: its address moves with the loops. */
interface Stream {
  readonly value: Value;
  /** In elements, along each axis of the loop. */
  readonly strides: readonly number[];
  readonly pointer: Local;
  /** Its element in all lanes, where the innermost axis repeats it. */
  readonly held: Local | undefined;
}

/** Where on the innermost axis: byte offsets from the streams' addresses, for elements of four bytes and of one. */
interface Place {
  readonly wide: Local;
  readonly narrow: Local;
}

/**
 * Functions of many operations, each waiting for the one before. Loops with one of them take two places at a time, call by
 * call: the processor works on the second while the first waits.
 */
const waits = (kernel: string): boolean => chains.has(kernel);
const chains = new Set<string>([tf.Exp, tf.Log, tf.Log1p, tf.Sigmoid, tf.Softplus, tf.Acos]);

export function writeLoop(name: string, loop: Loop, surroundings: LoopSurroundings): FunctionSource {
  return defineFunction(name, [], (_, local) => new Writer(loop, surroundings, local).code());
}

class Writer {
  readonly #loop: Loop;
  readonly #around: LoopSurroundings;
  readonly #local: (type: "i32" | "v128") => Local;
  readonly #streams = new Map<string, Stream>();
  readonly #inside: ReadonlySet<Value>;
  readonly #at: Place;
  readonly #sums = new Map<Node, Local>();

  constructor(loop: Loop, around: LoopSurroundings, local: (type: "i32" | "v128") => Local) {
    this.#loop = loop;
    this.#around = around;
    this.#local = local;
    this.#inside = new Set(loop.nodes.flatMap((node) => (isReduction(node) ? [] : [node.outputs[0]!.value])));
    this.#at = { wide: local("i32"), narrow: local("i32") };
  }

  code(): Code {
    const { axes, nodes } = this.#loop;
    const inner = this.#inner();
    const nested = this.#nest(0, inner);
    const streams = [...this.#streams.values()];
    const begin = streams.map(({ value, pointer }) => set(pointer, this.#around.addressOf(value)));
    const starts = nodes
      .filter((node) => isReduction(node) && this.#gathersInMemory(node))
      .map((node) => this.#clear(node));
    const once = streams
      .filter((stream) => stream.held !== undefined && isStill(stream))
      .map((stream) => this.#holdStream(stream));
    return axes.length === 0 ? [] : sequence(...starts, ...begin, ...once, nested);
  }

  /** The loops from an axis inwards. After each round the addresses step to the axis's next element. */
  #nest(axis: number, inner: Code): Code {
    const { axes } = this.#loop;
    if (axis === axes.length - 1) return inner;
    const rounds = this.#local("i32");
    const body = this.#nest(axis + 1, inner);
    const steps = [...this.#streams.values()].map(({ value, strides, pointer }) => {
      const walked = axis + 1 === axes.length - 1 ? 0 : axes[axis + 1]! * strides[axis + 1]!;
      const step = (strides[axis]! - walked) * lanes[value.type].bytes;
      return step === 0 ? [] : advance(pointer, i32.constant(step));
    });
    return sequence(set(rounds, i32.constant(axes[axis]!)), countdown(rounds, sequence(body, ...steps)));
  }

  #inner(): Code {
    const { axes, nodes } = this.#loop;
    const length = axes.at(-1) ?? 0;
    const [fours, rest] = [Math.floor(length / 4), length % 4];
    const gathered = nodes.filter(
      (node) => isReduction(node) && this.#resultStream(node).strides.at(-1) === 0,
    );
    for (const node of gathered) this.#sums.set(node, this.#local("v128"));
    const begin = gathered.map((node) => set(this.#sums.get(node)!, gatheringOf(node.kernel).start));
    const whole = fours === 0 ? [] : this.#repeat(fours, 4);
    const single = rest === 0 ? [] : this.#repeat(rest, 1);
    const end = gathered.map((node) => this.#finish(node));
    const holds = [...this.#streams.values()]
      .filter((stream) => stream.held !== undefined && !isStill(stream))
      .map((stream) => this.#holdStream(stream));
    return sequence(
      ...holds,
      ...begin,
      set(this.#at.wide, i32.constant(0)),
      set(this.#at.narrow, i32.constant(0)),
      whole,
      single,
      ...end,
    );
  }

  #repeat(rounds: number, width: 4 | 1): Code {
    const pairs = width === 4 && rounds % 2 === 0 && this.#loop.nodes.some(({ kernel }) => waits(kernel));
    const places = pairs ? [this.#at, { wide: this.#local("i32"), narrow: this.#local("i32") }] : [this.#at];
    const step = width * places.length;
    const body = sequence(
      ...places
        .slice(1)
        .map(({ wide, narrow }) =>
          sequence(
            set(wide, i32.add(get(this.#at.wide), i32.constant(4 * width))),
            set(narrow, i32.add(get(this.#at.narrow), i32.constant(width))),
          ),
        ),
      this.#elements(width, places),
      advance(this.#at.wide, i32.constant(4 * step)),
      advance(this.#at.narrow, i32.constant(step)),
    );
    if (rounds === places.length) return body;
    const count = this.#local("i32");
    return sequence(set(count, i32.constant(rounds / places.length)), countdown(count, body));
  }

  /** All calls of the group on the four elements at each place, or on one. */
  #elements(width: 4 | 1, places: readonly Place[]): Code {
    const holder = new Holder(this.#local);
    const writers = places.map((place) => this.#writer(width, place, holder));
    for (const node of this.#loop.nodes) for (const write of writers) write(node);
    return holder.statements;
  }

  /** Writes one call after the other at one place. */
  #writer(width: 4 | 1, place: Place, holder: Holder): (node: Node) => void {
    const known = new Map<Value, Code>();
    const loaded = new Map<Stream, Code>();
    const read = (node: Node, view: View): Code => {
      const inside = known.get(view.value);
      if (inside !== undefined) return inside;
      const { type } = view.value;
      const uniform = this.#around.constants.get(view.value)?.uniform;
      if (uniform !== undefined) return lanes[type].constant(uniform);
      const stream = this.#stream(
        view.value,
        this.#stridesIn(node, stridesOf(view.shape, walkOf(node).length)),
      );
      if (stream.held !== undefined) return get(stream.held);
      const found = loaded.get(stream);
      if (found !== undefined) return found;
      const address = addressAt(stream, place);
      const value = holder.hold(width === 4 ? lanes[type].load(address) : lanes[type].loadFirst(address));
      loaded.set(stream, value);
      return value;
    };
    return (node) => {
      const operands = Object.values(node.inputs).map((view) => read(node, view));
      const { value } = node.outputs[0]!;
      if (isReduction(node)) {
        holder.do(this.#gather(node, operands[0]!, width, place));
        return;
      }
      const result = holder.hold(writeElement(node, operands, holder.hold));
      known.set(value, result);
      if (this.#loop.again.has(node) || !this.#around.isStored(value)) return;
      holder.do(put(addressAt(this.#resultStream(node), place), value, result, width));
    };
  }

  #gather(node: Node, element: Code, width: 4 | 1, place: Place): Code {
    const { join, firstOnly } = gatheringOf(node.kernel);
    const sum = this.#sums.get(node);
    if (sum !== undefined) return set(sum, join(get(sum), width === 4 ? element : firstOnly(element)));
    const stream = this.#resultStream(node);
    const { load, loadFirst } = lanes[stream.value.type];
    const address = addressAt(stream, place);
    const joined = join((width === 4 ? load : loadFirst)(address), element);
    return put(address, stream.value, joined, width);
  }

  /** Writes what was gathered along the innermost axis, or joins it with what is there. */
  #finish(node: Node): Code {
    const { across, join } = gatheringOf(node.kernel);
    const sum = this.#sums.get(node)!;
    const stream = this.#resultStream(node);
    const { loadFirst, storeFirst } = lanes[stream.value.type];
    const holder = new Holder(this.#local);
    const total = holder.hold(across(get(sum)));
    const joined = this.#gathersInMemory(node) ? join(loadFirst(get(stream.pointer)), total) : total;
    holder.do(storeFirst(get(stream.pointer), joined));
    return holder.statements;
  }

  /** Whether more than one run of the innermost axis goes into one element of the result. */
  #gathersInMemory(node: Node): boolean {
    const { axes } = this.#loop;
    const { strides } = this.#resultStream(node);
    return (
      axes.slice(0, -1).some((length, axis) => length > 1 && strides[axis] === 0) || strides.at(-1) !== 0
    );
  }

  /** Sets a result that is gathered in memory to what gathering starts from. */
  #clear(node: Node): Code {
    const { value } = node.outputs[0]!;
    const [at, count] = [this.#local("i32"), this.#local("i32")];
    const { startNumber } = gatheringOf(node.kernel);
    const put =
      value.type === "bool"
        ? i32.storeByte(get(at), i32.constant(startNumber))
        : f32.store(get(at), f32Constant(startNumber));
    return sequence(
      set(at, this.#around.addressOf(value)),
      set(count, i32.constant(value.size)),
      countdown(count, sequence(put, advance(at, i32.constant(lanes[value.type].bytes)))),
    );
  }

  #holdStream(stream: Stream): Code {
    return set(stream.held!, lanes[stream.value.type].loadAll(get(stream.pointer)));
  }

  #resultStream(node: Node): Stream {
    return this.#stream(node.outputs[0]!.value, this.#stridesIn(node, resultStrides(node)));
  }

  #stream(value: Value, strides: readonly number[]): Stream {
    const key = `${value.id} ${strides.join()}`;
    const found = this.#streams.get(key);
    if (found !== undefined) return found;
    const reads =
      !this.#inside.has(value) && !this.#loop.nodes.some((node) => node.outputs[0]!.value === value);
    const held = reads && strides.at(-1) === 0 ? this.#local("v128") : undefined;
    const stream = { value, strides, pointer: this.#local("i32"), held };
    this.#streams.set(key, stream);
    return stream;
  }

  /** Strides along the loop's axes from strides along a call's own. */
  #stridesIn(node: Node, own: readonly number[]): number[] {
    const walk = walkOf(node);
    let inner = this.#loop.size;
    return this.#loop.axes.map((length) => {
      inner /= length;
      if (length === 1) return 0;
      let before = this.#loop.size;
      const axis = walk.findIndex((here) => {
        before /= here;
        return here > 1 && before <= inner;
      });
      return (own[axis]! * inner) / before;
    });
  }
}

const addressAt = ({ value, pointer }: Stream, { wide, narrow }: Place): Code =>
  i32.add(get(pointer), get(lanes[value.type].bytes === 1 ? narrow : wide));

function put(address: Code, { type }: Value, result: Code, width: 4 | 1): Code {
  const { store, storeFirst } = lanes[type];
  return (width === 4 ? store : storeFirst)(address, result);
}

const isStill = ({ strides }: Stream): boolean => strides.every((stride) => stride === 0);

const f32Constant = (value: number): Code => [0x43, ...new Uint8Array(Float32Array.of(value).buffer)];
