/**
 * What there is to say about a declaration: its kind, signature, parameters, documentation and formula, all as text. Read
 * by `dmlc explain NAME`. Pure; source text is taken from the spans where the syntax tree keeps no printed form.
 */
import { oneLine, writeType } from "../resolve/describe.ts";
import { nameKindOf } from "../resolve/scope.ts";
import { position, textOf } from "../source/source.ts";
import type { Declaration, Expression, IndexBinding, Parameter, Statement } from "../syntax/ast.ts";
import { printExpression } from "../syntax/print.ts";
import { citationsOf, summaryOf } from "./documentation.ts";
import type { Citation } from "./documentation.ts";

export interface ExplainedParameter {
  readonly name: string;
  /** With its range, as declared: `real > 0`. */
  readonly type: string;
  /** As declared; absent where a value must be given. */
  readonly default?: string;
}

export interface ExplainedDeclaration {
  readonly name: string;
  /** `loss`, `distance`, `similarity`, `miner`, `backbone`, or the role of a primitive: `layer`, `strategy`, … */
  readonly kind: string;
  /** Whether its meaning is the compiler's own, and not written in the language. */
  readonly primitive: boolean;
  /** The header on one line, from the name to the body. */
  readonly signature: string;
  readonly parameters: readonly ExplainedParameter[];
  /** The `///` lines above it; empty where there are none. */
  readonly documentation: string;
  /** Its first sentence, and the papers that it cites. */
  readonly summary: string;
  readonly sources: readonly Citation[];
  /** Its statements, then its value, one a line; empty for a primitive. */
  readonly formula: readonly string[];
  readonly file: string;
  /** 1-based line of its name. */
  readonly line: number;
}

export function explainDeclaration(declaration: Declaration): ExplainedDeclaration {
  const { name, doc } = declaration;
  const kind = declaration.kind === "Measure" ? declaration.polarity : nameKindOf(declaration);
  return {
    name: name.text,
    kind,
    primitive: declaration.kind === "Primitive",
    signature: signatureOf(declaration),
    parameters: "parameters" in declaration ? declaration.parameters.map(parameterOf) : [],
    documentation: doc ?? "",
    summary: summaryOf(doc ?? ""),
    sources: citationsOf(doc ?? ""),
    formula: formulaOf(declaration),
    file: name.span.file.path,
    line: position(name.span.file, name.span.start).line,
  };
}

function parameterOf(parameter: Parameter): ExplainedParameter {
  return {
    name: parameter.name.text,
    type: writeType(parameter.type),
    ...(parameter.default === undefined ? {} : { default: printExpression(parameter.default) }),
  };
}

function signatureOf(declaration: Declaration): string {
  const { name } = declaration;
  switch (declaration.kind) {
    case "Dataset":
    case "Model":
      return name.text;
    case "Loss": {
      const { result, views, assumes } = declaration;
      return [
        `${name.text}(${written(declaration.parameters)})${result === undefined ? "" : `: ${writeType(result)}`}`,
        ...(views === undefined ? [] : [`of (${names(views)})`]),
        ...(assumes.length === 0 ? [] : [`assumes ${assumes.map(printExpression).join(", ")}`]),
      ].join(" ");
    }
    case "Measure": {
      const operands = declaration.operands.map(({ text }) => text);
      return `${name.text}(${[...operands, ...declaration.parameters.map(writtenParameter)].join(", ")})`;
    }
    case "Miner":
      return `${name.text}(${written(declaration.parameters)}) for (${names(declaration.tuple)})`;
    case "Backbone":
      return (
        name.text + `(${written(declaration.parameters)})` + shapes(declaration.input, declaration.output)
      );
    case "Primitive": {
      const { needs } = declaration;
      // What binds indices has them in brackets.
      const indices = declaration.role === "reduction" ? "[…]" : "";
      return (
        `${name.text}${indices}(${written(declaration.parameters)})${shapes(declaration.result, declaration.output)}` +
        (needs.length === 0 ? "" : ` needs ${names(needs)}`)
      );
    }
  }
}

type Type = Parameter["type"];

function shapes(input: Type | undefined, output: Type | undefined): string {
  return (
    (input === undefined ? "" : `: ${writeType(input)}`) +
    (output === undefined ? "" : ` -> ${writeType(output)}`)
  );
}

function names(identifiers: readonly { readonly text: string }[]): string {
  return identifiers.map(({ text }) => text).join(", ");
}

function written(parameters: readonly Parameter[]): string {
  return parameters.map(writtenParameter).join(", ");
}

function writtenParameter(parameter: Parameter): string {
  const { name, type, default: value } = parameterOf(parameter);
  return `${name}: ${type}${value === undefined ? "" : ` = ${value}`}`;
}

function formulaOf(declaration: Declaration): string[] {
  switch (declaration.kind) {
    case "Loss":
      return [...declaration.statements.map(statementText), printExpression(declaration.body)];
    case "Miner":
      return [...declaration.statements.map(statementText), ...optional(declaration.condition)];
    case "Measure":
    case "Backbone":
      return [printExpression(declaration.body)];
    case "Dataset":
      return [printExpression(declaration.source)];
    case "Model":
    case "Primitive":
      return [];
  }
}

function optional(expression: Expression | undefined): string[] {
  return expression === undefined ? [] : [printExpression(expression)];
}

/** `[b in 0..bins, k in classes]` */
function indicesText(indices: readonly IndexBinding[]): string {
  if (indices.length === 0) return "";
  const each = indices.map(({ name, domain }) =>
    domain === undefined ? name.text : `${name.text} in ${printExpression(domain)}`,
  );
  return `[${each.join(", ")}]`;
}

function statementText(statement: Statement): string {
  const name = statement.name.text;
  switch (statement.kind) {
    case "Let": {
      const parameters = statement.callable ? `(${names(statement.parameters)})` : "";
      return `let ${name}${parameters} = ${printExpression(statement.value)}`;
    }
    case "Param":
      return `param ${name}: ${oneLine(textOf(statement.type.span))} = ${printExpression(statement.init)}`;
    case "State":
      return (
        `state ${name}${indicesText(statement.indices)}: ${oneLine(textOf(statement.type.span))}` +
        ` = ${printExpression(statement.initial)}` +
        ` then ${printExpression(statement.next)}`
      );
    case "Assignment":
      return `${name} = ${printExpression(statement.value)}`;
  }
}
