/**
 * Which values of which parameter a law would accept: found by trying, one parameter at a time, and by halving the way
 * between a value that is refused and one that is not. For remedies. Pure.
 */
import { Diagnostics } from "../../diagnostics/diagnostic.ts";
import { Graph } from "../../ir/graph.ts";
import { LoweringError } from "../../ir/lower/environment.ts";
import type { LossPlan, ModelPlan } from "../../plan/plan.ts";
import { writeNumber } from "../../resolve/describe.ts";
import { evaluateConstant } from "../../resolve/evaluate.ts";
import { fit } from "../../resolve/fit.ts";
import type { LossInstance, NumberValue } from "../../resolve/values.ts";
import type { Parameter } from "../../syntax/ast.ts";
import { lossSubject, type LossSubject } from "../subject.ts";

export interface UsableRange {
  /** Whose parameter it is: the loss, or a loss among its arguments. */
  readonly instance: LossInstance;
  readonly parameter: string;
  /** `3`, as it is now. */
  readonly given: string;
  /** `below 2` */
  readonly usable: string;
}

/** Values to start from where the default will not do. */
const TRIED: readonly number[] = [0, 0.1, 0.5, 1, 2, -1];
const HALVINGS = 24;
/** Nodes of a loss above which nothing is tried: each trial lowers it anew. */
const TRIED_NODES = 2000;

/** The first parameter that makes the loss sound when it alone changes, and the values that do. */
export function usableRange(
  plan: ModelPlan,
  loss: LossPlan,
  sound: (subject: LossSubject) => boolean,
): UsableRange | undefined {
  if (lossSubject(new Graph(), plan, loss).lowered.origins.size > TRIED_NODES) return undefined;
  for (const { instance, parameter, value, replaced } of numbersOf(loss.instance)) {
    const works = (candidate: number): boolean => {
      const changed: NumberValue = { ...value, value: candidate };
      if (!allowed(instance, parameter, changed)) return false;
      try {
        return sound(lossSubject(new Graph(), plan, { ...loss, instance: replaced(changed) }));
      } catch (error) {
        if (error instanceof LoweringError) return false;
        throw error;
      }
    };
    const good = [defaultOf(instance, parameter), ...TRIED].find(
      (candidate) => candidate !== undefined && candidate !== value.value && works(candidate),
    );
    if (good === undefined) continue;
    let [yes, no] = [good, value.value];
    for (let k = 0; k < HALVINGS; k++) {
      const middle = (yes + no) / 2;
      if (works(middle)) yes = middle;
      else no = middle;
    }
    const limit: NumberValue = { ...value, value: Number(((yes + no) / 2).toPrecision(4)) };
    return {
      instance,
      parameter: parameter.name.text,
      given: writeNumber(value),
      usable: `${good < value.value ? "below" : "above"} ${writeNumber(limit)}`,
    };
  }
  return undefined;
}

interface Adjustable {
  readonly instance: LossInstance;
  readonly parameter: Parameter;
  readonly value: NumberValue;
  /** The whole loss with another value of this parameter. */
  readonly replaced: (value: NumberValue) => LossInstance;
}

/** The real parameters of a loss and of the losses among its arguments, those written in the use first. */
function numbersOf(
  instance: LossInstance,
  around: (inner: LossInstance) => LossInstance = (inner) => inner,
): Adjustable[] {
  return instance.declaration.parameters.flatMap((parameter): Adjustable[] => {
    const name = parameter.name.text;
    const value = instance.parameters.get(name);
    const put = (changed: NumberValue | LossInstance): LossInstance =>
      around({ ...instance, parameters: new Map([...instance.parameters, [name, changed]]) });
    if (value?.kind === "loss") return numbersOf(value, put);
    if (value?.kind !== "number" || parameter.type.name.text === "int") return [];
    return [{ instance, parameter, value, replaced: put }];
  });
}

function allowed(instance: LossInstance, { name, type, span }: Parameter, value: NumberValue): boolean {
  return fit(value, type, span, { name: name.text }, instance.parameters, new Diagnostics()) !== undefined;
}

function defaultOf(instance: LossInstance, parameter: Parameter): number | undefined {
  if (parameter.default === undefined) return undefined;
  const value = evaluateConstant(parameter.default, instance.parameters, new Diagnostics());
  return value?.kind === "number" ? value.value : undefined;
}
