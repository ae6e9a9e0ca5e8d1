/**
 * Spec text in emitted programs. A spec is a stranger's text: whatever it holds ends up inside a string literal or on
 * one comment line, never as code.
 */

/** A string literal; control, bidirectional and line-separating characters are written as escapes. */
export function stringLiteral(text: string): string {
  return escaped(JSON.stringify(text));
}

/** Text fit for one `//` line or for the inside of a block comment. */
export function commentText(text: string): string {
  const oneLine = text.replace(/[\r\n\t]+/g, " ").replaceAll("*/", "* /");
  return escaped(oneLine.replace(/ {2,}/g, " ").trim());
}

/** Characters that cannot be seen, or that change how others are seen, as \\u escapes of their UTF-16 units. */
function escaped(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]/gu, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** A value of plain data as an expression: numbers, strings, booleans, arrays, objects without undefined entries. */
export function dataLiteral(value: unknown): string {
  if (typeof value === "string") return stringLiteral(value);
  if (Array.isArray(value)) return `[${value.map(dataLiteral).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value).filter(([, entry]) => entry !== undefined);
    return `{ ${entries.map(([name, entry]) => `${objectKey(name)}: ${dataLiteral(entry)}`).join(", ")} }`;
  }
  return String(value);
}

/** A key of an object literal. `__proto__` is computed, so that it is a key and not the prototype. */
export function objectKey(name: string): string {
  if (name === "__proto__") return '["__proto__"]';
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : stringLiteral(name);
}

/** An entry of an object literal, short where the variable is called like the key. */
export const entryText = (name: string, value: string): string =>
  name === value ? name : `${objectKey(name)}: ${value}`;
