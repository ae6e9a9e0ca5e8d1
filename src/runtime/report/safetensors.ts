/**
 * Safetensors files: trained weights on disk, readable by any other tool that knows the format.
 *
 * Format (huggingface/safetensors, README "Format"): u64 little-endian length of the header; the header, JSON, from
 * tensor name to `{dtype, shape, data_offsets}` with offsets into what follows, and `__metadata__` of strings; the
 * data, little-endian, row-major, without holes. This implementation knows F32 and I32. Reading trusts nothing: every
 * number of the header is held against the file's size before it is used. Touches the disk.
 */
import { readFile } from "node:fs/promises";
import { writeFileAtomic } from "./atomic_write.ts";

export interface StoredTensor {
  readonly shape: readonly number[];
  /** Row-major; Float32Array is stored as F32, Int32Array as I32. */
  readonly data: Float32Array | Int32Array;
}

export interface SafetensorsFile {
  /** By name, in the order of the data. */
  readonly tensors: Map<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

const LENGTH_BYTES = 8;
/** As the reference implementation: a longer header is not a header. */
const MAX_HEADER_BYTES = 100_000_000;
const METADATA = "__metadata__";

/** The file's bytes: the same tensors, in whatever order, always give the same bytes. */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const entries: [string, unknown][] = [];
  const metadataKeys = Object.keys(metadata).sort();
  if (metadataKeys.length > 0) {
    entries.push([METADATA, Object.fromEntries(metadataKeys.map((key) => [key, metadata[key]]))]);
  }
  const names = [...tensors.keys()].sort();
  let offset = 0;
  for (const name of names) {
    const { shape, data } = tensors.get(name)!;
    if (name === METADATA) throw new Error(`a tensor cannot be named ${METADATA}`);
    if (elements(shape) !== data.length) {
      throw new Error(`tensor ${name}: ${data.length} values do not fill the shape [${shape.join(", ")}]`);
    }
    const end = offset + data.byteLength;
    const dtype = data instanceof Float32Array ? "F32" : "I32";
    entries.push([name, { dtype, shape, data_offsets: [offset, end] }]);
    offset = end;
  }
  // Built by hand: an object would move names that look like numbers to the front.
  const json = `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
  const header = Buffer.from(json);
  // The data starts at a multiple of 8 bytes; the format pads its header with spaces.
  const headerLength = Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + headerLength + offset);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerLength), true);
  bytes.set(header, LENGTH_BYTES);
  bytes.fill(0x20, LENGTH_BYTES + header.length, LENGTH_BYTES + headerLength);
  let position = LENGTH_BYTES + headerLength;
  for (const name of names) {
    const { data } = tensors.get(name)!;
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), position);
    position += data.byteLength;
  }
  return bytes;
}

/**
 * Reads a file's bytes.
 *
 * @throws if anything about them is not as the format says, or a tensor is neither F32 nor I32.
 */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsFile {
  const header = readHeader(bytes);
  const dataStart = LENGTH_BYTES + header.length;
  const dataLength = bytes.length - dataStart;
  const metadata = readMetadata(header.entries.get(METADATA));
  const located = [...header.entries]
    .filter(([name]) => name !== METADATA)
    .map(([name, entry]) => readEntry(name, entry, dataLength))
    .sort((a, b) => a.begin - b.begin || a.end - b.end);

  const tensors = new Map<string, StoredTensor>();
  let covered = 0;
  for (const { name, dtype, shape, begin, end } of located) {
    if (begin !== covered) invalid(`tensor ${name} starts at byte ${begin}, where ${covered} was due`);
    covered = end;
    // Copied: the view's offset in the file need not be a multiple of 4, and the file's bytes can be let go.
    const copy = new Uint8Array(bytes.subarray(dataStart + begin, dataStart + end)).buffer;
    tensors.set(name, { shape, data: dtype === "F32" ? new Float32Array(copy) : new Int32Array(copy) });
  }
  if (covered !== dataLength) invalid(`${dataLength - covered} bytes of data belong to no tensor`);
  return { tensors, metadata };
}

/** Writes tensors to a file, atomically. */
export async function writeSafetensors(
  path: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  await writeFileAtomic(path, encodeSafetensors(tensors, metadata));
}

/** Reads a file; errors name its path. */
export async function readSafetensors(path: string): Promise<SafetensorsFile> {
  try {
    return decodeSafetensors(await readFile(path));
  } catch (error) {
    throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
}

function invalid(reason: string): never {
  throw new Error(`not a valid safetensors file: ${reason}`);
}

function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function readHeader(bytes: Uint8Array): { length: number; entries: Map<string, unknown> } {
  if (bytes.length < LENGTH_BYTES) invalid(`${bytes.length} bytes are too few`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const stated = view.getBigUint64(0, true);
  if (stated > BigInt(MAX_HEADER_BYTES) || stated > BigInt(bytes.length - LENGTH_BYTES)) {
    invalid(`a header of ${stated} bytes in a file of ${bytes.length}`);
  }
  const length = Number(stated);
  let parsed: unknown;
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(
      bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + length),
    );
    parsed = JSON.parse(text);
  } catch {
    invalid("the header is not JSON");
  }
  if (!isRecord(parsed)) invalid("the header is not an object");
  return { length, entries: new Map(Object.entries(parsed)) };
}

function readMetadata(value: unknown): Record<string, string> {
  if (value === undefined) return {};
  if (!isRecord(value) || !Object.values(value).every((text) => typeof text === "string")) {
    invalid(`${METADATA} holds something other than texts`);
  }
  return value as Record<string, string>;
}

interface LocatedTensor {
  readonly name: string;
  readonly dtype: "F32" | "I32";
  readonly shape: number[];
  readonly begin: number;
  readonly end: number;
}

function readEntry(name: string, entry: unknown, dataLength: number): LocatedTensor {
  if (!isRecord(entry)) invalid(`tensor ${name} is not described by an object`);
  const { dtype, shape, data_offsets: offsets } = entry;
  if (dtype !== "F32" && dtype !== "I32") {
    throw new Error(`tensor ${name} is of type ${String(dtype)}; only F32 and I32 are read`);
  }
  if (!isSizes(shape)) invalid(`tensor ${name} has no valid shape`);
  if (!isSizes(offsets) || offsets.length !== 2) invalid(`tensor ${name} has no valid data_offsets`);
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataLength) {
    invalid(`tensor ${name} lies at bytes ${begin} to ${end} of ${dataLength}`);
  }
  if (elements(shape) * 4 !== end - begin) {
    invalid(`tensor ${name} has ${end - begin} bytes for the shape [${shape.join(", ")}]`);
  }
  return { name, dtype, shape, begin, end };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((size) => Number.isSafeInteger(size) && size >= 0);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
