/**
 * Instructions on four elements at once, beyond those the hand-written loops need: floats, 32-bit integers, and masks
 * (all bits of a lane set or none), which is what booleans are while they are computed with. Used by the generated
 * loops of this folder. Opcodes are those of the WebAssembly Core Specification 2.0, section 5.4.
 */
import { type Code, type Local, f32x4, get, i32 } from "../assembler.ts";

const unary =
  (...opcode: readonly number[]) =>
  (a: Code): Code => [...a, 0xfd, ...opcode];
const binary =
  (...opcode: readonly number[]) =>
  (a: Code, b: Code): Code => [...a, ...b, 0xfd, ...opcode];

export const floats = {
  abs: unary(0xe0, 0x01),
  neg: unary(0xe1, 0x01),
  sqrt: unary(0xe3, 0x01),
  div: binary(0xe7, 0x01),
  add: f32x4.add,
  sub: f32x4.sub,
  mul: f32x4.mul,
  /** NaN if either is. */
  min: f32x4.min,
  max: f32x4.max,
  /** `b < a ? b : a` and `a < b ? b : a`: one instruction, where those above take several. NaN in `a` stays. */
  lesser: binary(0xea, 0x01),
  greater: binary(0xeb, 0x01),
  ceil: unary(0x67),
  floor: unary(0x68),
  /** To the nearest integer, halves to even. */
  nearest: unary(0x6a),
  eq: binary(0x41),
  ne: binary(0x42),
  lt: binary(0x43),
  gt: binary(0x44),
  le: binary(0x45),
  ge: binary(0x46),
  constant: f32x4.constant,
  /** Towards zero; NaN to 0, what is too large to the largest. */
  toIntegers: unary(0xf8, 0x01),
};

export const integers = {
  neg: unary(0xa1, 0x01),
  abs: unary(0xa0, 0x01),
  add: binary(0xae, 0x01),
  sub: binary(0xb1, 0x01),
  mul: binary(0xb5, 0x01),
  min: binary(0xb6, 0x01),
  max: binary(0xb8, 0x01),
  eq: binary(0x37),
  ne: binary(0x38),
  lt: binary(0x39),
  gt: binary(0x3b),
  le: binary(0x3d),
  ge: binary(0x3f),
  shiftLeft: (a: Code, bits: number): Code => [...a, ...i32.constant(bits), 0xfd, 0xab, 0x01],
  /** Keeps the sign. */
  shiftRight: (a: Code, bits: number): Code => [...a, ...i32.constant(bits), 0xfd, 0xac, 0x01],
  constant: (value: number): Code => {
    const lane = [...new Uint8Array(Int32Array.of(value).buffer)];
    return [0xfd, 0x0c, ...lane, ...lane, ...lane, ...lane];
  },
  splat: unary(0x11),
  toFloats: unary(0xfa, 0x01),
};

export const bits = {
  not: unary(0x4d),
  and: binary(0x4e),
  /** `a & ~b`. */
  andNot: binary(0x4f),
  or: binary(0x50),
  xor: binary(0x51),
  /** Bits of `a` where the mask is set, of `b` elsewhere. */
  select: (mask: Code, a: Code, b: Code): Code => [...a, ...b, ...mask, 0xfd, 0x52],
  /** 1 if any bit is set, as an i32. */
  any: unary(0x53),
};

const noOffset = (alignment: number): Code => [alignment, 0];

/** How elements of a type in memory become lanes and go back. Addresses are of the first element. */
export interface Lanes {
  readonly bytes: 1 | 4;
  /** Four elements. */
  readonly load: (address: Code) => Code;
  readonly store: (address: Code, value: Code) => Code;
  /** One element, in the first lane. */
  readonly loadFirst: (address: Code) => Code;
  readonly storeFirst: (address: Code, value: Code) => Code;
  /** One element, in all lanes. */
  readonly loadAll: (address: Code) => Code;
  readonly constant: (value: number) => Code;
}

const words = {
  bytes: 4,
  load: (address: Code) => f32x4.load(address),
  store: (address: Code, value: Code) => f32x4.store(address, value),
  loadFirst: f32x4.loadFirst,
  storeFirst: f32x4.storeFirst,
  loadAll: (address: Code) => f32x4.loadSplat(address),
} as const;

/** Bytes 0 and 1 as masks: widened twice, compared with 0. */
const widened = (vector: Code): Code => [
  ...vector,
  0xfd,
  0x89,
  0x01,
  0xfd,
  0xa9,
  0x01,
  ...integers.constant(0),
  0xfd,
  0x38,
];
/** Masks as bytes 0 and 1 in the first four bytes. */
const narrowed = (vector: Code): Code => {
  const ones = bits.and(vector, integers.constant(1));
  const halves: Code = [...ones, ...integers.constant(0), 0xfd, 0x86, 0x01];
  return [...halves, ...integers.constant(0), 0xfd, 0x66];
};

export const lanes: Readonly<Record<"float32" | "int32" | "bool", Lanes>> = {
  float32: { ...words, constant: floats.constant },
  int32: { ...words, constant: integers.constant },
  bool: {
    bytes: 1,
    load: (address) => widened([...address, 0xfd, 0x5c, ...noOffset(0)]),
    store: (address, value) => [...address, ...narrowed(value), 0xfd, 0x5a, ...noOffset(0), 0],
    loadFirst: (address) => integers.ne(integers.splat(i32.loadByte(address)), integers.constant(0)),
    storeFirst: (address, value) => [...address, ...narrowed(value), 0xfd, 0x58, ...noOffset(0), 0],
    loadAll: (address) => integers.ne(integers.splat(i32.loadByte(address)), integers.constant(0)),
    constant: (value) => integers.constant(value === 0 ? 0 : -1),
  },
};

/** A value computed once and used several times: the statement that computes it, and how it is read. */
export type Hold = (value: Code) => Code;

/** Holds values in locals as they are computed; statements are appended in order. */
export class Holder {
  readonly statements: number[] = [];
  readonly #local: (type: "v128") => Local;

  constructor(local: (type: "v128") => Local) {
    this.#local = local;
  }

  readonly hold: Hold = (value) => {
    const local = this.#local("v128");
    this.do([...value, 0x21, ...get(local).slice(1)]);
    return get(local);
  };

  do(statement: Code): void {
    for (const byte of statement) this.statements.push(byte);
  }
}
