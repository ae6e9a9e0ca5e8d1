/**
 * The functions, distances and similarities of the standard library in the signs that papers use for them. A name that a
 * declaration hides by one of its own never gets here. Read by expression.ts. Pure.
 */
import { atom, fraction, held, parenthesised, powers, type Piece } from "./shape.ts";

type Written = (...args: readonly Piece[]) => Piece | undefined;

const applied =
  (sign: string): Written =>
  (inner) =>
    inner && atom(`${sign}${parenthesised(inner.tex)}`);

const difference = (u: Piece, v: Piece): string =>
  `${held(u, powers.sum).tex} - ${held(v, powers.sum + 1).tex}`;
const norm = (tex: string): string => `\\left\\lVert ${tex} \\right\\rVert`;

const signs: Readonly<Record<string, Written>> = {
  relu: (inner) => inner && atom(`\\left[${inner.tex}\\right]_{+}`),
  exp: (inner) =>
    inner && (inner.tex.length < 40 ? atom(`e^{${inner.tex}}`) : atom(`\\exp${parenthesised(inner.tex)}`)),
  log: applied("\\log"),
  log1p: (inner) => inner && atom(`\\log${parenthesised(`1 + ${held(inner, powers.sum).tex}`)}`),
  sqrt: (inner) => inner && atom(`\\sqrt{${inner.tex}}`),
  abs: (inner) => inner && atom(`\\left| ${inner.tex} \\right|`),
  acos: applied("\\arccos"),
  cos: applied("\\cos"),
  sin: applied("\\sin"),
  tanh: applied("\\tanh"),
  ratio: (over, under) => over && under && fraction(over, under),
  norm: (u) => u && atom(norm(u.tex)),
  normalize: (u) => u && fraction(u, atom(norm(u.tex))),
  prefix: (u, size) => u && size && atom(`{${held(u, powers.power).tex}}_{[1:${size.tex}]}`),
  stop_gradient: applied("\\operatorname{sg}"),
  euclidean: (u, v) => u && v && atom(norm(difference(u, v))),
  squared_euclidean: (u, v) => u && v && atom(`${norm(difference(u, v))}^{2}`),
  dot: (u, v) => u && v && atom(`\\left\\langle ${u.tex}, ${v.tex} \\right\\rangle`),
  cosine: (u, v) => u && v && atom(`\\cos\\left(${u.tex}, ${v.tex}\\right)`),
};

/** `name(args)` in its usual signs; undefined where it has none, or not for that many arguments. */
export function signed(name: string, args: readonly Piece[]): Piece | undefined {
  if (!Object.hasOwn(signs, name)) return undefined;
  const write = signs[name]!;
  return args.length > 2 ? undefined : write(...args);
}
