/**
 * Whether a constant fits the type of the parameter it is for: its kind, its unit, whole numbers, and the declared
 * bounds (`real > 0`, `angle in [0deg, 90deg]`). Called by `bind.ts` and by the checker for settings. Pure.
 */
import { outOfRange, wrongArgumentType } from "../diagnostics/codes/resolve.ts";
import { Diagnostics, type RelatedPlace } from "../diagnostics/diagnostic.ts";
import type { Span } from "../source/source.ts";
import type { Refinement, TypeExpression } from "../syntax/ast.ts";
import { describeType, describeValue, formatNumber, oneLine, writeNumber } from "./describe.ts";
import { evaluateConstant } from "./evaluate.ts";
import { textOf } from "../source/source.ts";
import type { NumberValue, Value, Values } from "./values.ts";

/** The unit that numbers of a type carry; types that are not listed hold no numbers. */
const unitOf: Readonly<Record<string, NumberValue["unit"] | "none">> = {
  real: "none",
  int: "none",
  angle: "angle",
  steps: "step",
  epochs: "epoch",
  classes: "class",
  samples: "sample",
  multiplier: "x",
};

/** What a value is checked for, and how messages name it. */
export interface Target {
  /** "`margin` of `triplet`" */
  readonly name: string;
  /** Where the type was declared, if a person can look there. */
  readonly declared?: RelatedPlace;
}

/** The value if it fits, else `undefined` after reporting at `place`. `environment` holds what bounds may mention. */
export function fit(
  value: Value,
  type: TypeExpression,
  place: Span,
  target: Target,
  environment: Values,
  diagnostics: Diagnostics,
): Value | undefined {
  const related = target.declared === undefined ? {} : { related: [target.declared] };
  if (!isOfType(value, type)) {
    const help = remedy(value, type);
    const why = reasonFor(type);
    diagnostics.report(
      wrongArgumentType,
      place,
      {
        target: target.name,
        given: describeValue(value),
        needed: describeType(type),
        ...(why === undefined ? {} : { why }),
        ...(help === undefined ? {} : { help }),
      },
      related,
    );
    return undefined;
  }
  const values: readonly NumberValue[] =
    value.kind === "number"
      ? [value]
      : value.kind === "numbers"
        ? value.values.map((each) => ({ kind: "number", value: each }))
        : [];
  for (const each of values)
    for (const refinement of type.refinements) {
      const broken = brokenBound(each, refinement, environment);
      if (broken === undefined) continue;
      diagnostics.report(
        outOfRange,
        place,
        { target: target.name, given: writeNumber(each), ...broken },
        related,
      );
      return undefined;
    }
  return value;
}

function isOfType(value: Value, type: TypeExpression): boolean {
  const { name } = type;
  const isList = type.axes !== undefined && type.axes.length === 0;
  if (isList)
    return (
      value.kind === "numbers" &&
      (name.text !== "int" || value.values.every((each) => Number.isInteger(each)))
    );
  const unit = unitOf[name.text];
  if (unit !== undefined) {
    if (value.kind !== "number" || (value.unit ?? "none") !== unit || !Number.isFinite(value.value))
      return false;
    return unit === "angle" || name.text === "real" || unit === "x" || Number.isInteger(value.value);
  }
  switch (name.text) {
    case "similarity":
    case "distance":
      return value.kind === "measure" && value.declaration.polarity === name.text;
    case "word":
      return value.kind === "word" && type.words.some((word) => word.text === value.value);
    case "metric":
      return value.kind === "word";
    default:
      return value.kind === name.text;
  }
}

/** Why values of a type are written as they are, where that is more than its name says. */
function reasonFor(type: TypeExpression): string | undefined {
  switch (type.name.text) {
    case "angle":
      return "An angle carries its unit, so that degrees are never taken for radians.";
    case "int":
      return "It counts something, and there are no fractions of that.";
    case "steps":
    case "epochs":
    case "classes":
    case "samples":
      return "A count carries its unit, so that steps are never taken for epochs or samples.";
    case "multiplier":
      return "A multiplier carries its `x`, so that it is never taken for an absolute value.";
    default:
      return undefined;
  }
}

/** What to write instead of a value of another type, where one can tell. */
function remedy(value: Value, type: TypeExpression): string | undefined {
  if (
    type.axes !== undefined &&
    type.axes.length === 0 &&
    value.kind === "number" &&
    value.unit === undefined
  )
    return `Write \`[${formatNumber(value.value)}]\`.`;
  if (value.kind !== "number") return undefined;
  const number = formatNumber(value.value);
  switch (type.name.text) {
    case "angle": {
      if (value.unit !== undefined) return undefined;
      if (Math.abs(value.value) > Math.PI) return `Write \`${number}deg\`.`;
      const degrees = formatNumber(Number(((value.value * 180) / Math.PI).toFixed(2)));
      return `Write \`${degrees}deg\` (or \`${number}rad\`, the same angle); \`${number}deg\` if degrees were meant.`;
    }
    case "int": {
      if (value.unit !== undefined) return `Write \`${number}\` without a unit.`;
      return `Write \`${Math.floor(value.value)}\` or \`${Math.ceil(value.value)}\`.`;
    }
    case "real":
      return value.unit === undefined ? undefined : "Write a number without a unit.";
    case "steps":
      return value.unit === undefined
        ? `Write \`${number} ${value.value === 1 ? "step" : "steps"}\`.`
        : undefined;
    case "multiplier":
      return value.unit === undefined ? `Write \`${number}x\`.` : undefined;
    default:
      return undefined;
  }
}

/** The bound that a number breaks, and the nearest value that keeps it. Bounds that are not constants are skipped. */
function brokenBound(
  given: NumberValue,
  refinement: Refinement,
  environment: Values,
): { bound: string; nearest?: string } | undefined {
  const quiet = new Diagnostics();
  const constant = (expression: Parameters<typeof evaluateConstant>[0]): NumberValue | undefined => {
    const value = evaluateConstant(expression, environment, quiet);
    return value?.kind === "number" ? value : undefined;
  };
  const near = (value: number): string =>
    writeNumber({ kind: "number", value, ...(given.unit === undefined ? {} : { unit: given.unit }) });
  if (refinement.kind === "Interval") {
    const low = constant(refinement.low);
    const high = constant(refinement.high);
    if (low === undefined || high === undefined) return undefined;
    if (given.value >= low.value && given.value <= high.value) return undefined;
    return {
      bound: `in [${oneLine(textOf(refinement.low.span))}, ${oneLine(textOf(refinement.high.span))}]`,
      nearest: near(given.value < low.value ? low.value : high.value),
    };
  }
  const limit = constant(refinement.value);
  if (limit === undefined) return undefined;
  const bound = `${refinement.op} ${oneLine(textOf(refinement.value.span))}`;
  switch (refinement.op) {
    case ">":
      return given.value > limit.value ? undefined : { bound };
    case ">=":
      return given.value >= limit.value ? undefined : { bound, nearest: near(limit.value) };
    case "<":
      return given.value < limit.value ? undefined : { bound };
    case "<=":
      return given.value <= limit.value ? undefined : { bound, nearest: near(limit.value) };
  }
}
