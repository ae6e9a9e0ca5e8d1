/**
 * Writing protocol buffers: the wire format, of which a message needs fields with numbers, lengths and nothing else.
 * Used by `graph_def.ts`. Pure.
 *
 * (tfjs-node ships generated classes for some of TensorFlow's messages; they are untyped, lie in the installed backend,
 * and lack several fields, so graphs are written without them.)
 */

const text = new TextEncoder();

/** One message under construction. */
export class Message {
  readonly #chunks: Uint8Array[] = [];

  /** A whole number, as int32, int64, bool or enum; negative ones take ten bytes. */
  int(field: number, value: number): this {
    return this.#tag(field, 0).#varint(BigInt.asUintN(64, BigInt(value)));
  }

  bool(field: number, value: boolean): this {
    return this.int(field, value ? 1 : 0);
  }

  float(field: number, value: number): this {
    this.#tag(field, 5).#chunks.push(new Uint8Array(Float32Array.of(value).buffer));
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#tag(field, 2).#varint(BigInt(value.length)).#chunks.push(value);
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, text.encode(value));
  }

  message(field: number, value: Message): this {
    return this.bytes(field, value.finish());
  }

  /** The message's bytes. */
  finish(): Uint8Array {
    const length = this.#chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const all = new Uint8Array(length);
    let offset = 0;
    for (const chunk of this.#chunks) {
      all.set(chunk, offset);
      offset += chunk.length;
    }
    return all;
  }

  #tag(field: number, type: 0 | 2 | 5): this {
    return this.#varint(BigInt(field * 8 + type));
  }

  #varint(value: bigint): this {
    const bytes: number[] = [];
    let rest = value;
    do {
      const low = Number(rest & 0x7fn);
      rest >>= 7n;
      bytes.push(rest === 0n ? low : low | 0x80);
    } while (rest !== 0n);
    this.#chunks.push(Uint8Array.from(bytes));
    return this;
  }
}
