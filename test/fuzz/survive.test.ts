/** Generated and damaged specs through the whole compiler, for some seconds; `npm run fuzz` does it for longer. */
import { describe, expect, it } from "vitest";
import { programs, round } from "./rounds.ts";

const SEED = 20_240_607;
const SECONDS = 6;
/** A slow machine does at least so many. */
const LEAST = 30;

describe("any input", () => {
  it("gives diagnostics with a place and a text, or a program", async () => {
    const sources = programs();
    const kinds = new Map<string, number>();
    let emitted = 0;
    const end = performance.now() + SECONDS * 1000;
    for (let number = 0; number < LEAST || (performance.now() < end && number < 3000); number++) {
      const one = await round(SEED, number, sources);
      kinds.set(one.kind, (kinds.get(one.kind) ?? 0) + 1);
      if (one.emitted) emitted++;
      expect(one.seconds, one.text).toBeLessThan(30);
    }
    expect(kinds.size).toBe(3);
    expect(emitted).toBeGreaterThan(0);
  });

  it("is the same for the same seed", async () => {
    const sources = programs();
    for (const number of [0, 1, 2])
      expect((await round(7, number, sources)).text).toBe((await round(7, number, sources)).text);
  });
});
