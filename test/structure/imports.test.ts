/** The laws of the house that a compiler does not enforce: imports go one way, and the core is pure. */
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The stages in order: each may import from those before it. `index` is the library, `cli` the command. */
const ORDER = [
  "grammar",
  "source",
  "diagnostics",
  "syntax",
  "resolve",
  "plan",
  "types",
  "check",
  "runtime",
  "interpret",
  "plot",
  "ir",
  "verify",
  "explain",
  "emit",
  "compile",
  "index",
  "cli",
];
/** What is not pure: it touches processes, disks, engines. Everything else is the core, and runs in a browser too. */
const IMPURE = new Set(["runtime", "cli"]);
/** Files of the runtime that are pure functions of numbers, and so may serve the core as well. */
const PURE_RUNTIME = new Set(["src/runtime/random.ts", "src/runtime/init.ts"]);
/** Packages of the core; the runtime and the command line may use any dependency. */
const CORE_PACKAGES = new Set(["chevrotain", "prettier", "ts-morph"]);

interface Import {
  /** Path from the root, with forward slashes. */
  readonly file: string;
  /** As written; a path from the root for a file of this project. */
  readonly target: string;
  readonly onlyTypes: boolean;
}

const IMPORT = /^(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"|\bimport\("([^"]+)"\)/gm;

function importsOf(folder: string): Import[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts"))
    .flatMap((path) => {
      const file = join(root, folder, path);
      return [...readFileSync(file, "utf8").matchAll(IMPORT)].map((match) => {
        const specifier = match[2] ?? match[3]!;
        const inside = specifier.startsWith(".");
        return {
          file: slashes(relative(root, file)),
          target: inside ? slashes(relative(root, resolve(dirname(file), specifier))) : specifier,
          onlyTypes: match[1] !== undefined,
        };
      });
    });
}

const slashes = (path: string): string => path.split(sep).join("/");

/** The stage a file belongs to: its folder of `src`, or the name of a file that stands there alone. */
function stageOf(path: string): string {
  const [top, next = ""] = path.split("/");
  return top === "src" ? next.replace(/\.ts$/, "") : top!;
}

const isOwn = (target: string): boolean => target.startsWith("src/") || target.startsWith("grammar/");
const show = ({ file, target }: Import): string => `${file} -> ${target}`;
const all = [...importsOf("src"), ...importsOf("grammar")];

test("every folder of src has its place in the order", () => {
  const stages = new Set(all.filter(({ file }) => file.startsWith("src/")).map(({ file }) => stageOf(file)));
  expect([...stages].filter((stage) => !ORDER.includes(stage))).toEqual([]);
  expect(all.length).toBeGreaterThan(300);
});

test("imports go one way: from a stage only to those before it", () => {
  const wrong = all.filter(
    ({ file, target }) => isOwn(target) && ORDER.indexOf(stageOf(target)) > ORDER.indexOf(stageOf(file)),
  );
  expect(wrong.map(show)).toEqual([]);
});

test("the core takes types from the runtime, and values only from its pure files", () => {
  const wrong = all.filter(
    ({ file, target, onlyTypes }) =>
      !IMPURE.has(stageOf(file)) &&
      stageOf(target) === "runtime" &&
      isOwn(target) &&
      !onlyTypes &&
      !PURE_RUNTIME.has(target),
  );
  expect(wrong.map(show)).toEqual([]);
});

test("the files of the runtime that serve the core import nothing but types and each other", () => {
  const wrong = all.filter(
    ({ file, target, onlyTypes }) => PURE_RUNTIME.has(file) && !onlyTypes && !PURE_RUNTIME.has(target),
  );
  expect(wrong.map(show)).toEqual([]);
});

test("the core touches no process, no disk and no engine", () => {
  const builtin = new Set(builtinModules);
  const wrong = all.filter(({ file, target }) => {
    if (IMPURE.has(stageOf(file)) || isOwn(target)) return false;
    const name = target.replace(/^node:/, "");
    return target.startsWith("node:") || builtin.has(name) || !CORE_PACKAGES.has(target);
  });
  // grammar/generate.ts writes generated files: a tool of this repository, not part of the compiler.
  expect(wrong.filter(({ file }) => file !== "grammar/generate.ts").map(show)).toEqual([]);
  const globals = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !IMPURE.has(stageOf(`src/${slashes(path)}`)))
    .filter((path) => /\bprocess\.(env|argv|stdout|cwd)|\bMath\.random\b|\bDate\.now\b/.test(codeOf(path)));
  expect(globals).toEqual([]);
});

/** A file without its comments. */
function codeOf(path: string): string {
  return readFileSync(join(root, "src", path), "utf8").replace(/\/\*[^]*?\*\/|\/\/.*$/gm, "");
}
