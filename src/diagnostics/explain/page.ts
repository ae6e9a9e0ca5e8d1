/**
 * The page of a diagnostic: what it says, why, a wrong program and a right one. Pages are Markdown files of one form,
 * `DMLxxxx.md` beside this file; whoever has a disk hands their texts in. Read by `dmlc explain`. Pure.
 */

/** One file of an example; an example of several files begins with the one that is checked. */
export interface ExampleFile {
  /** `main.dml`, or the name that the block's first line gives: `// losses.dml`. */
  readonly name: string;
  readonly text: string;
}

export interface ExplainPage {
  readonly code: string;
  readonly name: string;
  readonly what: string;
  readonly why: string;
  readonly wrong: readonly ExampleFile[];
  readonly right: readonly ExampleFile[];
}

/** Where pages come from: the command line reads the package's files. */
export interface PageSource {
  /** The Markdown of a code's page; `undefined` where there is none. */
  page(code: string): string | undefined;
}

const FORM =
  /^# (?<code>DML\d{4}): (?<name>[a-z-]+)\n(?<what>[^]*?)\n## Why\n(?<why>[^]*?)\n## Wrong\n(?<wrong>[^]*?)\n## Right\n(?<right>[^]*)$/;

/** Reads a page; throws if it has another form, which the tests of the pages rule out. */
export function parsePage(markdown: string): ExplainPage {
  const parts = FORM.exec(markdown.replaceAll("\r\n", "\n"))?.groups;
  if (parts === undefined) throw new Error(`a page has the form "# DMLxxxx: name", Why, Wrong, Right`);
  return {
    code: parts["code"]!,
    name: parts["name"]!,
    what: parts["what"]!.trim(),
    why: parts["why"]!.trim(),
    wrong: exampleFiles(parts["wrong"]!),
    right: exampleFiles(parts["right"]!),
  };
}

function exampleFiles(section: string): ExampleFile[] {
  return [...section.matchAll(/^```dml\n([^]*?)^```$/gm)].map(([, text]) => ({
    name: /^\/\/ (\w+\.dml)\n/.exec(text!)?.[1] ?? "main.dml",
    text: text!,
  }));
}
