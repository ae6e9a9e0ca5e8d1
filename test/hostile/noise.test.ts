/** Texts that are no programs, or hardly: each gives diagnostics or a program, in bounded time and without a throw. */
import { describe, expect, it } from "vitest";
import { survive } from "../fuzz/survive.ts";

/** Much more than any of them takes, for machines that do other things too. */
const SECONDS = 20;

async function codes(text: string): Promise<string[]> {
  const start = performance.now();
  const { diagnostics } = await survive(text, { emit: true });
  expect((performance.now() - start) / 1000).toBeLessThan(SECONDS);
  return [...new Set(diagnostics.map(({ code }) => code))];
}

/** The same numbers at every run. */
function noise(length: number, alphabet: string): string {
  let state = 1;
  let text = "";
  for (let at = 0; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    text += alphabet[Math.floor((state / 2 ** 32) * alphabet.length)]!;
  }
  return text;
}

describe("a megabyte or a good part of it", () => {
  const bytes = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");
  const texts: Readonly<Record<string, string>> = {
    "of any bytes": noise(1e6, bytes),
    "of signs": noise(1e6, "(){}[]|:,.=<>+-*/^_\n "),
    "of letters": noise(3e5, "abcdefghij \n"),
    "of one word": "a".repeat(1e6),
    "of digits": "9".repeat(1e6),
    "of one comment": `// ${"x".repeat(1e6)}`,
    "of documentation": "/// x\n".repeat(170_000),
    "of one string": `dataset d = folder("${"x".repeat(1e6)}")`,
    "of line breaks": "\r\n\r\n\n\r".repeat(160_000),
    "of names nobody knows": `loss l() { mean[i] ${"f(".repeat(100)}${noise(1e6, "xyzw")}${")".repeat(100)} }`,
    "of surrogates": "\ud800".repeat(2e5),
    "of null": "\0".repeat(2e5),
  };
  it.each(Object.entries(texts))("%s", async (_, text) => {
    await codes(text);
  });
});

describe("a text with nothing in it", () => {
  it.each([
    ["empty", ""],
    ["a byte order mark", "\ufeff"],
    ["comments", "// one\n/// two\n//"],
    ["line breaks of every kind", "\r\n\n\r\u2028\u2029\u0085"],
  ])("%s", async (_, text) => {
    expect((await codes(text)).filter((code) => code !== "DML0101")).toEqual([]);
  });

  it("is no different with any line ending, or behind a byte order mark", async () => {
    const lines = [
      "loss pull(a: real = 1) {",
      "  let b = a + 1",
      "  mean[i, j | same(i, j)] b * norm(x[i] - x[j])",
      "}",
    ];
    for (const ending of ["\n", "\r\n", "\r"]) expect(await codes(lines.join(ending))).toEqual([]);
    expect(await codes(lines.map((line, at) => line + ["\r", "\n", "\r\n"][at % 3]!).join(""))).toEqual([]);
    expect(await codes(`\ufeff${lines.join("\n")}`)).toEqual([]);
  });
});

describe("brackets and chains", () => {
  it.each([
    "(",
    "[",
    "{",
    "f(",
    "f[",
    "sum[i | ",
    "if ",
    "not ",
    "-",
    "a: ",
    "a |> ",
    "residual { ",
    "repeat 2 { ",
  ])("ten thousand of %s", async (open) => {
    for (const text of [
      open.repeat(10_000),
      `loss l() { ${open.repeat(10_000)} }`,
      `model m { a: ${open.repeat(10_000)} }`,
      `backbone b(): image[h, w, c] -> image[_, _, _] { ${open.repeat(10_000)} }`,
    ])
      expect(await codes(text)).not.toEqual([]);
  });

  it("are fine up to the bounds that the language states", async () => {
    const nested = `${"(".repeat(240)}norm(x[i])${")".repeat(240)}`;
    expect(await codes(`loss l() { mean[i] ${nested} }`)).toEqual([]);
    expect(await codes(`loss l() { mean[i] (norm(x[i])${" + 1".repeat(900)}) }`)).toEqual([]);
  });
});

describe("much of what is right by itself", () => {
  it("two thousand losses", async () => {
    const one = (at: number): string => `loss l${at}() { mean[i, j | same(i, j)] norm(x[i] - x[j]) }\n`;
    expect(await codes(Array.from({ length: 2000 }, (_, at) => one(at)).join(""))).toEqual([]);
  });

  it("four thousand lets, parameters, settings and arguments", async () => {
    const many = (count: number, text: (at: number) => string): string =>
      Array.from({ length: count }, (_, at) => text(at)).join("");
    await codes(`loss l() {\n${many(4000, (at) => `let a${at} = ${at}\n`)}mean[i] norm(x[i]) }`);
    await codes(`loss l(${many(4000, (at) => `a${at}: real = 1, `)}b: real) { mean[i] norm(x[i]) }`);
    await codes(`model m { ${many(4000, (at) => `a${at}: 1 `)} }`);
    await codes(`dataset d = icon_sets(${many(4000, (at) => `a${at}: 1, `)})`);
    await codes(`import { ${many(4000, (at) => `a${at}, `)}b } from "./a.dml"`);
    await codes(many(4000, (at) => `import { a${at} } from "./a${at}.dml"\n`));
  });
});
