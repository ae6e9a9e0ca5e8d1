/**
 * A declaration's formula as lines of TeX, for reference pages: what its `let`s abbreviate, what it learns and keeps, and
 * its value. Called by whoever writes pages. Pure.
 */
import type { Declaration, Expression, LossDeclaration, Parameter, Statement } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";
import { expressionToTex, type Surroundings } from "./expression.ts";
import { held, powers } from "./shape.ts";
import { nameToTex, functionToTex, textToTex } from "./words.ts";

/** Characters of TeX that fit on one line of a page. */
const lineLength = 150;

/** One line of a display: `left relation right`; without the first two where it goes on with the line above. */
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
    const around = surroundings(declaration, [], declaration.body, declaration.operands);
    const operands = declaration.operands.map(({ text }) => nameToTex(text)).join(", ");
    return linesOf(`${functionToTex(declaration.name.text)}(${operands})`, "=", declaration.body, around);
  }
  if (declaration.kind === "Loss") {
    const around = surroundings(
      declaration,
      declaration.statements,
      declaration.body,
      declaration.views ?? [],
    );
    return [
      ...declaration.statements.flatMap((statement) => statementLines(statement, around)),
      ...linesOf(lossSign(declaration), "=", declaration.body, around),
    ];
  }
  if (declaration.kind === "Miner") {
    const around = surroundings(declaration, declaration.statements, declaration.condition, []);
    const tuple = declaration.tuple.map(({ text }) => nameToTex(text)).join(", ");
    const { condition } = declaration;
    return [
      ...declaration.statements.flatMap((statement) => statementLines(statement, around)),
      ...(condition === undefined ? [] : linesOf(`(${tuple})`, "\\text{ if }", condition, around)),
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

/** `left relation expression`; a sum of several terms too long for one line goes on below, at its signs. */
function linesOf(left: string, relation: string, expression: Expression, around: Surroundings): TexLine[] {
  const whole = expressionToTex(expression, around).tex;
  const terms = termsOf(expression);
  if (terms.length < 2 || whole.length < lineLength) return [{ left, relation, right: whole }];
  return terms.map(({ sign, term }, at) => {
    const piece = expressionToTex(term, around);
    if (at === 0) return { left, relation, right: piece.tex };
    return { left: "", relation: "", right: `\\quad ${sign} ${held(piece, powers.sum + 1).tex}` };
  });
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

function statementLines(statement: Statement, around: Surroundings): TexLine[] {
  const name = nameToTex(statement.name.text);
  switch (statement.kind) {
    case "Let": {
      const args = statement.parameters.map(({ text }) => nameToTex(text));
      const left = !statement.callable
        ? name
        : around.subscripted.has(statement.name.text)
          ? `${name}_{${args.join("")}}`
          : `${functionToTex(statement.name.text)}(${args.join(", ")})`;
      return linesOf(left, "=", statement.value, around);
    }
    case "Param": {
      const axes = (statement.type.axes ?? []).map((axis) => expressionToTex(axis, around).tex);
      const space = axes.length === 0 ? "\\mathbb{R}" : `\\mathbb{R}^{${axes.join(" \\times ")}}`;
      return [{ left: name, relation: "\\in", right: `${space} \\quad ${textToTex("(learned)")}` }];
    }
    case "State": {
      const first = `${textToTex("first ")}${expressionToTex(statement.initial, around).tex}`;
      const indices = statement.indices.map((index) => nameToTex(index.name.text)).join("");
      const entry = indices === "" ? "" : `_{${indices}}`;
      return [
        ...linesOf(`${name}${entry}`, "\\leftarrow", statement.next, around),
        { left: "", relation: "", right: `\\quad ${textToTex("after each step; ")}${first}` },
      ];
    }
    case "Assignment":
      return linesOf(name, "=", statement.value, around);
  }
}

/**
 * Which names the declaration gives a meaning, and which `let` functions take nothing but indices: their arguments stand
 * below them, as on paper. A function that is anywhere given something else, or a whole tensor, keeps its parentheses.
 */
function surroundings(
  { parameters }: { readonly parameters: readonly Parameter[] },
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
  const lists = parameters.filter(({ type }) => type.axes !== undefined).map(({ name }) => name.text);
  return { subscripted, own: new Set(statements.map(({ name }) => name.text)), lists: new Set(lists) };
}

/** Whether it is the class of a sample, `y[i]`. */
function isClass(expression: Expression): boolean {
  return expression.kind === "Index" && expression.target.kind === "Name" && expression.target.text === "y";
}
