/**
 * The package as a user gets it: packed, installed with npm into an empty folder, and used there on generated images.
 * Run by `npm run test:pack` after a build; needs npm's registry or its cache. Ends with exit code 1 if anything fails.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "dmlc-pack-"));

/** Runs a command and answers its stdout; what it says on stderr is shown. */
function run(command, args, cwd = folder) {
  process.stdout.write(`$ ${[command, ...args].join(" ")}\n`);
  return execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
}

function require_(holds, what) {
  if (!holds) throw new Error(what);
}

/** Twelve classes of eight 16x16 images: stripes whose direction and width are the class, shifted by the sample. */
async function drawClasses(target) {
  const { default: sharp } = await import(createRequire(join(folder, "x.js")).resolve("sharp"));
  for (let c = 0; c < 12; c++) {
    mkdirSync(join(target, `class${c}`), { recursive: true });
    for (let s = 0; s < 8; s++) {
      const pixels = Buffer.alloc(16 * 16);
      for (let k = 0; k < pixels.length; k++) {
        const along = Math.cos(c) * (k % 16) + Math.sin(c) * Math.floor(k / 16);
        pixels[k] = Math.round(128 + 100 * Math.sin(along * (0.4 + 0.1 * c) + s));
      }
      const image = sharp(pixels, { raw: { width: 16, height: 16, channels: 1 } });
      await image.png().toFile(join(target, `class${c}`, `${s}.png`));
    }
  }
}

const SPEC = `/// Stripes of several directions and widths.
dataset stripes = folder("stripes") { image: gray(16x16), split: zero_shot(train: 0.5, validation: 0.1) }

model stripes {
  data: stripes
  backbone: conv4(width: 8)
  embedding: linear(16) |> normalize
  losses { pull: contrastive(margin: 0.5)  soft: multi_similarity() }
  combine: learned(pull, soft)
  train { batch: 4 classes * 4 samples  steps: 200 }
  compress: distances(to: 8)
}
`;

try {
  const [packed] = JSON.parse(
    run("npm", ["pack", "--json", "--ignore-scripts", "--pack-destination", folder], checkout),
  );
  process.stdout.write(`${packed.filename}: ${packed.files.length} files, ${packed.size} bytes\n`);
  for (const { path } of packed.files) {
    require_(
      !/^(test|bench)\/|^src\/.*\.ts$/.test(path),
      `the package holds ${path}, which is not for users`,
    );
    const source = path.replace(/^dist\//, "").replace(/(\.d)?\.[jt]s$/, ".ts");
    const stale = path.startsWith("dist/") && !existsSync(join(checkout, source));
    require_(!stale, `${path} has no source any more: remove dist and build again`);
  }

  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  const tarball = join(folder, packed.filename);
  run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", tarball]);

  await drawClasses(join(folder, "stripes"));
  writeFileSync(join(folder, "stripes.dml"), SPEC);
  run("npx", ["--no-install", "dmlc", "check", "stripes.dml"]);
  const table = run("npx", ["--no-install", "dmlc", "run", "stripes.dml", "--steps", "20", "--out", "out"]);
  process.stdout.write(table);
  require_(/^ensemble /m.test(table), "the table of results has no row for the ensemble");

  const results = JSON.parse(readFileSync(join(folder, "out", "results.json"), "utf8"));
  require_(results.model === "stripes" && results.steps === 20, "results.json is of another run");
  for (const row of ["pixels", "untrained", "ensemble", "compressed"])
    require_(results.test[row].recall_at_1 >= 0, `results.json has no Recall@1 of ${row}`);

  run("npx", ["--no-install", "dmlc", "compile", "stripes.dml"]);
  // The emitted TypeScript against the package's declarations, as an editor sees them.
  const options = { strict: true, module: "nodenext", target: "es2023", skipLibCheck: true, types: [] };
  const config = { compilerOptions: { ...options, noEmit: true }, files: ["stripes.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  run(process.execPath, [join(checkout, "node_modules", "typescript", "bin", "tsc"), "-p", "."]);
  run(process.execPath, ["stripes.js", "--steps", "5"]);
  process.stdout.write("the installed package checks, trains and compiles; its types hold\n");
} finally {
  rmSync(folder, { recursive: true, force: true });
}
