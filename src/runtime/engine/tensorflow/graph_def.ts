/**
 * A recorded graph as a TensorFlow SavedModel: the field numbers of tensorflow/core/framework's graph.proto,
 * node_def.proto, attr_value.proto, tensor.proto, and protobuf/meta_graph.proto and saved_model.proto. Pure; called by
 * `session.ts`.
 */
import type { OpAttribute, Values } from "./binding.ts";
import { Message } from "./wire.ts";

/** An output of a node; output `-1` is a control input: the node runs first. */
export interface NodeOutput {
  readonly node: string;
  readonly output: number;
}

/** A value of an attribute, by what AttrValue has a field for. */
export type AttributeValue =
  | { readonly kind: "string"; readonly value: string }
  | { readonly kind: "int" | "float"; readonly value: number | readonly number[] }
  | { readonly kind: "bool"; readonly value: boolean | readonly boolean[] }
  | { readonly kind: "type"; readonly value: number }
  | { readonly kind: "shape"; readonly value: readonly number[] }
  | {
      readonly kind: "tensor";
      readonly dtype: number;
      readonly shape: readonly number[];
      readonly values: Values;
    };

export interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly inputs: readonly NodeOutput[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  /** `/device:CPU:0`; chosen by TensorFlow where absent. */
  readonly device?: string;
}

/** The first output of a node. */
export const output = (node: string): NodeOutput => ({ node, output: 0 });

/** The node as a control input. */
export const before = (node: string): NodeOutput => ({ node, output: -1 });

/** The name an output is fed and fetched by. */
export const outputName = ({ node, output: index }: NodeOutput): string => `${node}:${index}`;

/** A type as an attribute, by TensorFlow's number. */
export const type = (value: number): AttributeValue => ({ kind: "type", value });

/** The node of this name that gives what `input` is. */
export const identity = (name: string, input: NodeOutput, T: AttributeValue): GraphNode => {
  return { name, op: "Identity", inputs: [input], attributes: { T } };
};

/** The tag that sessions ask for. */
export const TAG = "serve";

/** TensorFlow's GraphDef versions of the 2.x line: what its producer may assume of the operations. */
const PRODUCER = 1_700;

/** The bytes of `saved_model.pb`. */
export function savedModel(nodes: readonly GraphNode[]): Uint8Array {
  const graph = new Message();
  for (const node of nodes) graph.message(1, nodeDef(node));
  graph.message(4, new Message().int(1, PRODUCER));
  const info = new Message().string(4, TAG);
  const metaGraph = new Message().message(1, info).message(2, graph);
  return new Message().int(1, 1).message(2, metaGraph).finish();
}

/** How a node's input is written. */
export function inputName({ node, output }: NodeOutput): string {
  if (output < 0) return `^${node}`;
  return output === 0 ? node : `${node}:${output}`;
}

function nodeDef({ name, op, inputs, attributes, device }: GraphNode): Message {
  const message = new Message().string(1, name).string(2, op);
  for (const input of inputs) message.string(3, inputName(input));
  if (device !== undefined) message.string(4, device);
  for (const [key, value] of Object.entries(attributes)) {
    message.message(5, new Message().string(1, key).message(2, attrValue(value)));
  }
  return message;
}

function attrValue(attribute: AttributeValue): Message {
  const message = new Message();
  switch (attribute.kind) {
    case "string":
      return message.string(2, attribute.value);
    case "int":
      if (typeof attribute.value === "number") return message.int(3, attribute.value);
      return message.message(
        1,
        each(attribute.value, (list, value) => list.int(3, value)),
      );
    case "float":
      if (typeof attribute.value === "number") return message.float(4, attribute.value);
      return message.message(
        1,
        each(attribute.value, (list, value) => list.float(4, value)),
      );
    case "bool":
      if (typeof attribute.value === "boolean") return message.bool(5, attribute.value);
      return message.message(
        1,
        each(attribute.value, (list, value) => list.bool(5, value)),
      );
    case "type":
      return message.int(6, attribute.value);
    case "shape":
      return message.message(7, shapeProto(attribute.value));
    case "tensor": {
      const { dtype, shape, values } = attribute;
      const content = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      return message.message(
        8,
        new Message().int(1, dtype).message(2, shapeProto(shape)).bytes(4, content.slice()),
      );
    }
  }
}

function each<T>(values: readonly T[], add: (list: Message, value: T) => void): Message {
  const list = new Message();
  for (const value of values) add(list, value);
  return list;
}

function shapeProto(shape: readonly number[]): Message {
  return each(shape, (message, side) => message.message(2, new Message().int(1, side)));
}

/** tfjs-node's way of writing an attribute, as this file's. `types` are the binding's `TF_ATTR_…`. */
export function attributeOf(
  { name, type, value }: OpAttribute,
  types: Readonly<Record<`TF_ATTR_${"STRING" | "INT" | "FLOAT" | "BOOL" | "TYPE" | "SHAPE"}`, number>>,
): AttributeValue {
  switch (type) {
    case types.TF_ATTR_STRING:
      return { kind: "string", value: value as string };
    case types.TF_ATTR_INT:
      return { kind: "int", value: value as number | number[] };
    case types.TF_ATTR_FLOAT:
      return { kind: "float", value: value as number | number[] };
    case types.TF_ATTR_BOOL:
      return { kind: "bool", value: value as boolean | boolean[] };
    case types.TF_ATTR_TYPE:
      return { kind: "type", value: value as number };
    case types.TF_ATTR_SHAPE:
      return { kind: "shape", value: value as number[] };
    default:
      throw new Error(`attribute ${name} has the unknown type ${type}`);
  }
}
