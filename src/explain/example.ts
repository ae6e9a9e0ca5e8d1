/**
 * A declaration of the library as it is explained: a loss with its defaults, and with a plain loss where it takes one; a
 * distance in a loss that does nothing else. Pure.
 */
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import { instantiateLoss } from "../resolve/bind.ts";
import { Scope } from "../resolve/scope.ts";
import type { LossInstance } from "../resolve/values.ts";
import type { LossDeclaration } from "../syntax/ast.ts";
import { parse } from "../syntax/parse.ts";

/** The loss that stands where a loss takes one and says none. */
const INNER = "contrastive()";

export interface Example {
  /** `matryoshka(inner: contrastive())` */
  readonly use: string;
  readonly instance: LossInstance;
}

/** `undefined` for a loss that asks for a value other than a loss. */
export function exampleOf(declaration: LossDeclaration, scope: Scope): Example | undefined {
  const asked = declaration.parameters.filter((parameter) => parameter.default === undefined);
  if (asked.some(({ type }) => type.name.text !== "loss")) return undefined;
  const given = asked.map(({ name }) => `${name.text}: ${INNER}`).join(", ");
  return exampleUse(`${declaration.name.text}(${given})`, scope);
}

/** Every pair of the batch by a measure: a loss with the measure's values. */
export function pairsBy(measure: string, scope: Scope): Example | undefined {
  const text = `loss pairs() { mean[i, j | i != j] ${measure}(x[i], x[j]) }\n`;
  const { declarations } = parse({ path: "pairs", text, standard: false }, new Diagnostics());
  const inner = new Scope(scope);
  for (const declaration of declarations) inner.add(declaration);
  return exampleUse("pairs()", inner);
}

/** A use of a loss, as it is written in a model; `undefined` if it has errors. */
export function exampleUse(use: string, scope: Scope): Example | undefined {
  const diagnostics = new Diagnostics();
  // A measure's body is any expression: it carries the use through the parser.
  const text = `distance carrier(u, v) = ${use}\n`;
  const [carrier] = parse({ path: "use", text, standard: false }, diagnostics).declarations;
  if (carrier?.kind !== "Measure" || diagnostics.hasErrors) return undefined;
  const instance = instantiateLoss(carrier.body, scope, new Map(), diagnostics);
  return instance === undefined || diagnostics.hasErrors
    ? undefined
    : { use: use.replace(/\(\)$/, ""), instance };
}
