/**
 * Reads a zip archive (a wheel) from a file and unpacks single files of it as a stream: archives of hundreds of
 * megabytes pass through a small buffer. Called by the installation; reads the archive, writes what it is told to.
 *
 * Knows what wheels hold: deflated or stored entries, zip64 where sizes need it. Checksums of entries are not checked,
 * the archive's own has been.
 */
import { createReadStream, createWriteStream } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { chmod, mkdir, open, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { pipeline } from "node:stream/promises";
import { createInflateRaw } from "node:zlib";

export interface ZipEntry {
  readonly name: string;
  readonly method: "stored" | "deflated";
  readonly compressedSize: number;
  readonly size: number;
  /** The file may be run. */
  readonly executable: boolean;
  /** Where its local header begins. */
  readonly offset: number;
}

/** An archive that is not one, or has what wheels do not have. */
export class ZipError extends Error {
  override readonly name = "ZipError";
}

const END = 0x06054b50;
const END64 = 0x06064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const END_SIZE = 22;
const LOCATOR_SIZE = 20;
const CENTRAL_SIZE = 46;
const LOCAL_SIZE = 30;
/** Stands for "see the zip64 record". */
const FULL = 0xffffffff;

/** The entries of an archive, in its own order. Throws `ZipError` if the file is not a zip archive. */
export async function zipEntries(path: string): Promise<ZipEntry[]> {
  const file = await open(path);
  try {
    const { offset, size, count } = await centralDirectory(file);
    const directory = await read(file, offset, size);
    const entries: ZipEntry[] = [];
    for (let at = 0; entries.length < count;) {
      if (at + CENTRAL_SIZE > size || directory.readUInt32LE(at) !== CENTRAL) {
        throw new ZipError("its table of contents is broken");
      }
      const lengths = [28, 30, 32].map((field) => directory.readUInt16LE(at + field)) as [
        number,
        number,
        number,
      ];
      const end = at + CENTRAL_SIZE + lengths[0] + lengths[1] + lengths[2];
      entries.push(entryAt(directory, at, lengths[0], lengths[1]));
      at = end;
    }
    return entries;
  } finally {
    await file.close();
  }
}

/** Where the table of contents lies: the record at the end of the file, or its zip64 twin. */
async function centralDirectory(file: FileHandle): Promise<{ offset: number; size: number; count: number }> {
  const { size: length } = await file.stat();
  const tail = await read(file, Math.max(0, length - END_SIZE - 0xffff), Math.min(length, END_SIZE + 0xffff));
  let end = tail.length - END_SIZE;
  while (end >= 0 && tail.readUInt32LE(end) !== END) end--;
  if (end < 0) throw new ZipError("it is not a zip archive");
  const count = tail.readUInt16LE(end + 10);
  const size = tail.readUInt32LE(end + 12);
  const offset = tail.readUInt32LE(end + 16);
  if (offset !== FULL && size !== FULL && count !== 0xffff) return { offset, size, count };
  const at = Number(tail.readBigUInt64LE(end - LOCATOR_SIZE + 8));
  const record = await read(file, at, 56);
  if (record.readUInt32LE(0) !== END64) throw new ZipError("its zip64 record is broken");
  const number = (field: number): number => Number(record.readBigUInt64LE(field));
  return { count: number(32), size: number(40), offset: number(48) };
}

function entryAt(directory: Buffer, at: number, nameLength: number, extraLength: number): ZipEntry {
  const name = directory.toString("utf8", at + CENTRAL_SIZE, at + CENTRAL_SIZE + nameLength);
  const method = directory.readUInt16LE(at + 10);
  if (method !== 0 && method !== 8) throw new ZipError(`${name} is compressed in a way that is not known`);
  const long = zip64Numbers(directory.subarray(at + CENTRAL_SIZE + nameLength).subarray(0, extraLength));
  const number = (field: number): number => {
    const short = directory.readUInt32LE(at + field);
    return short === FULL ? Number(long.next().value ?? short) : short;
  };
  // The zip64 numbers stand in this order, each only if its field is full.
  const size = number(24);
  const compressedSize = number(20);
  const offset = number(42);
  const executable = ((directory.readUInt32LE(at + 38) >>> 16) & 0o100) !== 0;
  return { name, method: method === 0 ? "stored" : "deflated", compressedSize, size, executable, offset };
}

function* zip64Numbers(extra: Buffer): Generator<bigint, undefined> {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) !== 1) continue;
    const end = at + 4 + extra.readUInt16LE(at + 2);
    for (let field = at + 4; field + 8 <= end; field += 8) yield extra.readBigUInt64LE(field);
  }
  return undefined;
}

/**
 * Unpacks one entry to a file, whose folder is made if need be. `onBytes` is told of each part written. Throws
 * `ZipError` for a broken entry, the system's error for a disk that is full.
 */
export async function unpackEntry(
  path: string,
  entry: ZipEntry,
  target: string,
  onBytes: (count: number) => void,
  signal: AbortSignal,
): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  const start = await contentStart(path, entry);
  let written = 0;
  const count = async function* (parts: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const part of parts) {
      written += part.length;
      onBytes(part.length);
      yield part;
    }
  };
  if (entry.compressedSize === 0) {
    await writeFile(target, "");
  } else {
    const output = createWriteStream(target);
    const input = createReadStream(path, { start, end: start + entry.compressedSize - 1 });
    if (entry.method === "stored") await pipeline(input, count, output, { signal });
    else await pipeline(input, createInflateRaw(), count, output, { signal });
  }
  if (written !== entry.size) throw new ZipError(`${entry.name} is broken`);
  if (entry.executable) await chmod(target, 0o755);
}

async function contentStart(path: string, entry: ZipEntry): Promise<number> {
  const file = await open(path);
  try {
    const header = await read(file, entry.offset, LOCAL_SIZE);
    if (header.readUInt32LE(0) !== LOCAL) throw new ZipError(`${entry.name} is broken`);
    return entry.offset + LOCAL_SIZE + header.readUInt16LE(26) + header.readUInt16LE(28);
  } finally {
    await file.close();
  }
}

async function read(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead !== length) throw new ZipError("it ends too early");
  return buffer;
}
