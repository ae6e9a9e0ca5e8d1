/** Safetensors: the format byte by byte, round trips, and files that are not what they claim. */
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  decodeSafetensors,
  encodeSafetensors,
  readSafetensors,
  writeSafetensors,
} from "../../src/runtime/report/safetensors.ts";
import type { StoredTensor } from "../../src/runtime/report/safetensors.ts";

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "dmlc-safetensors-"));
});
afterAll(async () => {
  await rm(directory, { recursive: true });
});

/** A file with this header text and these bytes of data. */
function file(header: string, data: number[] = [], length = header.length): Uint8Array {
  const bytes = new Uint8Array(8 + header.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(new TextEncoder().encode(header), 8);
  bytes.set(data, 8 + header.length);
  return bytes;
}

const tensors = new Map<string, StoredTensor>([
  ["heads/pull/kernel", { shape: [2, 3], data: Float32Array.from([1.5, -2, 0, 3e38, -1e-45, NaN]) }],
  ["10", { shape: [3], data: Int32Array.from([7, -1, 2 ** 31 - 1]) }],
  ["scalar", { shape: [], data: Float32Array.from([5]) }],
  ["empty", { shape: [0, 4], data: new Float32Array(0) }],
  ["__proto__", { shape: [1], data: Float32Array.from([9]) }],
]);

describe("writing", () => {
  test("the bytes of the format", () => {
    const bytes = encodeSafetensors(new Map([["w", { shape: [], data: Float32Array.from([5]) }]]));
    const header = '{"w":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   ';
    expect(Buffer.from(bytes)).toEqual(Buffer.from(file(header, [0, 0, 0xa0, 0x40])));
  });

  test("do not depend on the order in which tensors and metadata are given", () => {
    const reversed = new Map([...tensors].reverse());
    expect(encodeSafetensors(reversed, { b: "2", a: "1" })).toEqual(
      encodeSafetensors(tensors, { a: "1", b: "2" }),
    );
  });

  test("values that do not fill their shape, and a reserved name", () => {
    const data = new Float32Array(5);
    expect(() => encodeSafetensors(new Map([["w", { shape: [2, 3], data }]]))).toThrow(
      "tensor w: 5 values do not fill",
    );
    expect(() => encodeSafetensors(new Map([["__metadata__", { shape: [5], data }]]))).toThrow(
      "cannot be named",
    );
  });
});

describe("reading", () => {
  test("a file written by the reference implementation, safetensors 0.8.0", () => {
    const header =
      '{"__metadata__":{"k":"v"},"b":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},' +
      '"a":{"dtype":"I32","shape":[2],"data_offsets":[8,16]}} ';
    const data = [0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0, 7, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    const read = decodeSafetensors(file(header, data));
    expect(read.metadata).toEqual({ k: "v" });
    expect([...read.tensors]).toEqual([
      ["b", { shape: [1, 2], data: Float32Array.from([1.5, -2]) }],
      ["a", { shape: [2], data: Int32Array.from([7, -1]) }],
    ]);
  });

  test("gives back what was written, to the bit", async () => {
    const path = join(directory, "new", "weights.safetensors");
    await writeSafetensors(path, tensors, { model: "icons" });
    const read = await readSafetensors(path);
    expect(read.metadata).toEqual({ model: "icons" });
    expect(new Map(read.tensors)).toEqual(tensors);
    expect(encodeSafetensors(read.tensors, read.metadata)).toEqual(encodeSafetensors(tensors, read.metadata));
    expect(await readdir(join(directory, "new"))).toEqual(["weights.safetensors"]);
  });

  test("bytes that start anywhere in a larger buffer", () => {
    const bytes = encodeSafetensors(tensors);
    const larger = new Uint8Array(bytes.length + 3);
    larger.set(bytes, 3);
    expect(decodeSafetensors(larger.subarray(3)).tensors).toEqual(tensors);
  });

  const entry = (fields: string): string => `{"w":{${fields}}}`;
  test.each([
    ["no bytes", new Uint8Array(3), "3 bytes are too few"],
    ["a header longer than the file", file("{}", [], 2000), "a header of 2000 bytes in a file of 10"],
    ["a header of a petabyte", file("{}", [], 2 ** 50), "a header of"],
    ["no JSON", file("{"), "the header is not JSON"],
    ["an array", file("[]"), "the header is not an object"],
    ["data of no tensor", file("{}", [1, 2]), "2 bytes of data belong to no tensor"],
    ["metadata of numbers", file('{"__metadata__":{"a":1}}'), "other than texts"],
    ["an entry that is no object", file('{"w":3}'), "not described by an object"],
    [
      "an unknown type",
      file(entry('"dtype":"BF16","shape":[2],"data_offsets":[0,4]'), [0, 0, 0, 0]),
      "of type BF16",
    ],
    [
      "a negative size",
      file(entry('"dtype":"F32","shape":[-1],"data_offsets":[0,4]'), [0, 0, 0, 0]),
      "no valid shape",
    ],
    ["a fraction", file(entry('"dtype":"F32","shape":[1.5],"data_offsets":[0,6]')), "no valid shape"],
    ["no offsets", file(entry('"dtype":"F32","shape":[1]')), "no valid data_offsets"],
    [
      "offsets beyond the data",
      file(entry('"dtype":"F32","shape":[1],"data_offsets":[0,4]'), [0]),
      "bytes 0 to 4 of 1",
    ],
    [
      "offsets in reverse",
      file(entry('"dtype":"F32","shape":[1],"data_offsets":[4,0]'), [0, 0, 0, 0]),
      "bytes 4 to 0",
    ],
    [
      "too few bytes for the shape",
      file(entry('"dtype":"F32","shape":[2],"data_offsets":[0,4]'), [0, 0, 0, 0]),
      "4 bytes",
    ],
    [
      "a shape whose product overflows",
      file(
        entry('"dtype":"F32","shape":[4503599627370496,4503599627370496,0],"data_offsets":[0,4]'),
        [0, 0, 0, 0],
      ),
      "4 bytes for the shape",
    ],
    [
      "a hole",
      file(
        entry('"dtype":"F32","shape":[1],"data_offsets":[4,8]'),
        Array.from({ length: 8 }, () => 0),
      ),
      "where 0 was due",
    ],
    [
      "an overlap",
      file(
        '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
        [0, 0, 0, 0],
      ),
      "starts at byte 0, where 4 was due",
    ],
  ])("refuses %s", (_, bytes, message) => {
    expect(() => decodeSafetensors(bytes)).toThrow(message);
  });

  test("refuses every proper beginning of a file", () => {
    const bytes = encodeSafetensors(tensors, { model: "icons" });
    for (let length = 0; length < bytes.length; length++) {
      expect(() => decodeSafetensors(bytes.subarray(0, length))).toThrow();
    }
  });

  test("names the file", async () => {
    const path = join(directory, "none.safetensors");
    await expect(readSafetensors(path)).rejects.toThrow(`cannot read ${path}`);
  });
});
