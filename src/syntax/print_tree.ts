/** The syntax tree as indented text, for `dmlc compile --print ast`: a line for each node, its place, its own words. */
import { position } from "../source/source.ts";
import type { File } from "./ast.ts";

interface AnyNode {
  readonly kind: string;
  readonly span: File["span"];
}

const isNode = (value: unknown): value is AnyNode =>
  typeof value === "object" && value !== null && "kind" in value && "span" in value;

/** One node a line, children indented under the name of the field that holds them. */
export function printTree(root: File): string {
  const lines: string[] = [];
  const stack: { node: AnyNode; depth: number; field: string }[] = [{ node: root, depth: 0, field: "" }];
  while (stack.length > 0) {
    const { node, depth, field } = stack.pop()!;
    const words: string[] = [];
    const children: { node: AnyNode; depth: number; field: string }[] = [];
    for (const [name, value] of Object.entries(node)) {
      if (name === "kind" || name === "span" || name === "opSpan" || value === undefined) continue;
      const parts: readonly unknown[] = Array.isArray(value) ? value : [value];
      for (const part of parts) {
        if (isNode(part)) children.push({ node: part, depth: depth + 1, field: name });
        else if (typeof part !== "object") words.push(`${name}=${JSON.stringify(part)}`);
      }
    }
    const { line, column } = position(node.span.file, node.span.start);
    const label = field === "" ? "" : `${field}: `;
    lines.push(
      `${"  ".repeat(depth)}${label}${node.kind}${words.map((word) => ` ${word}`).join("")} @${line}:${column}`,
    );
    for (const child of children.reverse()) stack.push(child);
  }
  return lines.join("\n");
}
