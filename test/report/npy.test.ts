/** NumPy's .npy: files as NumPy writes them, round trips, and what is refused. */
import { describe, expect, test } from "vitest";
import { readNpy, writeNpy } from "../../src/runtime/report/npy.ts";

/** A version 1 or 2 file with this dictionary and data, without NumPy's padding. */
function file(dictionary: string, data: number[], version = 1): Uint8Array {
  const length = dictionary.length + 1;
  const lengthBytes = version === 1 ? [length & 255, length >> 8] : [length & 255, length >> 8, 0, 0];
  return Uint8Array.from([
    0x93,
    ...Buffer.from("NUMPY"),
    version,
    0,
    ...lengthBytes,
    ...Buffer.from(`${dictionary}\n`),
    ...data,
  ]);
}

const dictionary = (descr: string, shape: string, order = "False"): string =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }`;

describe("as NumPy 2 writes them", () => {
  test("float32 [2, 2], byte for byte", () => {
    const expected = Buffer.concat([
      Buffer.from([0x93, ...Buffer.from("NUMPY"), 1, 0, 0x76, 0]),
      Buffer.from(`${dictionary("<f4", "(2, 2)").padEnd(117)}\n`),
      Buffer.from([0, 0, 0xc0, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0x80, 0x3e, 0x6f, 0x12, 0x83, 0x3a]),
    ]);
    expect(expected.length).toBe(144);
    expect(Buffer.from(writeNpy([2, 2], [1.5, -2, 0.25, 1e-3], "float32"))).toEqual(expected);
    expect(readNpy(expected)).toEqual({
      shape: [2, 2],
      data: Float64Array.from([1.5, -2, 0.25, Math.fround(1e-3)]),
    });
  });

  test("int64 [3], big-endian int32, version 2, a scalar, Fortran order of one dimension", () => {
    const int64 = [3, 0, 0, 0, 0, 0, 0, 0, ...Array.from({ length: 8 }, () => 255), 2, 0, 0, 0, 0, 0, 0, 0];
    expect(readNpy(file(dictionary("<i8", "(3,)"), int64))).toEqual({
      shape: [3],
      data: Float64Array.from([3, -1, 2]),
    });
    expect(readNpy(file(dictionary(">i4", "(1,)"), [0, 0, 1, 2])).data[0]).toBe(258);
    expect(readNpy(file(dictionary("<i4", "(1,)"), [2, 1, 0, 0], 2)).data[0]).toBe(258);
    expect(readNpy(file(dictionary("<i4", "()"), [2, 1, 0, 0]))).toEqual({
      shape: [],
      data: Float64Array.from([258]),
    });
    expect(readNpy(file(dictionary("<i4", "(1,)", "True"), [2, 1, 0, 0])).data[0]).toBe(258);
  });
});

test("every type comes back as it was written", () => {
  for (const type of ["float32", "float64", "int32", "int64"] as const) {
    const values = type.startsWith("int") ? [0, -5, 2 ** 31 - 1] : [0, -0.5, 1e30];
    const expected = Float64Array.from(values, type === "float32" ? Math.fround : undefined);
    const padded = new Uint8Array([1, ...writeNpy([3, 1], values, type)]);
    expect(readNpy(padded.subarray(1))).toEqual({ shape: [3, 1], data: expected });
  }
  expect(readNpy(writeNpy([0, 4], []))).toEqual({ shape: [0, 4], data: new Float64Array(0) });
  expect(readNpy(writeNpy([1], [2 ** 53 - 1], "int64")).data[0]).toBe(2 ** 53 - 1);
  expect(() => writeNpy([2], [1])).toThrow("1 values do not fill");
});

describe("refused", () => {
  test.each([
    ["something else", Uint8Array.from(Buffer.from("PK\x03\x04 an archive")), "does not begin with"],
    ["nothing", new Uint8Array(0), "does not begin with"],
    ["version 4", file(dictionary("<f4", "(1,)"), [0, 0, 0, 0], 4), "version 4 is not known"],
    ["a short header", file(dictionary("<f4", "(1,)"), []).subarray(0, 20), "ends within its header"],
    ["no shape", file("{'descr': '<f4', 'fortran_order': False}", []), "does not give"],
    ["float16", file(dictionary("<f2", "(1,)"), [0, 0]), "type <f2"],
    ["objects", file(dictionary("|O", "(1,)"), [0, 0]), "type |O"],
    [
      "records",
      file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", [0, 0, 0, 0]),
      "type record",
    ],
    ["Fortran order", file(dictionary("<f4", "(1, 1)", "True"), [0, 0, 0, 0]), "Fortran order"],
    ["too few bytes", file(dictionary("<f4", "(2,)"), [0, 0, 0, 0]), "has 8 bytes, the file holds 4"],
    ["too many bytes", file(dictionary("<f4", "(1,)"), [0, 0, 0, 0, 0]), "has 4 bytes, the file holds 5"],
    ["an enormous shape", file(dictionary("<f4", "(9007199254740991, 1000)"), []), "the file holds 0"],
    ["a size beyond integers", file(dictionary("<f4", "(90071992547409930,)"), []), "is not valid"],
    [
      "an int64 beyond 2^53",
      file(dictionary("<i8", "(1,)"), [1, 0, 0, 0, 0, 0, 32, 0]),
      "9007199254740993 at position 0",
    ],
  ])("%s", (_, bytes, message) => {
    expect(() => readNpy(bytes)).toThrow(message);
  });
});
