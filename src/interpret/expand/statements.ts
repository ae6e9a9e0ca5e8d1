/**
 * Expands the statements of a loss or miner into its frame: `let`, `param`, `state`. Called by `loss.ts` and
 * `miners.ts`. Pure.
 */
import { initializerUse } from "../../resolve/initializers.ts";
import type { Expression, IndexBinding, Let, Param, State, TypeExpression } from "../../syntax/ast.ts";
import { DOMAIN } from "../budget.ts";
import { InterpretError } from "../errors.ts";
import { numberOf } from "../graph.ts";
import type { Input, Variable } from "../nodes.ts";
import type { Frame } from "./environment.ts";
import { expand, expandNode } from "./expand.ts";
import type { Expansion } from "./expand.ts";
import type { InitializerUse } from "./registry.ts";
import type { Operand } from "./tensor.ts";

/** What stands below a statement sees it and all `above` it; a `let` function itself sees what is above alone. */
export function bindStatement(e: Expansion, statement: Let | Param | State, above: Frame): Frame {
  const frame = above.child();
  bind(e, statement, above, frame);
  return frame;
}

function bind(e: Expansion, statement: Let | Param | State, above: Frame, frame: Frame): void {
  const name = statement.name.text;
  switch (statement.kind) {
    case "Let":
      if (statement.callable) {
        frame.set(name, { kind: "let", id: e.lets++, let: statement, frame: above });
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
      const over = statement.indices.map((index) => indexOf(e, index, frame));
      const unique = e.registry.unique(name);
      const input =
        over.length === 0
          ? declare(e, "state", unique, statement.type, frame)
          : e.graph.input(
              "state",
              unique,
              over.map(({ size }) => size!),
            );
      const { initial } = statement;
      const ofInitializer = initializerUse(initial, frame.scope, (text) => frame.find(text) !== undefined);
      const first =
        ofInitializer === undefined ? expandNode(e, initial, frame) : initializerOf(e, ofInitializer, frame);
      frame.bind(name, reading(e, input));
      const inner = frame.child();
      for (const variable of over) inner.bind(variable.name, e.graph.reference(variable));
      e.registry.states.push({ input, initial: first, over, next: expand(e, statement.next, inner) });
      return;
    }
  }
}

/** An index of a state table, which runs over a range from 0. */
function indexOf(e: Expansion, index: IndexBinding, frame: Frame): Variable {
  const { domain } = index;
  const start = domain?.kind === "Range" ? constantOf(e, domain.from, frame) : 0;
  if (domain === undefined || start !== 0)
    throw new InterpretError("an index of a state table runs from 0 to a number", index.span);
  const size = constantOf(e, domain.kind === "Range" ? domain.to : domain, frame);
  if (!Number.isInteger(size) || size < 0 || size > DOMAIN)
    throw new InterpretError(`a state table cannot have ${size} entries`, domain.span);
  return e.graph.variable(index.name.text, { start, size });
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
