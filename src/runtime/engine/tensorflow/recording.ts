/**
 * The record of what TensorFlow was asked to do while a function ran: every operation a node, every tensor that came
 * from elsewhere a constant, every input of the function a placeholder. Made by `recorder.ts`, which puts `binding` in
 * the place of the backend's own for the time of the run.
 *
 * tfjs-node's kernels reach TensorFlow in a few calls only (`executeOp`, `createTensor`), so nothing can pass it by. What
 * the function computes outside TensorFlow from values that depend on its inputs cannot be repeated, and is refused.
 */
import { CaptureRefused } from "../capture/recorder.ts";
import type { SequenceListener } from "../capture/sequence.ts";
import { missingAttributes } from "./attributes.ts";
import type { Binding, OpAttribute, TensorHandle, Values } from "./binding.ts";
import { attributeOf, before, output, type } from "./graph_def.ts";
import type { AttributeValue, GraphNode, NodeOutput } from "./graph_def.ts";

/** A tensor within the record. */
export interface RecordedTensor extends NodeOutput {
  readonly dtype: number;
  readonly shape: readonly number[];
  /** Whether its value may be another at the next run. */
  readonly varies: boolean;
}

/** Operations that give another value each time they run: their inputs do not tell what they give. */
const RANDOM = /Random|Multinomial|Uniform|TruncatedNormal/;

export class Recording implements SequenceListener {
  /** In the order of execution. */
  readonly nodes: GraphNode[] = [];
  /** Nodes that must have run before the next, innermost sequence last. */
  readonly #barriers: NodeOutput[][] = [];
  /** In place of the backend's while recording. */
  readonly binding: Binding;
  readonly #real: Binding;
  readonly #tensors = new Map<number, RecordedTensor>();

  constructor(real: Binding) {
    this.#real = real;
    this.binding = this.#recordingBinding();
  }

  /** Makes a tensor an input: its value is given anew at every run. */
  placeholder(id: number, dtype: number, shape: readonly number[]): RecordedTensor {
    const node = this.#add("in", "Placeholder", [], {
      dtype: type(dtype),
      shape: { kind: "shape", value: shape },
    });
    const tensor = { node, output: 0, dtype, shape, varies: true };
    this.#tensors.set(id, tensor);
    return tensor;
  }

  /** Where the tensor with this number is in the record; one from elsewhere becomes a constant. */
  tensor(id: number, dtype: number, shape: readonly number[]): RecordedTensor {
    return this.#tensors.get(id) ?? this.#constant(id, dtype, shape, this.#real.tensorDataSync(id));
  }

  begin(): void {
    this.#barriers.push(this.#last());
  }

  partDone(): void {
    this.#barriers[this.#barriers.length - 1] = this.#last();
  }

  end(): void {
    this.#barriers.pop();
  }

  /** The last node so far, as a control input. Blocks computed anew must not be taken for the blocks before, either. */
  #last(): NodeOutput[] {
    return this.nodes.slice(-1).map(({ name }) => before(name));
  }

  /** An operation of the record's own, after the function has run. */
  add(
    op: string,
    inputs: readonly NodeOutput[],
    attributes: Readonly<Record<string, AttributeValue>>,
  ): string {
    return this.#add(op.toLowerCase(), op, inputs, attributes);
  }

  /** A constant of the record's own; `values` in the type TensorFlow keeps them in. */
  constant(
    dtype: number,
    shape: readonly number[],
    values: Values,
    after: readonly NodeOutput[] = [],
  ): NodeOutput {
    return output(
      this.add("Const", after, { dtype: type(dtype), value: { kind: "tensor", dtype, shape, values } }),
    );
  }

  #add(
    label: string,
    op: string,
    inputs: readonly NodeOutput[],
    attributes: Readonly<Record<string, AttributeValue>>,
  ): string {
    const name = `${label}_${this.nodes.length}`;
    this.nodes.push({ name, op, inputs, attributes });
    return name;
  }

  #constant(id: number, dtype: number, shape: readonly number[], values: Values): RecordedTensor {
    const made = this.constant(dtype, shape, valuesOfType(this.#real, dtype, values));
    const tensor = { ...made, dtype, shape, varies: false };
    this.#tensors.set(id, tensor);
    return tensor;
  }

  #recordingBinding(): Binding {
    const real = this.#real;
    const refused = (what: string) => () => {
      throw new CaptureRefused(`it ${what}`);
    };
    return {
      ...constantsOf(real),
      createTensor: (shape, dtype, values) => {
        const id = real.createTensor(shape, dtype, values);
        this.#constant(id, dtype, [...shape], values);
        return id;
      },
      // A number may be given out again, so what it stood for is forgotten with it.
      deleteTensor: (id) => {
        this.#tensors.delete(id);
        real.deleteTensor(id);
      },
      tensorDataSync: (id) => {
        if (this.#tensors.get(id)?.varies === true) {
          throw new CaptureRefused("it reads a value back in the middle");
        }
        return real.tensorDataSync(id);
      },
      executeOp: (name, attributes, inputs, outputs) => this.#execute(name, attributes, inputs, outputs),
      isUsingGpuDevice: () => real.isUsingGpuDevice(),
      loadSavedModel: refused("loads a model"),
      deleteSavedModel: (session) => real.deleteSavedModel(session),
      runSavedModel: refused("runs another graph"),
    };
  }

  #execute(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorHandle[] {
    if (RANDOM.test(op)) throw new CaptureRefused(`it draws random numbers (${op})`);
    const handles = this.#real.executeOp(op, attributes, inputs, outputs);
    const operands = inputs.map((id) => this.#known(id));
    const given = Object.fromEntries(attributes.map((each) => [each.name, attributeOf(each, this.#real)]));
    const types = operands.map(({ dtype }) => dtype);
    const all = { ...missingAttributes(op, types), ...given };
    const node = this.#add(op, op, [...operands, ...(this.#barriers.at(-1) ?? [])], all);
    const varies = operands.some((operand) => operand.varies);
    handles.forEach(({ id, dtype, shape }, output) => {
      this.#tensors.set(id, { node, output, dtype, shape: [...shape], varies });
    });
    return handles;
  }

  /** A tensor that an operation reads; its type and shape are the handle's if it came from elsewhere. */
  #known(id: number): RecordedTensor {
    const known = this.#tensors.get(id);
    if (known !== undefined) return known;
    const [handle] = this.#real.executeOp("Identity", [], [id], 1);
    const values = this.#real.tensorDataSync(handle!.id);
    this.#real.deleteTensor(handle!.id);
    return this.#constant(id, handle!.dtype, [...handle!.shape], values);
  }
}

/** The binding's numbers for types and attributes. */
function constantsOf(binding: Binding): Binding {
  const numbers = Object.entries(Object.getOwnPropertyDescriptors(binding)).filter(([name]) =>
    name.startsWith("TF_"),
  );
  return Object.fromEntries(
    numbers.map(([name]) => [name, binding[name as keyof Binding]]),
  ) as unknown as Binding;
}

/** The bytes TensorFlow keeps for these values: tfjs hands some of them over in wider arrays. */
function valuesOfType(binding: Binding, dtype: number, values: Values | readonly number[]): Values {
  if (dtype === binding.TF_FLOAT) return values instanceof Float32Array ? values : Float32Array.from(values);
  if (dtype === binding.TF_INT32) return values instanceof Int32Array ? values : Int32Array.from(values);
  if (dtype === binding.TF_BOOL) return values instanceof Uint8Array ? values : Uint8Array.from(values);
  throw new CaptureRefused(`it holds a constant of TensorFlow's type ${dtype}`);
}
