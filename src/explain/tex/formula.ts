/**
 * A declaration's formula as lines of TeX, for reference pages: what its `let`s abbreviate, what it learns and keeps, and
 * its value. Called by whoever writes pages. Pure.
 */
import type { Declaration, Expression, LossDeclaration, Statement } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";
import { expressionToTex, type Surroundings } from "./expression.ts";
import { nameToTex, functionToTex, textToTex } from "./words.ts";

/** One line of a display: `left relation right`. */
export interface TexLine {
  readonly left: string;
  readonly relation: string;
  readonly right: string;
}

/**
 * The formula of a loss, a distance, a similarity or a miner, its value last; empty for every other declaration, whose
 * meaning is a network's or the compiler's own.
 */
export function formulaToTex(declaration: Declaration): readonly TexLine[] {
  if (declaration.kind === "Measure") {
    const around = surroundings([], declaration.body, declaration.operands);
    const operands = declaration.operands.map(({ text }) => nameToTex(text)).join(", ");
    return [
      {
        left: `${functionToTex(declaration.name.text)}(${operands})`,
        relation: "=",
        right: valueTex(declaration.body, around),
      },
    ];
  }
  if (declaration.kind === "Loss") {
    const around = surroundings(declaration.statements, declaration.body, declaration.views ?? []);
    return [
      ...declaration.statements.map((statement) => lineOf(statement, around)),
      { left: lossSign(declaration), relation: "=", right: valueTex(declaration.body, around) },
    ];
  }
  if (declaration.kind === "Miner") {
    const around = surroundings(declaration.statements, declaration.condition, []);
    const tuple = declaration.tuple.map(({ text }) => nameToTex(text)).join(", ");
    const { condition } = declaration;
    return [
      ...declaration.statements.map((statement) => lineOf(statement, around)),
      ...(condition === undefined
        ? []
        : [{ left: `(${tuple})`, relation: "\\text{ if }", right: valueTex(condition, around) }]),
    ];
  }
  return [];
}

/** The lines as one display that aligns them at their relations. */
export function displayOf(lines: readonly TexLine[]): string {
  const rows = lines.map(({ left, relation, right }) => `${left} &${relation} ${right}`);
  return `\\begin{aligned}\n${rows.join(" \\\\[0.4em]\n")}\n\\end{aligned}`;
}

/** What the signs mean that every page uses; `{ tex, meaning }` in the order they are best told. */
export const legend: readonly { readonly tex: string; readonly meaning: string }[] = [
  { tex: "i \\sim j", meaning: "different samples of one class" },
  { tex: "i \\nsim j", meaning: "samples of different classes" },
  { tex: "x_i, \\; y_i", meaning: "a sample's embedding and its class" },
  { tex: "B, \\; C, \\; D", meaning: "samples in the batch, classes, width of the embedding" },
  { tex: "[v]_+", meaning: "the larger of v and 0" },
  { tex: "\\operatorname{mean^{+}}", meaning: "the mean over the terms above 0" },
  { tex: "\\left[\\!\\left[v = w\\right]\\!\\right]", meaning: "1 where it holds, else 0" },
  { tex: "\\operatorname{CE}", meaning: "cross-entropy of logits and a class" },
  { tex: "\\operatorname{sg}", meaning: "no gradient flows through it" },
];

function lossSign({ views }: LossDeclaration): string {
  return views === undefined
    ? "\\mathcal{L}"
    : `\\mathcal{L}(${views.map(({ text }) => nameToTex(text)).join(", ")})`;
}

/** An expression that fills a line; a sum of several terms too long for one goes on below, at its plus signs. */
function valueTex(expression: Expression, around: Surroundings): string {
  const whole = expressionToTex(expression, around).tex;
  const terms = termsOf(expression);
  if (terms.length < 2 || whole.length < 150) return whole;
  const rows = terms.map(({ sign, term }, at) => {
    const { tex, power } = expressionToTex(term, around);
    const held = at > 0 && power <= 60 ? `\\left(${tex}\\right)` : tex;
    return at === 0 ? held : `\\quad {} ${sign} ${held}`;
  });
  return `\\begin{aligned}[t]&${rows.join(" \\\\ &")}\\end{aligned}`;
}

/** The terms of a sum with their signs. */
function termsOf(expression: Expression): { sign: "+" | "-"; term: Expression }[] {
  const found: { sign: "+" | "-"; term: Expression }[] = [];
  let rest = expression;
  while (rest.kind === "Binary" && (rest.op === "+" || rest.op === "-")) {
    found.push({ sign: rest.op, term: rest.right });
    rest = rest.left;
  }
  return [...found, { sign: "+" as const, term: rest }].reverse();
}

function lineOf(statement: Statement, around: Surroundings): TexLine {
  const name = nameToTex(statement.name.text);
  switch (statement.kind) {
    case "Let": {
      const args = statement.parameters.map(({ text }) => nameToTex(text));
      const left = !statement.callable
        ? name
        : around.subscripted.has(statement.name.text)
          ? `${name}_{${args.join("")}}`
          : `${functionToTex(statement.name.text)}(${args.join(", ")})`;
      return { left, relation: "=", right: valueTex(statement.value, around) };
    }
    case "Param": {
      const axes = statement.type.axes ?? [];
      const space =
        axes.length === 0
          ? "\\mathbb{R}"
          : `\\mathbb{R}^{${axes.map((axis) => expressionToTex(axis, around).tex).join(" \\times ")}}`;
      return { left: name, relation: "\\in", right: `${space} \\quad ${textToTex("(learned)")}` };
    }
    case "State":
      return {
        left: name,
        relation: "\\leftarrow",
        right:
          `${valueTex(statement.next, around)} \\quad ` +
          `${textToTex("after each step, first ")}${expressionToTex(statement.initial, around).tex}`,
      };
    case "Assignment":
      return { left: name, relation: "=", right: valueTex(statement.value, around) };
  }
}

/**
 * Which names the declaration gives a meaning, and which `let` functions take nothing but indices: their arguments stand
 * below them, as on paper. A function that is anywhere given something else, or a whole tensor, keeps its parentheses.
 */
function surroundings(
  statements: readonly Statement[],
  body: Expression | undefined,
  views: readonly { readonly text: string }[],
): Surroundings {
  const tensors = new Set(["x", "y", ...views.map(({ text }) => text)]);
  for (const statement of statements)
    if (statement.kind === "Param" || statement.kind === "State") tensors.add(statement.name.text);
  const functions = statements.filter((statement) => statement.kind === "Let" && statement.callable);
  const subscripted = new Set(functions.map(({ name }) => name.text));
  const values = [
    ...statements.flatMap((each) =>
      each.kind === "State" ? [each.next] : each.kind === "Param" ? [] : [each.value],
    ),
    ...(body === undefined ? [] : [body]),
  ];
  const isIndex = (given: Expression): boolean =>
    given.kind === "Name" ? !tensors.has(given.text) : isClass(given);
  for (const value of values)
    walk(value, {
      enter: (node) => {
        if (node.kind !== "Call" || !subscripted.has(node.callee.text)) return;
        if (node.arguments.some(({ name, value: given }) => name !== undefined || !isIndex(given)))
          subscripted.delete(node.callee.text);
      },
    });
  return { subscripted, own: new Set(statements.map(({ name }) => name.text)) };
}

/** Whether it is the class of a sample, `y[i]`. */
function isClass(expression: Expression): boolean {
  return expression.kind === "Index" && expression.target.kind === "Name" && expression.target.text === "y";
}
