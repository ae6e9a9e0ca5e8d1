/**
 * How words of the language are written in mathematics: Greek names as letters, one-letter names as they are, longer names
 * upright, the sizes of the batch as capitals. Read by the other files of this folder. Pure.
 */

const greek = new Set(
  (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi " +
    "omega"
  ).split(" "),
);

/** The sizes every formula knows, by the letters the legend of a reference page explains. */
export const sizeLetters: ReadonlyMap<string, string> = new Map([
  ["batch", "B"],
  ["classes", "C"],
  ["dim", "D"],
]);

/** A name as TeX: `\alpha`, `x`, `\mathrm{margin}`, `B` for `batch`. */
export function nameToTex(name: string): string {
  const size = sizeLetters.get(name);
  if (size !== undefined) return size;
  if (greek.has(name)) return `\\${name}`;
  if ([...name].length === 1) return escape(name);
  return `\\mathrm{${escape(name)}}`;
}

/** A name that is applied to something: `\operatorname{sigmoid}`. */
export function functionToTex(name: string): string {
  return greek.has(name) || [...name].length === 1 ? nameToTex(name) : `\\operatorname{${escape(name)}}`;
}

/** Words of running text: `\text{…}`. */
export function textToTex(words: string): string {
  return `\\text{${escape(words)}}`;
}

/** A number as it is written on paper: `10^{-4}`, `1.5 \cdot 10^{-3}`, `0.05`. */
export function numberToTex(value: number): string {
  const [mantissa = "", exponent] = String(value).split("e");
  const size = Math.abs(value);
  if (exponent === undefined && (size === 0 || (size >= 1e-3 && size < 1e6))) return mantissa;
  const [digits = "", power = "0"] = value.toExponential().split("e");
  const tens = `10^{${Number(power)}}`;
  return digits === "1" ? tens : `${digits} \\cdot ${tens}`;
}

/** Characters that mean something to TeX, as themselves. */
function escape(text: string): string {
  return text.replace(
    /[\\{}_^~#$%&]/g,
    (found) => ({ "\\": "\\backslash ", "^": "\\wedge ", "~": "\\sim " })[found] ?? `\\${found}`,
  );
}
