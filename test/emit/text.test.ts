import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Names, camelCase } from "../../src/emit/typescript/names.ts";
import { commentText, dataLiteral, objectKey, stringLiteral } from "../../src/emit/typescript/text.ts";

const nasty = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.constantFrom("*/", "`${x}`", '"', "\\", "\u2028", "\u202e", "\n//", "\u{e0041}", "\ud800", "</script>"),
);
const text = fc.array(nasty).map((parts) => parts.join(""));
const hidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

describe("texts of a spec", () => {
  test("come back from their literals as they were, and show nothing hidden", () => {
    fc.assert(
      fc.property(text, (given) => {
        const literal = stringLiteral(given);
        expect(literal).not.toMatch(hidden);
        expect(new Function(`return ${literal};`)()).toBe(given);
      }),
    );
  });

  test("stay on one line of a comment and never end it", () => {
    fc.assert(
      fc.property(text, (given) => {
        const comment = commentText(given);
        expect(comment).not.toMatch(hidden);
        expect(comment).not.toContain("*/");
      }),
    );
    expect(commentText("a\n  b*/c\u202e")).toBe("a b* /c\\u202e");
    expect(commentText("*\n/")).toBe("* /");
  });

  test("as keys are keys, `__proto__` too", () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.constantFrom("__proto__", "constructor", "await", "a b")), (key) => {
        const object = new Function(`return { ${objectKey(key)}: 1 };`)() as object;
        expect(Object.entries(object)).toEqual([[key, 1]]);
        expect(Object.getPrototypeOf(object)).toBe(Object.prototype);
      }),
    );
  });

  test("in data come back with it", () => {
    const plain = fc.letrec((tie) => ({
      value: fc.oneof(
        text,
        fc.double({ noNaN: true }).map((v) => v + 0),
        fc.boolean(),
        tie("list"),
      ),
      list: fc.array(tie("value"), { maxLength: 3 }),
    }));
    fc.assert(
      fc.property(plain.value, (value) => {
        expect(new Function(`return ${dataLiteral(value)};`)()).toEqual(value);
      }),
    );
    expect(dataLiteral({ a: undefined, b: [1e-8, true], "c-d": "x" })).toBe(
      '{ b: [1e-8, true], "c-d": "x" }',
    );
  });
});

describe("names", () => {
  test("are words of JavaScript that nothing else has", () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(text, fc.constantFrom("await", "pull", "tf", "class"))), (wanted) => {
        const names = new Names(["pull"]);
        const given = wanted.map((each) => names.fresh(each));
        expect(new Set(given).size).toBe(given.length);
        expect(given).not.toContain("pull");
        for (const name of given)
          expect(() => new Function(`"use strict"; const ${name} = 1;`)).not.toThrow();
      }),
    );
  });

  test("are written in camel case, numbered by kind", () => {
    expect(camelCase("semi_hard_margin")).toBe("semiHardMargin");
    const names = new Names(["conv2"]);
    expect(["conv", "batch_norm", "conv", "conv"].map((kind) => names.numbered(kind))).toEqual([
      "conv1",
      "batchNorm1",
      "conv3",
      "conv4",
    ]);
  });
});
