/**
 * One expression of a formula as TeX: sums with their guards below, fractions, cases, indices as subscripts. Called by
 * formula.ts, which says what the names of the declaration are. Pure; recursion is as deep as the expression, which the
 * parser bounds.
 *
 * The notation: i ∼ j is `same(i, j)`, two different samples of one class; i ≁ j is `differs(i, j)`; mean with + above it
 * is the mean over the terms above 0; a truth in double brackets is 1 or 0; sg stops the gradient.
 */
import type { Argument, Binary, Call, Expression, Index, IndexBinding, Reduction } from "../../syntax/ast.ts";
import { binaryPower, isComparison } from "../../syntax/operators.ts";
import { printExpression } from "../../syntax/print.ts";
import { signed } from "./functions.ts";
import { atom, fraction, held, parenthesised, powers, times, type Piece } from "./shape.ts";
import { functionToTex, nameToTex, numberToTex, textToTex } from "./words.ts";

/** What an expression has to know of the declaration it stands in. */
export interface Surroundings {
  /** `let` functions of indices alone, written with their arguments as subscripts. */
  readonly subscripted: ReadonlySet<string>;
  /** Names the declaration gives a meaning of its own: never the library's functions. */
  readonly own: ReadonlySet<string>;
  /** Parameters that are lists of numbers. */
  readonly lists: ReadonlySet<string>;
}

const comparisons: Readonly<Record<string, string>> = {
  "==": "=",
  "!=": "\\ne",
  "<": "<",
  "<=": "\\le",
  ">": ">",
  ">=": "\\ge",
};

export function expressionToTex(expression: Expression, around: Surroundings): Piece {
  const tex = (inner: Expression): Piece => expressionToTex(inner, around);
  switch (expression.kind) {
    case "Number": {
      const number = numberToTex(expression.value);
      if (expression.unit === "deg") return atom(`${number}^{\\circ}`);
      if (expression.unit === undefined || expression.unit === "rad") return atom(number);
      return atom(`${number}\\,${textToTex(expression.unit)}`);
    }
    case "Bool":
      return atom(textToTex(String(expression.value)));
    case "Name":
      return atom(nameToTex(expression.text));
    case "List":
      return atom(`\\left\\{${expression.items.map((item) => tex(item).tex).join(", ")}\\right\\}`);
    case "Range":
      return atom(
        `\\left\\{${tex(expression.from).tex}, \\dots, ${belowTo(expression.to, around)}\\right\\}`,
      );
    case "Unary": {
      const inner = tex(expression.operand);
      if (expression.op === "not") return { tex: `\\lnot ${held(inner, powers.comparison).tex}`, power: 40 };
      return { tex: `-${held(inner, powers.product).tex}`, power: powers.product };
    }
    case "Binary":
      return binary(expression, around);
    case "If": {
      const condition = tex(expression.condition).tex;
      const cases = `${tex(expression.then).tex} & \\text{if } ${condition} \\\\ ${tex(expression.else).tex} & \\text{otherwise}`;
      return { tex: `\\begin{cases}${cases}\\end{cases}`, power: powers.choice };
    }
    case "Call":
      return call(expression, around);
    case "Index":
      return index(expression, around);
    case "Reduction":
      return reduction(expression, around);
    default:
      return atom(textToTex(printExpression(expression)));
  }
}

/** The last number of a half-open range: `n - 1` for `n`, and one less where it is a number. */
function belowTo(to: Expression, around: Surroundings): string {
  if (to.kind === "Number") return numberToTex(to.value - 1);
  if (to.kind === "Binary" && to.op === "+" && to.right.kind === "Number" && to.right.value === 1)
    return expressionToTex(to.left, around).tex;
  return `${held(expressionToTex(to, around), powers.sum).tex} - 1`;
}

function binary(expression: Binary, around: Surroundings): Piece {
  const { op } = expression;
  const arithmetic = "+-*/^".includes(op);
  const left = arithmetic ? asNumber(expression.left, around) : expressionToTex(expression.left, around);
  const right = arithmetic ? asNumber(expression.right, around) : expressionToTex(expression.right, around);
  const [leftPower, rightPower] = binaryPower[op];
  if (op === "*") return times(left, right);
  if (op === "/") return fraction(left, right);
  if (op === "^") return { tex: `${held(left, powers.power + 1).tex}^{${right.tex}}`, power: powers.power };
  if (op === "+" && right.tex.startsWith("-"))
    return { tex: `${held(left, leftPower).tex} + ${parenthesised(right.tex)}`, power: leftPower };
  const sign = op === "and" ? ",\\ " : op === "or" ? " \\lor " : ` ${comparisons[op] ?? op} `;
  return {
    tex: `${held(left, leftPower).tex}${sign}${held(right, rightPower).tex}`,
    power: leftPower,
    digit: left.digit === true,
  };
}

/** An operand of arithmetic; a truth that is reckoned with is a number, 1 or 0. */
function asNumber(operand: Expression, around: Surroundings): Piece {
  const piece = expressionToTex(operand, around);
  const truth =
    operand.kind === "Binary" && (isComparison(operand.op) || operand.op === "and" || operand.op === "or");
  return truth ? atom(`\\left[\\!\\left[${piece.tex}\\right]\\!\\right]`) : piece;
}

function call(expression: Call, around: Surroundings): Piece {
  const { callee } = expression;
  const args = expression.arguments.map((given) => argument(given, around));
  const plain = expression.arguments.every(({ name }) => name === undefined);
  if (around.subscripted.has(callee.text)) return atom(subscripted(nameToTex(callee.text), args));
  if (!around.own.has(callee.text)) {
    if (callee.text === "same" || callee.text === "differs") {
      const sign = callee.text === "same" ? "\\sim" : "\\nsim";
      const [i, j, ...rest] = expression.arguments.map(({ value }) => expressionToTex(value, around));
      if (i !== undefined && j !== undefined) {
        const label = rest.length === 0 ? "" : `_{${rest.map(({ tex }) => tex).join(",")}}`;
        return { tex: `${i.tex} ${sign}${label} ${j.tex}`, power: powers.comparison };
      }
    }
    if ((callee.text === "max" || callee.text === "min") && plain)
      return atom(`\\${callee.text}\\left(${list(args)}\\right)`);
    const found = plain ? signed(callee.text, args) : undefined;
    if (found !== undefined) return found;
  }
  return atom(`${functionToTex(callee.text)}${parenthesised(list(args))}`);
}

function argument({ name, value }: Argument, around: Surroundings): Piece {
  const piece = expressionToTex(value, around);
  return name === undefined ? piece : atom(`${nameToTex(name.text)} = ${piece.tex}`);
}

function list(pieces: readonly Piece[]): string {
  return pieces.map(({ tex }) => tex).join(", ");
}

/** A name with its arguments below it, side by side where each is one sign. */
function subscripted(name: string, args: readonly Piece[]): string {
  const single = args.every(({ tex }) => /^([A-Za-z0-9]|\\[a-z]+)$/.test(tex));
  return `${name}_{${args.map(({ tex }) => tex).join(single ? "" : ", ")}}`;
}

function index(expression: Index, around: Surroundings): Piece {
  const target = expressionToTex(expression.target, around);
  const indices = expression.indices.map((inner) => expressionToTex(inner, around));
  return atom(subscripted(held(target, powers.power).tex, indices));
}

/** Characters of TeX that may stand side by side below a sum; what is longer goes one below the other. */
const narrow = 56;

// ── Reductions ──────────────────────────────────────────────────────────────────────────────────────────────────

const signsOfReductions: Readonly<Record<string, string>> = {
  sum: "\\sum",
  mean: "\\operatorname*{mean}",
  mean_active: "\\operatorname*{mean^{+}}",
  max: "\\max",
  min: "\\min",
  argmax: "\\operatorname*{arg\\,max}",
  argmin: "\\operatorname*{arg\\,min}",
  sample: "\\operatorname*{sample}",
  variance: "\\operatorname*{Var}",
  sample_variance: "\\operatorname*{Var^{*}}",
  log_softmax: "\\log\\,\\operatorname*{softmax}",
  cross_entropy: "\\operatorname*{CE}",
};

function reduction(expression: Reduction, around: Surroundings): Piece {
  const bodies = expression.bodies.map((body) => {
    const truth = expression.op !== "count" && expression.op !== "any" && expression.op !== "all";
    return truth ? asNumber(body, around) : expressionToTex(body, around);
  });
  const below = [
    ...bindings(expression.indices, around),
    ...expression.guards.map((guard) => expressionToTex(guard, around).tex),
  ];
  const [first = "", ...conditions] = below;
  const line = conditions.length === 0 ? first : `${first} \\,:\\, ${conditions.join(",\\, ")}`;
  const bounds = line.length <= narrow ? line : `\\substack{${below.join(" \\\\ ")}}`;
  const [body] = bodies;
  switch (expression.op) {
    case "any":
    case "all":
      return {
        tex: `\\${expression.op === "any" ? "exists" : "forall"}\\, ${below.join(",\\ ")}: ${body?.tex ?? ""}`,
        power: powers.and,
      };
    case "count":
      return atom(`\\left|\\left\\{${below.join(",\\ ")} : ${body?.tex ?? ""}\\right\\}\\right|`);
    case "logsumexp": {
      const inner = body?.tex ?? "";
      const power = inner.length < 40 ? `e^{${inner}}` : `\\exp${parenthesised(inner)}`;
      return { tex: `\\log \\sum_{${bounds}} ${power}`, power: powers.product, open: true };
    }
    case "sum":
    case "mean":
    case "mean_active":
    case "max":
    case "min":
    case "argmax":
    case "argmin":
    case "sample":
      return {
        tex: `${signsOfReductions[expression.op]!}_{${bounds}} ${body === undefined ? "" : held(body, powers.product).tex}`,
        power: powers.product,
        open: true,
      };
    default: {
      const sign =
        signsOfReductions[expression.op] ??
        functionToTex(expression.op).replace("operatorname", "operatorname*");
      return atom(`${sign}_{${bounds}}${parenthesised(list(bodies))}`);
    }
  }
}

/** The indices under a sum, those over the batch in one piece: `i, j`, `k \le C`, `0 \le r < n`. */
function bindings(indices: readonly IndexBinding[], around: Surroundings): string[] {
  const free: string[] = [];
  const bounded: string[] = [];
  for (const { name, domain } of indices) {
    const letter = nameToTex(name.text);
    if (domain === undefined || (domain.kind === "Name" && domain.text === "batch")) free.push(letter);
    else if (domain.kind === "Range") {
      const low = expressionToTex(domain.from, around).tex;
      bounded.push(`${low} \\le ${letter} < ${expressionToTex(domain.to, around).tex}`);
    } else if (domain.kind === "List") bounded.push(`${letter} \\in ${expressionToTex(domain, around).tex}`);
    else if (domain.kind === "Name" && !around.own.has(domain.text) && !around.lists.has(domain.text))
      bounded.push(`${letter} \\le ${expressionToTex(domain, around).tex}`);
    else if (domain.kind === "Number") bounded.push(`${letter} < ${expressionToTex(domain, around).tex}`);
    else bounded.push(`${letter} \\in ${expressionToTex(domain, around).tex}`);
  }
  return [...(free.length === 0 ? [] : [free.join(", ")]), ...bounded];
}
