/** Whether and how text for a terminal is coloured. Pure; used by the progress display, the tables and the commands. */

export type Style = "bold" | "dim" | "red" | "green" | "yellow" | "cyan";

/** Wraps a text in a style, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

const CODES: Readonly<Record<Style, readonly [number, number]>> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
};

/**
 * Whether to colour, by the conventions of Node and no-color.org: FORCE_COLOR decides if set (0 and false mean no),
 * then NO_COLOR if not empty, then whether the stream is a terminal that can.
 */
export function colorEnabled(isTTY: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  const forced = env["FORCE_COLOR"];
  if (forced !== undefined) return forced !== "0" && forced !== "false";
  if (env["NO_COLOR"]) return false;
  return isTTY && env["TERM"] !== "dumb";
}

export function createPaint(enabled: boolean): Paint {
  if (!enabled) return (_, text) => text;
  return (style, text) => (text === "" ? "" : `\x1b[${CODES[style][0]}m${text}\x1b[${CODES[style][1]}m`);
}
