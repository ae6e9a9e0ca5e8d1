/** SavedModels as bytes: held against a decoder of the wire format, since nothing here reads them back. */
import { describe, expect, it } from "vitest";
import { inputName, savedModel } from "../../../src/runtime/engine/tensorflow/graph_def.ts";
import type { GraphNode } from "../../../src/runtime/engine/tensorflow/graph_def.ts";
import { Message } from "../../../src/runtime/engine/tensorflow/wire.ts";

/** The fields of a message: number, and a varint, or bytes. */
function fields(bytes: Uint8Array): [field: number, value: bigint | Uint8Array][] {
  const found: [number, bigint | Uint8Array][] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (length: number): Uint8Array => bytes.subarray(at, (at += length));
  while (at < bytes.length) {
    const tag = Number(varint());
    const type = tag & 7;
    found.push([tag >> 3, type === 0 ? varint() : take(type === 5 ? 4 : Number(varint()))]);
  }
  return found;
}

const messages = (bytes: Uint8Array, field: number): Uint8Array[] =>
  fields(bytes).flatMap(([number, value]) => (number === field ? [value as Uint8Array] : []));
const texts = (bytes: Uint8Array, field: number): string[] =>
  messages(bytes, field).map((value) => new TextDecoder().decode(value));
const number = (bytes: Uint8Array, field: number): bigint =>
  fields(bytes).find(([each]) => each === field)![1] as bigint;

describe("the wire format", () => {
  it("writes numbers in sevens of bits, negative ones in ten bytes", () => {
    expect([...new Message().int(1, 300).finish()]).toEqual([8, 0xac, 2]);
    expect([...new Message().int(1, 0).finish()]).toEqual([8, 0]);
    expect([...new Message().int(2, -1).finish()]).toEqual([16, ...Array.from({ length: 9 }, () => 0xff), 1]);
    expect([...new Message().bool(3, true).finish()]).toEqual([24, 1]);
  });

  it("writes floats as four bytes, strings and messages by their length", () => {
    expect([...new Message().float(4, 1).finish()]).toEqual([37, 0, 0, 0x80, 0x3f]);
    expect([...new Message().string(2, "é").finish()]).toEqual([18, 2, 0xc3, 0xa9]);
    expect([...new Message().message(1, new Message().int(1, 1)).finish()]).toEqual([10, 2, 8, 1]);
  });
});

describe("a SavedModel", () => {
  const nodes: GraphNode[] = [
    {
      name: "c",
      op: "Const",
      inputs: [],
      attributes: {
        dtype: { kind: "type", value: 1 },
        value: { kind: "tensor", dtype: 1, shape: [2, 1], values: Float32Array.of(1.5, -2) },
      },
    },
    {
      name: "s",
      op: "Split",
      inputs: [
        { node: "c", output: 0 },
        { node: "c", output: 1 },
        { node: "c", output: -1 },
      ],
      attributes: {
        strides: { kind: "int", value: [1, 2, -1] },
        padding: { kind: "string", value: "SAME" },
        epsilon: { kind: "float", value: 0.5 },
        training: { kind: "bool", value: true },
        shape: { kind: "shape", value: [3, 0] },
      },
      device: "/device:CPU:0",
    },
  ];
  const [metaGraph] = messages(savedModel(nodes), 2);
  const [graph] = messages(metaGraph!, 2);
  const [constant, split] = messages(graph!, 1);
  const attribute = (node: Uint8Array, name: string): Uint8Array =>
    messages(
      messages(node, 5).find((entry) => texts(entry, 1)[0] === name)!,
      2,
    )[0]!;

  it("carries the tag that sessions ask for", () => {
    expect(texts(messages(metaGraph!, 1)[0]!, 4)).toEqual(["serve"]);
  });

  it("names nodes, operations, inputs and devices", () => {
    expect([texts(constant!, 1), texts(constant!, 2)]).toEqual([["c"], ["Const"]]);
    expect(texts(split!, 3)).toEqual(["c", "c:1", "^c"]);
    expect(texts(split!, 4)).toEqual(["/device:CPU:0"]);
    expect(inputName({ node: "c", output: 2 })).toBe("c:2");
  });

  it("writes every kind of attribute", () => {
    const list = messages(attribute(split!, "strides"), 1)[0]!;
    expect(fields(list).map(([, value]) => BigInt.asIntN(64, value as bigint))).toEqual([1n, 2n, -1n]);
    expect(texts(attribute(split!, "padding"), 2)).toEqual(["SAME"]);
    const [, epsilon] = fields(attribute(split!, "epsilon"))[0]!;
    expect(new Float32Array((epsilon as Uint8Array).slice().buffer)[0]).toBe(0.5);
    expect(number(attribute(split!, "training"), 5)).toBe(1n);
    expect(number(attribute(constant!, "dtype"), 6)).toBe(1n);
    const sides = messages(messages(attribute(split!, "shape"), 7)[0]!, 2);
    expect(sides.map((side) => number(side, 1))).toEqual([3n, 0n]);
  });

  it("writes a tensor's type, shape and bytes", () => {
    const tensor = messages(attribute(constant!, "value"), 8)[0]!;
    expect(number(tensor, 1)).toBe(1n);
    expect(messages(messages(tensor, 2)[0]!, 2).map((side) => number(side, 1))).toEqual([2n, 1n]);
    const content = messages(tensor, 4)[0]!.slice();
    expect([...new Float32Array(content.buffer)]).toEqual([1.5, -2]);
  });
});
