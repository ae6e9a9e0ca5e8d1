/**
 * One input after the other, generated and damaged in turn, through everything up to the program. Used by the test of
 * this folder for some seconds and by `npm run fuzz` for as long as asked.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ownPackage } from "../../src/cli/package.ts";
import { SpecGenerator } from "./generate.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import { survive } from "./survive.ts";

/** Programs of the standard library, the examples and the language's own page. */
export function programs(): string[] {
  const { root } = ownPackage();
  const files = ["stdlib", "examples"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".dml"))
      .sort()
      .map((name) => readFileSync(join(root, folder, name), "utf8")),
  );
  const pages = readdirSync(join(root, "test", "conformance"))
    .filter((name) => name.endsWith(".md"))
    .sort()
    .map((name) => readFileSync(join(root, "test", "conformance", name), "utf8"));
  const blocks = pages.flatMap((page) =>
    [...page.matchAll(/^```dml\n([^]*?)^```$/gm)].map(([, text]) => text!),
  );
  return [...files, ...blocks];
}

export interface Round {
  readonly text: string;
  readonly kind: "generated" | "damaged" | "generated and damaged";
  /** Whether it became a program. */
  readonly emitted: boolean;
  readonly seconds: number;
}

/** An input that did not survive, with what did not hold as its cause. */
export class Fatal extends Error {
  override readonly name = "Fatal";
  readonly text: string;

  constructor(text: string, cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.text = text;
  }
}

/** Round `number` of a seed; the same input each time. Throws `Fatal`. */
export async function round(seed: number, number: number, sources: readonly string[]): Promise<Round> {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b));
  const generate = (): string => new SpecGenerator(random).spec();
  const kind = (["generated", "damaged", "generated and damaged"] as const)[number % 3]!;
  const text =
    kind === "generated"
      ? generate()
      : kind === "damaged"
        ? mutate(random.pick(sources), random.pick(sources), random)
        : mutate(generate(), generate(), random);
  const start = performance.now();
  try {
    const { programs: emitted } = await survive(text, { emit: true });
    return { text, kind, emitted: emitted.length > 0, seconds: (performance.now() - start) / 1000 };
  } catch (error) {
    throw new Fatal(text, error);
  }
}
