/**
 * `npm run fuzz -- --minutes N --seed S [--from ROUND]`: generated and damaged specs through the whole compiler for as
 * long as asked. Prints how many survived; the first that does not is written to `.cache/fuzz/failure.dml`, and the exit
 * code is 1. The round at hand is in `.cache/fuzz/round.txt`, for an input that never ends.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ownPackage } from "../../src/cli/package.ts";
import { Fatal, programs, round } from "./rounds.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    from: { type: "string", default: "0" },
  },
});
const [minutes, seed, from] = [values.minutes, values.seed, values.from].map(Number) as [
  number,
  number,
  number,
];
if (![minutes, seed, from].every((each) => Number.isFinite(each) && each >= 0)) {
  process.stderr.write("usage: npm run fuzz -- [--minutes N] [--seed S] [--from ROUND]\n");
  process.exit(2);
}

const sources = programs();
const end = performance.now() + minutes * 60_000;
let survived = 0;
let emitted = 0;
let slowest = 0;
let told = performance.now();
process.stdout.write(`seed ${seed}, ${minutes} min\n`);
const folder = join(ownPackage().root, ".cache", "fuzz");
mkdirSync(folder, { recursive: true });
for (let number = from; performance.now() < end; number++) {
  // Where an input never ends, this says which one it was.
  writeFileSync(join(folder, "round.txt"), `--seed ${seed} --from ${number}\n`);
  try {
    const one = await round(seed, number, sources);
    survived++;
    if (one.emitted) emitted++;
    if (one.seconds > slowest) {
      slowest = one.seconds;
      if (slowest > 5) failed(number, one.text, `it took ${slowest.toFixed(1)} s`);
    }
  } catch (error) {
    if (!(error instanceof Fatal)) throw error;
    const cause = error.cause instanceof Error ? (error.cause.stack ?? error.message) : error.message;
    failed(number, error.text, cause);
    process.exitCode = 1;
    break;
  }
  if (performance.now() - told > 30_000) {
    told = performance.now();
    report();
  }
}
report();

function report(): void {
  const memory = (process.memoryUsage().rss / 2 ** 20).toFixed(0);
  process.stdout.write(
    `${survived} inputs survived, ${emitted} became programs; slowest ${slowest.toFixed(2)} s, ${memory} MiB\n`,
  );
}

function failed(number: number, text: string, what: string): void {
  const path = join(folder, "failure.dml");
  writeFileSync(path, text);
  process.stderr.write(`round ${number} of seed ${seed}: ${what}\nits input is in ${path}\n`);
}
