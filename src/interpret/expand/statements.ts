/**
 * Expands the statements of a loss or miner into its frame: `let`, `param`, `state`. Called by `loss.ts` and
 * `miners.ts`. Pure.
 */
import type { Expression, Let, Param, State, TypeExpression } from "../../syntax/ast.ts";
import { InterpretError } from "../errors.ts";
import { numberOf } from "../graph.ts";
import type { Input } from "../nodes.ts";
import type { Frame } from "./environment.ts";
import { expand, expandNode } from "./expand.ts";
import type { Expansion } from "./expand.ts";
import type { InitializerUse } from "./registry.ts";
import type { Operand } from "./tensor.ts";

export function bindStatement(e: Expansion, statement: Let | Param | State, frame: Frame): void {
  const name = statement.name.text;
  switch (statement.kind) {
    case "Let":
      if (statement.callable) {
        frame.set(name, { kind: "let", id: e.lets++, let: statement, frame });
      } else if (statement.value.kind === "List") {
        const values = statement.value.items.map((item) => constantOf(e, item, frame));
        frame.set(name, { kind: "list", values });
      } else {
        frame.bind(name, expand(e, statement.value, frame));
      }
      return;
    case "Param": {
      const input = declare(e, "param", e.registry.unique(name), statement.type, frame);
      e.registry.parameters.push({ input, initializer: initializerOf(e, statement.init, frame) });
      frame.bind(name, reading(e, input));
      return;
    }
    case "State": {
      const input = declare(e, "state", e.registry.unique(name), statement.type, frame);
      const initial = expandNode(e, statement.initial, frame);
      frame.bind(name, reading(e, input));
      e.registry.states.push({ input, initial, next: expand(e, statement.next, frame) });
      return;
    }
  }
}

function initializerOf(e: Expansion, init: Expression, frame: Frame): InitializerUse {
  if (init.kind === "Name") return { name: init.text, arguments: [], span: init.span };
  if (init.kind !== "Call") throw new InterpretError("a parameter starts from an initialiser", init.span);
  const given = init.arguments.map((argument) => ({
    ...(argument.name === undefined ? {} : { name: argument.name.text }),
    value: constantOf(e, argument.value, frame),
  }));
  return { name: init.callee.text, arguments: given, span: init.span };
}

function declare(
  e: Expansion,
  role: "param" | "state",
  name: string,
  type: TypeExpression,
  frame: Frame,
): Input {
  const shape = (type.axes ?? []).map((axis) => constantOf(e, axis, frame));
  if (shape.some((length) => !Number.isInteger(length) || length < 0))
    throw new InterpretError(`${name} cannot have shape [${shape.join(", ")}]`, type.span);
  return e.graph.input(role, name, shape);
}

/** An input without axes is a number. */
function reading(e: Expansion, input: Input): Operand {
  return input.shape.length === 0 ? e.graph.element(input, []) : input;
}

function constantOf(e: Expansion, expression: Expression, frame: Frame): number {
  const value = numberOf(expandNode(e, expression, frame));
  if (value === undefined) throw new InterpretError("this is not known before the batch is", expression.span);
  return value;
}
