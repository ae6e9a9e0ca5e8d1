/** Whatever a text looks like, the checker reports what is wrong and never throws. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { check, marks } from "./harness.ts";
import { conformanceBlocks } from "../conformance/harness.ts";

const programs = ["language", "formulas", "models", "arguments"].flatMap((page) =>
  conformanceBlocks(new URL(`../conformance/${page}.md`, import.meta.url))
    .filter(({ language }) => language === "dml")
    .map(({ text }) => text),
);
const words = readFileSync(new URL("../../stdlib/functions/functions.dml", import.meta.url), "utf8")
  .match(/\b[a-z_0-9]+\b/g)!
  .concat([
    "x",
    "y",
    "i",
    "in",
    "classes",
    "same",
    "learned",
    "conv4",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "|",
    "|>",
    ":",
    ",",
    "=",
    "1",
    "0.5",
    "-",
  ]);

/** Numbers in [0, 1) that are the same at every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test("tokens removed, replaced, doubled and swapped", () => {
  const random = generator(7);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  for (let round = 0; round < 200; round++) {
    const tokens = pick(programs).match(/\w+|\s+|[^\w\s]/g)!;
    for (let change = 0; change < 3; change++) {
      const at = Math.floor(random() * tokens.length);
      const kind = Math.floor(random() * 4);
      if (kind === 0) tokens.splice(at, 1);
      else if (kind === 1) tokens[at] = pick(words);
      else if (kind === 2) tokens.splice(at, 0, tokens[at]!);
      else [tokens[at], tokens[(at + 2) % tokens.length]] = [tokens[(at + 2) % tokens.length]!, tokens[at]!];
    }
    const text = tokens.join("");
    expect(() => check(text), text).not.toThrow();
  }
});

test("a token that is missing is reported once or twice, not at everything after it", () => {
  const text = readFileSync(new URL("../../examples/icons.dml", import.meta.url), "utf8");
  const tokens = text.match(/\/\/\/.*|\w+|\s+|[^\w\s]/g)!;
  for (const [at, token] of tokens.entries()) {
    if (/^(\s+|\/\/\/.*)$/.test(token)) continue;
    const found = marks(check(tokens.toSpliced(at, 1).join("")).diagnostics);
    expect(
      found.length,
      `${at}: ${tokens.slice(at, at + 5).join("")}: ${found.join(" | ")}`,
    ).toBeLessThanOrEqual(2);
  }
});
