/** Diagnostics for code scanning (SARIF 2.1.0) and for workflows of GitHub. */
import { afterAll, describe, expect, it } from "vitest";
import { packagePages } from "../../src/cli/explain_pages.ts";
import { define, Diagnostics } from "../../src/diagnostics/diagnostic.ts";
import type { Diagnostic } from "../../src/diagnostics/diagnostic.ts";
import { renderGithub } from "../../src/diagnostics/render/github.ts";
import { renderSarif, uriOf } from "../../src/diagnostics/render/sarif.ts";
import { dmlc, folder } from "../cli/support.ts";

const files = folder();
afterAll(() => files.clean());

const wrong = define<{ what: string }>({
  code: "DML9999",
  name: "wrong",
  severity: "warning",
  message: ({ what }) => `wrong ${what}`,
  reason: () => "100% sure.",
  help: () => undefined,
});

function found(path: string, text: string, start: number, end: number, what = "thing"): Diagnostic {
  const diagnostics = new Diagnostics();
  const file = { path, text, standard: false };
  const related = [{ span: { file, start: 0, end: 1 }, label: "softmax[k](v)" }];
  diagnostics.report(wrong, { file, start, end }, { what }, { related });
  return diagnostics.all[0]!;
}

describe("for GitHub", () => {
  it("is one command a line, with columns where the place is within a line", () => {
    const text = "one\ntwo three\n";
    expect(renderGithub([found("a/b.dml", text, 8, 13), found("a/b.dml", text, 4, 14)])).toBe(
      "::warning file=a/b.dml,line=2,endLine=2,col=5,endColumn=10,title=DML9999 wrong::wrong thing.%0A100%25 sure.\n" +
        "::warning file=a/b.dml,line=2,endLine=3,title=DML9999 wrong::wrong thing.%0A100%25 sure.\n",
    );
    expect(renderGithub([])).toBe("");
  });

  it("lets no text begin a command of its own", () => {
    const hostile = "x%0A::set-output\r\n::error::y,line=1\u202e";
    const out = renderGithub([found("a,b:c%\n::error::.dml", "x", 0, 1, hostile)]);
    expect(out.split("\n")).toHaveLength(2);
    expect(out).not.toMatch(/[\r\u202e]/);
    expect(out).toContain("file=a%2Cb%3Ac%25%0A%3A%3Aerror%3A%3A.dml,line=1");
    expect(out).toContain("x%250A");
  });
});

interface Log {
  readonly $schema: string;
  readonly version: string;
  readonly runs: readonly {
    readonly tool: { readonly driver: { readonly name: string; readonly rules: readonly Rule[] } };
    readonly columnKind: string;
    readonly results: readonly Result[];
  }[];
}
interface Rule {
  readonly id: string;
  readonly shortDescription?: { readonly text: string };
  readonly help?: { readonly text: string; readonly markdown: string };
  readonly defaultConfiguration: { readonly level: string };
}
interface Place {
  readonly physicalLocation: {
    readonly artifactLocation: { readonly uri: string };
    readonly region: Readonly<Record<"startLine" | "startColumn" | "endLine" | "endColumn", number>>;
  };
}
interface Result {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: string;
  readonly message: { readonly text: string };
  readonly locations: readonly Place[];
  readonly relatedLocations?: readonly (Place & {
    readonly id: number;
    readonly message: { text: string };
  })[];
}

/** What the schema requires of a log, and what its readers need beyond. */
function checkLog(log: Log): void {
  expect(log.version).toBe("2.1.0");
  expect(log.$schema).toMatch(/^https:.*sarif.*2\.1\.0/);
  expect(log.runs).toHaveLength(1);
  const [run] = log.runs;
  const { name, rules } = run!.tool.driver;
  expect(name).toBe("dmlc");
  expect(run!.columnKind).toBe("utf16CodeUnits");
  expect(new Set(rules.map(({ id }) => id)).size).toBe(rules.length);
  for (const { ruleId, ruleIndex, level, message, locations, relatedLocations } of run!.results) {
    expect(rules[ruleIndex]!.id).toBe(ruleId);
    expect(["error", "warning"]).toContain(level);
    expect(message.text).not.toBe("");
    expect(locations).toHaveLength(1);
    for (const { physicalLocation } of [...locations, ...(relatedLocations ?? [])]) {
      expect(physicalLocation.artifactLocation.uri).toMatch(/^[\w\-.~!*'()%:/]+$/);
      const { startLine, startColumn, endLine, endColumn } = physicalLocation.region;
      for (const each of [startLine, startColumn, endLine, endColumn])
        expect(Number.isInteger(each) && each >= 1).toBe(true);
      expect(startLine < endLine || (startLine === endLine && startColumn <= endColumn)).toBe(true);
    }
    expect((relatedLocations ?? []).map(({ id }) => id)).toEqual(
      (relatedLocations ?? []).map((_, at) => at + 1),
    );
  }
}

describe("as SARIF", () => {
  const options = { version: "1.2.3", pages: packagePages };

  it("has the form of 2.1.0, with the pages as rules", async () => {
    const bad = files.write("bad.dml", "dataset icons = icon_sets(siz: 32)\nmodel m { data: icns }\n");
    const { code, out, err } = await dmlc("check", bad, "--format", "sarif");
    expect({ code, err }).toEqual({ code: 1, err: "" });
    const log = JSON.parse(out) as Log;
    checkLog(log);
    const [run] = log.runs;
    expect(run!.results.map(({ ruleId }) => ruleId)).toContain("DML0210");
    for (const rule of run!.tool.driver.rules) {
      expect(rule.shortDescription!.text).not.toBe("");
      expect(rule.help!.markdown).toMatch(/^# DML/);
      expect(rule.defaultConfiguration.level).toBe("error");
    }
  });

  it("is a log without results where nothing is wrong", async () => {
    const good = files.write("good.dml", "distance near(u, v) = norm(u - v)\n");
    const { code, out } = await dmlc("check", good, "--format", "sarif");
    expect(code).toBe(0);
    const log = JSON.parse(out) as Log;
    checkLog(log);
    expect(log.runs[0]!.results).toEqual([]);
  });

  it("keeps any path and text within its form", () => {
    const text = renderSarif([found("a b/ü\ud800#?%.dml", "\u202e", 0, 1, "\u202e [a](b)")], options);
    expect(text).not.toMatch(/\p{Cf}/u);
    const log = JSON.parse(text) as Log;
    checkLog(log);
    const [result] = log.runs[0]!.results;
    expect(result!.message.text).toBe("wrong \u202e \\[a\\](b). 100% sure.");
    expect(result!.relatedLocations![0]!.message.text).toBe("softmax\\[k\\](v)");
    expect(result!.locations[0]!.physicalLocation.artifactLocation.uri).toBe(
      "a%20b/%C3%BC%EF%BF%BD%23%3F%25.dml",
    );
  });

  it("names places by references that are relative where the path is", () => {
    expect(uriOf("specs/a.dml")).toBe("specs/a.dml");
    expect(uriOf("/home/u/a b.dml")).toBe("file:///home/u/a%20b.dml");
    expect(uriOf("C:\\specs\\a.dml")).toBe("file:///C:/specs/a.dml");
    expect(uriOf("a:b.dml")).toBe("a%3Ab.dml");
  });
});

describe("the command", () => {
  it("prints commands for GitHub", async () => {
    const bad = files.write("sub/bad.dml", "dataset icons = icon_sets(siz: 32)\n");
    const { code, out, err } = await dmlc("check", bad, "--format", "github");
    expect({ code, err }).toEqual({ code: 1, err: "" });
    expect(out).toMatch(
      /^::error file=[^,]*bad\.dml,line=1,endLine=1,col=27,endColumn=30,title=DML0210 [a-z-]+::/,
    );
  });
});
