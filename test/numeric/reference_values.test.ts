/** docs/reference_values.md names every file of golden values, and every batch that a loss has no values on. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { goldens } from "../golden/read.ts";

const page = readFileSync(new URL("../../docs/reference_values.md", import.meta.url), "utf8");
const folder = new URL("../golden/pml/", import.meta.url);
const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".json"))
  .map((path) => path.slice(0, -".json".length));

const BATCHES = [
  "three classes",
  "unequal classes",
  "one class",
  "no positive pair",
  "two lone samples",
  "four classes of three",
  "twenty samples",
  "collapsed",
  "duplicates",
];

const nameOf = (use: string): string => use.replace(/\(.*/, "");

/** The part of the page below a heading. */
const section = (heading: string): string => page.split(/^## /m).find((part) => part.startsWith(heading))!;

it.each(files)("%s is in the tables of what is covered", (file) => {
  const names = [file, ...(file.includes("/") ? [file.split("/")[0]!] : [])];
  expect(names.some((name) => section("What is covered").includes(`\`${name}\``))).toBe(true);
});

describe.each(goldens)("$name", ({ cases }) => {
  const uses = new Set(cases.map(({ use, on }) => `${use} on ${on}`));
  const rows = section("Departures")
    .split("\n")
    .filter((line) => cases.some(({ use, on }) => line.startsWith(`| \`${nameOf(on ?? use)}`)));
  it("has every batch, or the page says which not", () => {
    for (const each of uses) {
      const own = new Set(
        cases.filter(({ use, on }) => `${use} on ${on}` === each).map(({ batch }) => batch),
      );
      for (const batch of BATCHES.filter((name) => !own.has(name)))
        expect(
          rows.some((row) => row.includes(batch)),
          `${each}: ${batch}`,
        ).toBe(true);
    }
  });
});
