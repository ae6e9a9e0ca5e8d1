/** Names that objects of JavaScript have, or that are its words, in every place a spec can put a name. */
import { describe, expect, it } from "vitest";
import { marker, survive } from "../fuzz/survive.ts";

const names = [
  "constructor",
  "__proto__",
  "prototype",
  "hasOwnProperty",
  "toString",
  "valueOf",
  "await",
  "eval",
  "arguments",
  "class",
  "delete",
  "this",
  "null",
  "undefined",
  "NaN",
  "Infinity",
  "default",
  "export",
  "import",
  "yield",
  "async",
  "process",
  "require",
  "globalThis",
  "Object",
  "Math",
  "tf",
  "ops",
  "nn",
  "main",
  "program",
  "losses",
  "embed",
  "state",
  "_",
  "__",
  "x1",
  "a".repeat(3000),
];

/** A spec with one name in every place where a name is declared, as far as places may share one. */
function spec(name: string): string {
  return `
dataset ${name} = folder("photos") { image: gray(16x16) }
distance ${name}(u, v, ${name}: real > 0 = 1) = ${name} * norm(u - v)
miner ${name}(radius: real > 0 = 0.5) for (a, n) {
  differs(a, n) and norm(x[a] - x[n]) < radius
}
backbone ${name}(${name}: int >= 1 = 4): image[h, w, c] -> image[_, _, ${name}] {
  conv(${name}) |> relu |> max_pool(4)
}
/// ${name}
loss ${name}(first: real > 0 = 1) {
  param ${name}: real[classes, dim] = normal()
  let second = first + 1
  mean[i] cross_entropy[k in classes](second * cosine(x[i], ${name}[k]), y[i])
}
loss parameter(${name}: real > 0 = 1) {
  let inner(i, j) = ${name} * euclidean(x[i], x[j])
  mean[i, j | same(i, j)] inner(i, j)
}
loss local() {
  let ${name}(i, j) = euclidean(x[i], x[j])
  mean[i, j | same(i, j)] ${name}(i, j)
}
loss index() {
  mean[${name}, j | same(${name}, j)] euclidean(x[${name}], x[j])
}
model ${name} {
  data: ${name}
  backbone: ${name}(${name}: 4)
  embedding: linear(4) |> normalize
  losses {
    ${name}: ${name}()
    one: parameter(${name}: 2)
    two: local()
    three: index()
  }
  combine: learned(${name}, one, equal(two, three))
  train { batch: 4 classes * 2 samples  steps: 2 }
}
`;
}

describe.each(names.map((name) => [name.slice(0, 20), name] as const))("%s", (_, name) => {
  it("is a name like any other, or is refused", async () => {
    const { diagnostics, programs } = await survive(spec(name), { emit: true });
    // `_` is a hole and `x1` nothing special; what is reserved is refused where it stands.
    const errors = diagnostics.filter(({ severity }) => severity === "error");
    if (name === "_") expect(errors.length).toBeGreaterThan(0);
    else expect(errors.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
    expect(programs).toHaveLength(name === "_" ? 0 : 1);
  });

  it("is unknown wherever it is not declared", async () => {
    const unknown = `
dataset d = icon_sets(${name}: 1) { ${name}: 1 }
dataset e = ${name}()
loss l(v: ${name} = 1) { mean[i] ${name}(x[i], v) + ${name}[i] + norm(x[i], ${name}: 1) }
model m {
  data: ${name}
  ${name}: 1
  backbone: ${name}(1) |> conv4(8)
  embedding: linear(4) |> ${name}
  losses { a: ${name}  b: triplet(${name}: 1) on ${name}  c: triplet(distance: ${name}) with ${name} }
  combine: ${name}(a, b, ${name}, equal(c, scale: ${name}))
  train { optimizer: ${name} { ${name}: 1x }  schedule: ${name}  select: best(${name}, every: 1 step, patience: 1) }
  evaluate { ${name}, recall_at: ${name} }
  compress: ${name}(to: 1)
}
import { ${name} } from "./${name}.dml"
`;
    const { diagnostics } = await survive(unknown, { emit: true, files: { [`${name}.dml`]: "" } });
    expect(diagnostics.some(({ severity }) => severity === "error")).toBe(true);
  });
});

describe("texts", () => {
  const texts = [
    `"; ${marker}(); "`,
    `'; ${marker}(); '`,
    `\`\${${marker}()}\``,
    `\${${marker}()}`,
    `*/ ${marker}() /*`,
    `\\n${marker}()`,
    `\\u2028${marker}()`,
    `\\u202e${marker}\\u2066`,
    `\\\\\\" + ${marker} + "`,
    `</script><script>${marker}()</script>`,
    `\\ud800 ${marker}`,
    `//# sourceMappingURL=${marker}`,
    `-->${marker}`,
    `\\u0000\\u001b[2J${marker}`,
  ].map((text) => text.replace(/(?<!\\)"/g, '\\"'));

  it.each(texts)("%s in a string", async (text) => {
    const { programs } = await survive(
      `dataset d = folder("${text}") { image: gray(16x16) }
model m {
  data: d
  backbone: conv4(4)
  embedding: linear(4) |> normalize
  losses { a: triplet() }
}`,
      { emit: true },
    );
    expect(programs).toHaveLength(1);
    expect(programs[0]).toContain(marker);
  });

  it.each(texts)("%s in comments and documentation", async (text) => {
    const { programs } = await survive(
      `/// ${text}
dataset d = folder("photos") { image: gray(16x16) } // ${text}
/// ${text}
/// second line ${text}
loss own(/* */ margin: real = 1 // ${text}
) {
  // ${text}
  mean[i, j | same(i, j)] relu(euclidean(x[i], x[j]) - margin) // ${text}
}
/// ${text}
model m { // ${text}
  data: d
  backbone: conv4(4) // ${text}
  embedding: linear(4) // ${text}
    |> normalize
  losses { /* */ a: own( // ${text}
    margin: 1) /// ${text}
  }
}`.replaceAll("/* */", ""),
      { emit: true },
    );
    expect(programs).toHaveLength(1);
  });
});
