/**
 * Strided copy of lines: puts an image inside its zero border. Called by the filter gradient.
 */
import { type Local, advance, copyBytes, countdown, defineFunction, get, sequence } from "../assembler.ts";

/** copyLines(to, toStep, from, fromStep, bytes, count): `count` lines of `bytes` bytes; steps in bytes. */
export const copyLines = defineFunction(
  "copyLines",
  ["i32", "i32", "i32", "i32", "i32", "i32"],
  (parameters) => {
    const [to, toStep, from, fromStep, bytes, count] = parameters as unknown as readonly [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    return countdown(
      count,
      sequence(
        copyBytes(get(to), get(from), get(bytes)),
        advance(to, get(toStep)),
        advance(from, get(fromStep)),
      ),
    );
  },
);
