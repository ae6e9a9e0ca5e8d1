import { expect, test } from "vitest";
import * as check from "../../src/diagnostics/codes/check.ts";
import * as formula from "../../src/diagnostics/codes/formula.ts";
import * as laws from "../../src/diagnostics/codes/laws.ts";
import * as resolve from "../../src/diagnostics/codes/resolve.ts";
import * as syntax from "../../src/diagnostics/codes/syntax.ts";
import * as text from "../../src/diagnostics/codes/text.ts";
import type { DiagnosticDefinition } from "../../src/diagnostics/diagnostic.ts";

const stages: readonly [string, object][] = [
  ["DML01", text],
  ["DML01", syntax],
  ["DML02", resolve],
  ["DML03", formula],
  ["DML04", check],
  ["DML04", laws],
];

const definitions = stages.flatMap(([stage, table]) =>
  Object.values(table)
    .filter(
      (each): each is DiagnosticDefinition<never> =>
        typeof each === "object" && each !== null && "code" in each,
    )
    .map((definition) => ({ stage, definition })),
);

test("each code and each name is defined once, in the table of its stage", () => {
  expect(definitions.length).toBeGreaterThan(60);
  expect(new Set(definitions.map(({ definition }) => definition.code)).size).toBe(definitions.length);
  expect(new Set(definitions.map(({ definition }) => definition.name)).size).toBe(definitions.length);
  for (const { stage, definition } of definitions) {
    expect(definition.name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    if (definition.code !== "DML0900") expect(definition.code.slice(0, 5)).toBe(stage);
  }
});
