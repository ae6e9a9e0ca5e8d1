/**
 * A small WebAssembly assembler: just enough of the binary format (WebAssembly Core Specification 2.0, chapter 5) for
 * the SIMD loops of the training kernels. An expression or a statement is the list of its bytes, so kernels are written
 * as nested calls. Used by the loops in `simd/` and nothing else; touches nothing outside itself.
 */

/** Bytes of an expression (leaves one value) or of a statement (leaves none). */
export type Code = readonly number[];
export type ValueType = "i32" | "f32" | "v128";

/** A parameter or a local variable of the function being written. */
export interface Local {
  readonly index: number;
  readonly type: ValueType;
}

/** One exported function; parameters are byte addresses, counts (i32) or numbers (f32). */
export interface FunctionSource {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  readonly locals: readonly ValueType[];
  readonly body: Code;
}

/** "\\0asm" and version 1. */
const preamble: Code = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const valueTypes: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, v128: 0x7b };

/**
 * Writes one function without a result.
 *
 * @param write receives the parameters and a way to declare locals (which start at zero); returns the statements.
 */
export function defineFunction(
  name: string,
  parameters: readonly ValueType[],
  write: (parameters: readonly Local[], local: (type: ValueType) => Local) => Code,
): FunctionSource {
  const locals: ValueType[] = [];
  const local = (type: ValueType): Local => {
    locals.push(type);
    return { index: parameters.length + locals.length - 1, type };
  };
  const body = write(
    parameters.map((type, index) => ({ index, type })),
    local,
  );
  return { name, parameters, locals, body };
}

/** The binary of a module that imports `env.memory` and exports the functions by name. */
export function assemble(functions: readonly FunctionSource[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [
    0x60,
    ...vector(parameters.map((t) => [valueTypes[t]])),
    0,
  ]);
  const memoryImport = [...text("env"), ...text("memory"), 0x02, 0x00, 0x00];
  const exports = functions.map(({ name }, index) => [...text(name), 0x00, ...unsigned(index)]);
  const bodies = functions.map(({ locals, body }) => {
    const code = [...vector(locals.map((type) => [1, valueTypes[type]])), ...body, 0x0b];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...preamble,
    ...section(1, types),
    ...section(2, [memoryImport]),
    ...section(
      3,
      functions.map((_, index) => unsigned(index)),
    ),
    ...section(7, exports),
    ...section(10, bodies),
  ]);
}

/** Statements in order. */
export const sequence = (...statements: readonly Code[]): Code => statements.flat();

export const get = (local: Local): Code => [0x20, ...unsigned(local.index)];
export const set = (local: Local, value: Code): Code => [...value, 0x21, ...unsigned(local.index)];
/** `local += value`, for addresses and counts. */
export const advance = (local: Local, value: Code): Code => set(local, i32.add(get(local), value));

/** Runs the body `count` times, counting the local down to zero; not at all when it is zero. */
export function countdown(count: Local, body: Code): Code {
  const decrement = [...get(count), ...i32.constant(1), 0x6b, 0x22, ...unsigned(count.index)];
  return [...get(count), 0x04, 0x40, 0x03, 0x40, ...body, ...decrement, 0x0d, 0x00, 0x0b, 0x0b];
}

/** Repeats the body while the (unsigned) local is at least `least`; the body must lower it. */
export function whileAtLeast(local: Local, least: number, body: Code): Code {
  const again = [...get(local), ...i32.constant(least), 0x4f];
  return [...again, 0x04, 0x40, 0x03, 0x40, ...body, ...again, 0x0d, 0x00, 0x0b, 0x0b];
}

/** `memory.copy`: regions may not reach outside the memory. */
export const copyBytes = (to: Code, from: Code, bytes: Code): Code => [
  ...to,
  ...from,
  ...bytes,
  0xfc,
  0x0a,
  0x00,
  0x00,
];

const access = (alignment: number, offset: number): Code => [alignment, ...unsigned(offset)];
const binary =
  (...opcode: readonly number[]) =>
  (a: Code, b: Code): Code => [...a, ...b, ...opcode];
export const i32 = {
  constant: (value: number): Code => [0x41, ...signed(value)],
  add: binary(0x6a),
  mul: binary(0x6c),
  and: binary(0x71),
  or: binary(0x72),
  /** 1 or 0. */
  compare: {
    Equal: binary(0x46),
    NotEqual: binary(0x47),
    Less: binary(0x48),
    Greater: binary(0x4a),
    LessEqual: binary(0x4c),
    GreaterEqual: binary(0x4e),
  },
  load: (address: Code, offset = 0): Code => [...address, 0x28, ...access(2, offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0x36, ...access(2, offset)],
  loadByte: (address: Code): Code => [...address, 0x2d, ...access(0, 0)],
  storeByte: (address: Code, value: Code): Code => [...address, ...value, 0x3a, ...access(0, 0)],
};

export const f32 = {
  add: binary(0x92),
  sub: binary(0x93),
  mul: binary(0x94),
  /** 1 or 0, as an i32. */
  compare: {
    Equal: binary(0x5b),
    NotEqual: binary(0x5c),
    Less: binary(0x5d),
    Greater: binary(0x5e),
    LessEqual: binary(0x5f),
    GreaterEqual: binary(0x60),
  },
  load: (address: Code, offset = 0): Code => [...address, 0x2a, ...access(2, offset)],
  store: (address: Code, value: Code, offset = 0): Code => [...address, ...value, 0x38, ...access(2, offset)],
};

/** Four floats at once. */
export const f32x4 = {
  constant: (value: number): Code => {
    const lane = [...new Uint8Array(Float32Array.of(value).buffer)];
    return [0xfd, 0x0c, ...lane, ...lane, ...lane, ...lane];
  },
  add: binary(0xfd, 0xe4, 0x01),
  sub: binary(0xfd, 0xe5, 0x01),
  mul: binary(0xfd, 0xe6, 0x01),
  /** All bits of a lane set where equal, none elsewhere. */
  eq: binary(0xfd, 0x41),
  gt: binary(0xfd, 0x44),
  /** The larger or smaller; NaN if either is. Free of branches, which the scalar instructions are not. */
  max: binary(0xfd, 0xe9, 0x01),
  min: binary(0xfd, 0xe8, 0x01),
  and: binary(0xfd, 0x4e),
  /** `a & ~b`. */
  andNot: binary(0xfd, 0x4f),
  load: (address: Code, offset = 0): Code => [...address, 0xfd, 0x00, ...access(2, offset)],
  /** One float in the first lane, zeros in the others. */
  loadFirst: (address: Code): Code => [...address, 0xfd, 0x5c, ...access(2, 0)],
  storeFirst: (address: Code, value: Code): Code => [...address, ...value, 0xfd, 0x5a, ...access(2, 0), 0],
  /** One float repeated in the four lanes. */
  loadSplat: (address: Code, offset = 0): Code => [...address, 0xfd, 0x09, ...access(2, offset)],
  store: (address: Code, value: Code, offset = 0): Code => [
    ...address,
    ...value,
    0xfd,
    0x0b,
    ...access(2, offset),
  ],
};

function unsigned(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signed(value: number): Code {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

const vector = (items: readonly Code[]): Code => [...unsigned(items.length), ...items.flat()];

function section(id: number, items: readonly Code[]): Code {
  const content = vector(items);
  return [id, ...unsigned(content.length), ...content];
}

function text(value: string): Code {
  const bytes = [...new TextEncoder().encode(value)];
  return [...unsigned(bytes.length), ...bytes];
}
