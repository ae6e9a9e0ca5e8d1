/** `dmlc explain`: pages of codes, names of the standard library, and what is said of anything else. */
import { afterAll, describe, expect, it } from "vitest";
import { catalogue } from "../../src/diagnostics/explain/catalogue.ts";
import { explainableNames, explainName } from "../../src/explain/lookup.ts";
import { standardLibrary } from "../../src/resolve/modules.ts";
import { host } from "../check/harness.ts";
import { dmlc, folder } from "../cli/support.ts";

const { scope } = standardLibrary(host({}));

describe("a code", () => {
  it("is explained by its page, whatever its case, or by its name", async () => {
    const { code, out, err } = await dmlc("explain", "DML0208");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(
      /^DML0208: cyclic-definition \(error\)\n\n[^]*\n\nWhy\n\n[^]*\n\nWrong\n\n[^]*\n\nRight\n\n/,
    );
    expect(await dmlc("explain", "dml0208")).toEqual({ code, out, err });
    expect(await dmlc("explain", "cyclic-definition")).toEqual({ code, out, err });
  });

  it("is there for programs too", async () => {
    const { out } = await dmlc("explain", "DML0204", "--format", "json");
    const page = JSON.parse(out) as { code: string; severity: string; wrong: { name: string }[] };
    expect(page).toMatchObject({ code: "DML0204", name: "import-cycle", severity: "error" });
    expect(page.wrong.map(({ name }) => name)).toEqual(["main.dml", "measures.dml"]);
  });

  it("that does not exist is answered with 2 and the nearest one", async () => {
    expect(await dmlc("explain", "DML0299")).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringMatching(/no diagnostic DML0299[^]*Did you mean DML0/) as string,
    });
  });

  it("left out gives the list of all", async () => {
    const { code, out } = await dmlc("explain");
    expect(code).toBe(0);
    expect(out.trimEnd().split("\n")).toHaveLength(catalogue.length);
    expect(out).toContain("DML0307  warning  unused-name\n");
    expect(JSON.parse((await dmlc("explain", "--format", "json")).out)).toEqual(catalogue);
  });
});

describe("a name", () => {
  it("of a loss gives documentation, signature, parameters and formula", async () => {
    const { code, out, err } = await dmlc("explain", "contrastive");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    for (const part of [
      "loss contrastive  stdlib/losses/contrastive.dml:",
      "Hadsell",
      "  contrastive(margin: real > 0 = 1, positive_margin: real >= 0 = 0, distance: distance = euclidean) assumes unit(x)\n",
      "  margin           real > 0   default 1\n",
      "  let d(i, j) = distance(x[i], x[j])\n",
      "mean_active[i, j | same(i, j)] relu(d(i, j) - positive_margin) + mean_active[",
    ])
      expect(out).toContain(part);
  });

  it("of several kinds gives all of them", async () => {
    const { out } = await dmlc("explain", "cosine", "--format", "json");
    expect(JSON.parse(out)).toMatchObject([
      { kind: "similarity", primitive: false, signature: "cosine(u, v)", parameters: [] },
      { kind: "schedule", primitive: true, formula: [] },
    ]);
  });

  it("of a primitive gives what it needs and gives", () => {
    expect(explainName("conv", scope)[0]!.signature).toMatch(
      /: image\[h, w, c\] -> image\[_, _, channels\]$/,
    );
    expect(explainName("learned", scope)[0]!.signature).toMatch(/ needs non_negative$/);
    expect(explainName("linear", scope)[0]!.parameters).toEqual([{ name: "units", type: "int >= 1" }]);
    expect(explainName("batch_hard", scope)[0]!.formula).toContain("n = argmin[j | differs(a, j)] d(a, j)");
    expect(explainName("proxy_anchor", scope)[0]!.formula[0]).toBe(
      "param proxy: real[classes, dim] = kaiming_normal() { lr: 0.01 }",
    );
  });

  it("of anything in the standard library is explained, with its documentation", () => {
    const names = explainableNames(scope);
    const declared = standardLibrary(host({})).files.flatMap(({ declarations }) => declarations);
    expect(names).toEqual([...new Set(declared.map(({ name }) => name.text))].sort());
    const explained = names.flatMap((name) => explainName(name, scope));
    expect(explained).toHaveLength(declared.length);
    expect(explained.filter(({ documentation }) => documentation === "")).toEqual([]);
    for (const { primitive, formula } of explained) expect(formula.length > 0).toBe(!primitive);
  });

  it("gives its formula alone as TeX", async () => {
    const { code, out } = await dmlc("explain", "dot", "--format", "tex");
    expect(code).toBe(0);
    expect(out).toMatch(/^\\begin\{aligned\}\n[^]*\\sum_\{t\}[^]*\n\\end\{aligned\}\n$/);
    expect(await dmlc("explain", "relu", "--format", "tex")).toMatchObject({ code: 2, out: "" });
  });

  it("that nothing has is answered with 2 and the nearest one", async () => {
    for (const [name, help] of [
      ["tripelt", "Did you mean triplet?"],
      ["unknown_name", "Did you mean unknown-name?"],
      ["__proto__", "lists the codes"],
      ["../../package", "lists the codes"],
    ] as const) {
      const outcome = await dmlc("explain", name);
      expect(outcome).toMatchObject({ code: 2, out: "" });
      expect(outcome.err).toContain(help);
    }
  });
});

describe("a file of one's own", () => {
  const files = folder();
  afterAll(() => files.clean());
  const own = files.write(
    "own.dml",
    "/// Far from all.\nloss away(limit: real > 0 = 1) { mean[i, j | differs(i, j)] relu(limit - near(x[i], x[j])) }\n" +
      "distance near(u, v) = 2 * euclidean(u, v)\n",
  );

  it("is explained as the standard library is, by name or whole", async () => {
    const { code, out, err } = await dmlc("explain", `${own}:away`);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    for (const part of [
      "loss away",
      "Far from all.",
      "real > 0",
      "at least 2 classes of 1 sample",
      "grows as B²",
    ])
      expect(out).toContain(part);
    expect(out).not.toContain("distance near");
    const whole = JSON.parse((await dmlc("explain", own, "--format", "json")).out) as { name: string }[];
    expect(whole.map(({ name }) => name)).toEqual(["away", "near"]);
  });

  it("without such a name, such a file, or with errors is answered so", async () => {
    const models = files.write("models.dml", 'dataset photos = folder("p")\n');
    const wrong = files.write("wrong.dml", "loss wrong() { sum[ }\n");
    for (const [asked, code, help] of [
      [`${own}:awy`, 2, "Did you mean away?"],
      [models, 2, "declares nothing to explain"],
      ["nowhere.dml", 2, "cannot read nowhere.dml"],
      [wrong, 1, "error"],
    ] as const) {
      const outcome = await dmlc("explain", asked);
      expect(outcome).toMatchObject({ code, out: "" });
      expect(outcome.err).toContain(help);
    }
  });
});
