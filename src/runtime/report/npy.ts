/**
 * NumPy's .npy files: embeddings and labels for `dmlc try`. Pure: bytes in, arrays out.
 *
 * Format: numpy.lib.format, versions 1.0 to 3.0: magic, version, header length (u16, then u32), a Python dictionary of
 * `descr`, `fortran_order` and `shape`, the data. Read here: float32, float64, int32, int64 in C order, either byte
 * order. Written: the same four, little-endian.
 */

export interface NpyArray {
  readonly shape: readonly number[];
  /** Row-major, whatever the file's type. */
  readonly data: Float64Array;
}

export type NpyType = "float32" | "float64" | "int32" | "int64";

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const CODES: Readonly<Record<string, NpyType>> = { f4: "float32", f8: "float64", i4: "int32", i8: "int64" };

/**
 * Reads an array.
 *
 * @throws if the bytes are not an .npy file of these types in C order, the data is not as long as the shape says, or
 *   an int64 is beyond 2^53 and would lose digits.
 */
export function readNpy(bytes: Uint8Array): NpyArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { type, littleEndian, shape, dataStart } = readHeader(bytes, view);
  const count = shape.reduce((product, size) => product * size, 1);
  const width = byteWidth(type);
  const stored = bytes.length - dataStart;
  if (stored !== count * width) {
    throw new Error(
      `an .npy array of shape (${shape.join(", ")}) and type ${type} has ${count * width} bytes, the file holds ${stored}`,
    );
  }
  const data = new Float64Array(count);
  for (let i = 0, p = dataStart; i < count; i++, p += width) {
    if (type === "float32") data[i] = view.getFloat32(p, littleEndian);
    else if (type === "float64") data[i] = view.getFloat64(p, littleEndian);
    else if (type === "int32") data[i] = view.getInt32(p, littleEndian);
    else data[i] = exactNumber(view.getBigInt64(p, littleEndian), i);
  }
  return { shape, data };
}

/** An .npy file, version 1.0, of these row-major values. */
export function writeNpy(
  shape: readonly number[],
  data: ArrayLike<number>,
  type: NpyType = "float64",
): Uint8Array {
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== data.length) {
    throw new Error(`${data.length} values do not fill the shape (${shape.join(", ")})`);
  }
  const code = Object.keys(CODES).find((key) => CODES[key] === type)!;
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(", ");
  const dictionary = `{'descr': '<${code}', 'fortran_order': False, 'shape': (${tuple}), }`;
  // NumPy ends the header with a newline, at a multiple of 64 bytes.
  const prefix = MAGIC.length + 4;
  const dataStart = Math.ceil((prefix + dictionary.length + 1) / 64) * 64;
  const header = dictionary.padEnd(dataStart - prefix - 1) + "\n";

  const width = byteWidth(type);
  const bytes = new Uint8Array(dataStart + count * width);
  const view = new DataView(bytes.buffer);
  bytes.set([...MAGIC, 1, 0]);
  view.setUint16(MAGIC.length + 2, header.length, true);
  bytes.set(new TextEncoder().encode(header), prefix);
  for (let i = 0, p = dataStart; i < count; i++, p += width) {
    const value = data[i]!;
    if (type === "float32") view.setFloat32(p, value, true);
    else if (type === "float64") view.setFloat64(p, value, true);
    else if (type === "int32") view.setInt32(p, value, true);
    else view.setBigInt64(p, BigInt(value), true);
  }
  return bytes;
}

interface Header {
  readonly type: NpyType;
  readonly littleEndian: boolean;
  readonly shape: number[];
  readonly dataStart: number;
}

function readHeader(bytes: Uint8Array, view: DataView): Header {
  if (bytes.length < MAGIC.length + 4 || MAGIC.some((byte, i) => bytes[i] !== byte)) {
    throw new Error("not an .npy file: it does not begin with \\x93NUMPY");
  }
  const version = bytes[MAGIC.length]!;
  if (version < 1 || version > 3) throw new Error(`.npy format version ${version} is not known (1 to 3 are)`);
  const lengthBytes = version === 1 ? 2 : 4;
  const headerStart = MAGIC.length + 2 + lengthBytes;
  if (bytes.length < headerStart) throw new Error("the .npy file ends within its header");
  const headerLength =
    version === 1 ? view.getUint16(MAGIC.length + 2, true) : view.getUint32(MAGIC.length + 2, true);
  const dataStart = headerStart + headerLength;
  if (bytes.length < dataStart) throw new Error("the .npy file ends within its header");
  const text = new TextDecoder().decode(bytes.subarray(headerStart, dataStart));

  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const sizes = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(text)?.[1];
  const descr = /'descr'\s*:\s*'([^']*)'/.exec(text)?.[1];
  if (order === undefined || sizes === undefined || (descr === undefined && !/'descr'/.test(text))) {
    throw new Error("the .npy header does not give descr, fortran_order and shape");
  }
  const [, endian, code] = /^([<>])(\w\d)$/.exec(descr ?? "") ?? [];
  const type = CODES[code ?? ""];
  if (type === undefined) {
    throw new Error(
      `an .npy array of type ${descr ?? "record"}; float32, float64, int32 and int64 are read (save with .astype("float32"))`,
    );
  }
  const shape = sizes
    .split(",")
    .map((size) => size.trim())
    .filter((size) => size !== "")
    .map(Number);
  if (order === "True" && shape.length > 1) {
    throw new Error("the .npy array is in Fortran order; save it with numpy.ascontiguousarray(…)");
  }
  if (!shape.every(Number.isSafeInteger)) throw new Error(`the .npy shape (${sizes}) is not valid`);
  return { type, littleEndian: endian === "<", shape, dataStart };
}

function byteWidth(type: NpyType): number {
  return type === "float32" || type === "int32" ? 4 : 8;
}

function exactNumber(value: bigint, index: number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) {
    throw new Error(`the .npy array holds the int64 ${value} at position ${index}, which is beyond 2^53`);
  }
  return number;
}
