/**
 * The combination of losses as one nested expression over `strategies`, with the parameters, state and noise it declares
 * and, where strategies decide on them, the weights of the heads.
 */
import { wordOf } from "../../plan/combination.ts";
import type { StrategyPlan } from "../../plan/combination.ts";
import type { CombinePlan, ModelPlan } from "../../plan/plan.ts";
import { numberText } from "./expressions.ts";
import { floorText, gateOptions, headsBelow, headWeightsOf, numberAt, operandHeads } from "./head_weights.ts";
import { property } from "./names.ts";
import { dataLiteral, stringLiteral } from "./text.ts";
import { numberIn } from "./values.ts";

export interface EmittedCombination {
  /** Of `losses` and `context`. */
  readonly text: string;
  readonly parameters: readonly string[];
  readonly state: readonly string[];
  readonly noise: readonly string[];
  /** Entries of a record, of `features` and `net`: the weights of heads. */
  readonly headWeights: readonly string[];
}

/** What an emission gathers on its way through the nodes. */
interface Emission {
  readonly plan: ModelPlan;
  readonly parameters: string[];
  readonly state: string[];
  readonly noise: string[];
}

export function emitCombination(plan: ModelPlan): EmittedCombination {
  const emission: Emission = { plan, parameters: [], state: [], noise: [] };
  const text = nodeText(plan.combine, emission);
  const { parameters, state, noise } = emission;
  return { text, parameters, state, noise, headWeights: headWeightsOf(plan) };
}

function nodeText(node: CombinePlan, emission: Emission): string {
  switch (node.kind) {
    case "loss":
      return `strategies.term(${stringLiteral(node.name)}, losses${property(node.name)}!)`;
    case "sum": {
      const terms = node.terms.map(
        ({ coefficient, node: inner }) => `[${numberText(coefficient)}, ${nodeText(inner, emission)}]`,
      );
      return `strategies.weightedSum([${terms.join(", ")}])`;
    }
    case "strategy":
      return strategyText(node, emission);
  }
}

function strategyText(node: StrategyPlan, emission: Emission): string {
  const { parameters, state, noise, plan } = emission;
  const count = node.operands.length;
  const path = stringLiteral(node.path);
  const scaleState = (...scale: string[]): unknown =>
    state.push(`...strategies.scaleState(${[path, count, ...scale].join(", ")})`);
  const gate = (): void => {
    const features = plan.backbone.output.reduce<number>((product, side) => product * side!, 1);
    scaleState();
    parameters.push(`...strategies.gateParameters(${path}, ${features}, ${count})`);
  };
  const texts = (): string[] => node.operands.map((operand) => nodeText(operand.node, emission));
  const call = (...options: string[]): string =>
    `strategies.${node.name}(${["context.net", path, `[${texts().join(", ")}]`, ...options].join(", ")})`;
  switch (node.name) {
    case "equal": {
      const scale = wordOf(node, "scale")!;
      scaleState(stringLiteral(scale));
      return call(`{ ${scaleText(scale)} }`);
    }
    case "learned": {
      const scale = wordOf(node, "scale")!;
      scaleState(stringLiteral(scale));
      const floor = floorText(node);
      parameters.push(`...strategies.learnedParameters(${path}, ${count}, { floor: ${floor} })`);
      return call(`{ floor: ${floor}, ${scaleText(scale)} }`);
    }
    case "hierarchical": {
      const by = `by: ${stringLiteral(wordOf(node, "by")!)}`;
      const scale = wordOf(node, "scale") ?? "running_mean";
      const isUsual = scale === "running_mean";
      const options = isUsual ? `{ ${by} }` : `{ ${by}, ${scaleText(scale)} }`;
      scaleState(...(isUsual ? [] : [stringLiteral(scale)]));
      parameters.push(`...strategies.hierarchicalParameters(${path}, ${count}, { ${by} })`);
      const inner = texts();
      const groups = node.operands.map(({ name }, k) => `[${stringLiteral(name)}, ${inner[k]!}]`);
      return `strategies.hierarchical(context.net, ${path}, [${groups.join(", ")}], ${options})`;
    }
    case "gated": {
      gate();
      const within = { features: "context.features", net: "context.net" };
      const heads = `[${operandHeads(node, within, plan).join(", ")}]`;
      const { samples } = plan.train.batch;
      const options = dataLiteral({ ...gateOptions(node), balance: numberAt(node, "balance"), samples });
      return `strategies.gated(context, ${path}, [${texts().join(", ")}], ${heads}, ${options})`;
    }
    case "soft_min": {
      gate();
      const options = dataLiteral({ ...gateOptions(node), balance: numberAt(node, "balance") });
      return `strategies.softMin(context, ${path}, [${texts().join(", ")}], ${options})`;
    }
    case "wedl": {
      scaleState();
      parameters.push(`...strategies.wedlParameters(${path}, ${count})`);
      const heads = dataLiteral(headsBelow(node, plan));
      const options = dataLiteral({ diversity: numberAt(node, "diversity") });
      return `strategies.wedl(context, ${path}, [${texts().join(", ")}], ${heads}, ${options})`;
    }
    case "pcgrad":
      noise.push(`...strategies.pcgradNoise(${path}, ${count})`);
      return call();
    case "uncertainty":
      parameters.push(`...strategies.uncertaintyParameters(${path}, ${count})`);
      return call(`{ floor: ${numberText(numberIn(node.values, "floor"))} }`);
    default:
      throw new Error(`no emission for the strategy ${node.name}`);
  }
}

/** The scale of a strategy as options; norms of gradients are taken at the features that the heads read. */
function scaleText(scale: string): string {
  const trunk = scale === "gradient_norm" ? ", trunk: context.trunk!" : "";
  return `scale: ${stringLiteral(scale)}${trunk}`;
}
