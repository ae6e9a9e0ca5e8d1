/**
 * The law of `miner` declarations: a condition on its tuple, or an assignment for each chosen index. One that is not
 * assigned is any that the loss takes.
 */
import { malformedDeclaration } from "../../diagnostics/codes/formula.ts";
import type { Assignment, MinerDeclaration } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";
import { tensor } from "../../types/formula_type.ts";
import type { CheckContext } from "../context.ts";
import { addGlobals, Formula } from "../formula/declaration.ts";
import { expectBool, expectIndexOver } from "../formula/expectations.ts";

export function checkMinerDeclaration(declaration: MinerDeclaration, context: CheckContext): void {
  const formula = new Formula(declaration, context);
  addGlobals(formula);
  formula.global("x", tensor([formula.axis("batch"), formula.axis("dim")]), "the embeddings of the batch");
  formula.parameters(declaration.parameters);
  const assigned: Assignment[] = [];
  for (const statement of declaration.statements)
    switch (statement.kind) {
      case "Let":
        formula.let(statement);
        break;
      case "Assignment":
        assigned.push(statement);
        break;
      default:
        // The parser has refused it.
        break;
    }
  const chosen = new Map(assigned.map((statement) => [statement.name.text, statement]));
  const sample = { kind: "index", axis: formula.axis("batch") } as const;
  for (const index of declaration.tuple)
    if (!chosen.has(index.text))
      formula.declare(index, "operand", {
        kind: "value",
        type: sample,
        what: "an index of the tuple",
        constant: false,
      });
  checkForm(declaration, chosen, context);
  for (const { name, value } of assigned) {
    const type = formula.infer(value);
    expectIndexOver(formula.context, value, type, formula.axis("batch"), `\`${name.text}\``);
    if (declaration.tuple.some((index) => index.text === name.text))
      formula.declare(name, "operand", {
        kind: "value",
        type: sample,
        what: "an index of the tuple",
        constant: false,
      });
  }
  if (declaration.condition !== undefined)
    expectBool(formula.context, declaration.condition, formula.infer(declaration.condition), "A miner");
  formula.finish();
}

function checkForm(
  declaration: MinerDeclaration,
  chosen: ReadonlyMap<string, Assignment>,
  { diagnostics }: CheckContext,
): void {
  const tuple = declaration.tuple.map((index) => index.text);
  for (const { name } of chosen.values())
    if (!tuple.includes(name.text))
      diagnostics.report(malformedDeclaration, name.span, {
        what: `\`${name.text}\` is no index of this miner's tuple`,
        why: `The tuple is (${tuple.join(", ")}); an assignment says which sample one of its indices is.`,
        help: `Write \`let ${name.text} = …\` for a value of your own.`,
      });
  if (declaration.condition !== undefined && chosen.size > 0)
    diagnostics.report(malformedDeclaration, declaration.condition.span, {
      what: "This miner both assigns indices and states a condition",
      why: "Either the tuples are those that fulfil a condition, or each is made by choosing its indices.",
      help: "Put the condition into the guards of the `argmax`, `argmin` or `sample`.",
    });
  if (declaration.condition === undefined && chosen.size === 0)
    diagnostics.report(malformedDeclaration, declaration.name.span, {
      what: `The miner \`${declaration.name.text}\` chooses nothing`,
      why: `Its body ends in a condition on (${tuple.join(", ")}), or assigns all but the first of them.`,
      help: "Write for example `same(a, p) and differs(a, n)`.",
    });
  const [first, ...others] = tuple.filter((name) => !chosen.has(name));
  const isStated = (name: string): boolean =>
    tuple.slice(tuple.indexOf(name)).some((later) => variesWith(chosen.get(later), name));
  const open = others.filter((name) => !isStated(name));
  if (chosen.size > 0 && open.length > 0)
    diagnostics.report(malformedDeclaration, declaration.name.span, {
      what: `Nothing says which samples ${open.map((name) => `\`${name}\``).join(", ")} are`,
      why: "A miner that assigns indices assigns all but the first, for each first one. Another is open where a later one is drawn, or found, for each of it.",
      help: `Write for example \`${open[0]} = argmin[j | differs(${first}, j)] …\`.`,
    });
}

/** Whether the index that is assigned may be another for each value of `name`: it is drawn, or names it. */
function variesWith(statement: Assignment | undefined, name: string): boolean {
  let found = false;
  if (statement !== undefined)
    walk(statement.value, {
      enter: (node) => {
        found ||=
          node.kind === "Reduction" ? node.op === "sample" : node.kind === "Name" && node.text === name;
      },
    });
  return found;
}
