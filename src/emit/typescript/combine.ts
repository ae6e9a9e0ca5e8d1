/**
 * The combination of losses as one nested expression over `strategies`, with the parameters, state and noise it declares
 * and, where strategies decide on them, the weights of the heads.
 */
import type { CombinePlan, ModelPlan } from "../../plan/plan.ts";
import { numberText } from "./expressions.ts";
import { property } from "./names.ts";
import { dataLiteral, objectKey, stringLiteral } from "./text.ts";
import { numberIn, textIn } from "./values.ts";

export interface EmittedCombination {
  /** Of `losses` and `context`. */
  readonly text: string;
  readonly parameters: readonly string[];
  readonly state: readonly string[];
  readonly noise: readonly string[];
  /** Entries of a record, of `features` and `net`: the weights of heads. */
  readonly headWeights: readonly string[];
}

type Strategy = Extract<CombinePlan, { kind: "strategy" }>;

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
  const within = { features: "features", net: "net" };
  const headWeights = decidingBelow(plan.combine).map((node) => {
    const share = headsBelow(node, emission).length / plan.heads.length;
    return `...${headWeightsText(node, share, within, emission)}`;
  });
  const { parameters, state, noise } = emission;
  return { text, parameters, state, noise, headWeights };
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

function strategyText(node: Strategy, emission: Emission): string {
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
      const scale = stringLiteral(textIn(node.values, "scale"));
      scaleState(scale);
      return call(`{ scale: ${scale} }`);
    }
    case "learned": {
      const scale = stringLiteral(textIn(node.values, "scale"));
      scaleState(scale);
      // The spec's floor is the share of all weight spread equally; the runtime's is the least weight of one loss.
      const floor = `${numberText(numberIn(node.values, "floor"))} / ${count}`;
      parameters.push(`...strategies.learnedParameters(${path}, ${count}, { floor: ${floor} })`);
      return call(`{ floor: ${floor}, scale: ${scale} }`);
    }
    case "hierarchical": {
      const options = dataLiteral({ by: textIn(node.values, "by") });
      scaleState();
      parameters.push(`...strategies.hierarchicalParameters(${path}, ${count}, ${options})`);
      const inner = texts();
      const groups = node.operands.map(({ name }, k) => `[${stringLiteral(name)}, ${inner[k]!}]`);
      return `strategies.hierarchical(context.net, ${path}, [${groups.join(", ")}], ${options})`;
    }
    case "gated": {
      gate();
      const within = { features: "context.features", net: "context.net" };
      const heads = `[${operandHeads(node, within, emission).join(", ")}]`;
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
      const heads = dataLiteral(headsBelow(node, emission));
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

const numberAt = ({ values }: Strategy, name: string): number | undefined =>
  values.has(name) ? numberIn(values, name) : undefined;

/** The options of a gate; `top` only where it leaves a loss out. */
function gateOptions(gate: Strategy): { top?: number | undefined; temperature?: number | undefined } {
  const top = numberAt(gate, "top");
  const leavesOut = top !== undefined && top > 0 && top < gate.operands.length;
  return { top: leavesOut ? top : undefined, temperature: numberAt(gate, "temperature") };
}

/** How features and net are written where an expression stands. */
interface Within {
  readonly features: string;
  readonly net: string;
}

/** The weights of the heads below a node that decides on them, as a call; the node holds `share` of a whole. */
function headWeightsText(node: Strategy, share: number, within: Within, emission: Emission): string {
  const path = stringLiteral(node.path);
  const heads = `[${operandHeads(node, within, emission).join(", ")}]`;
  const { features, net } = within;
  if (node.name === "wedl")
    return `strategies.wedlHeadWeights(${net}, ${path}, ${heads}, ${dataLiteral({ share })})`;
  const options = dataLiteral({ ...gateOptions(node), share });
  return `strategies.gateHeadWeights(${features}, ${net}, ${path}, ${heads}, ${options})`;
}

/** The heads of each operand of a node: their names, or their weights where a strategy below decides on them. */
function operandHeads(node: Strategy, within: Within, emission: Emission): string[] {
  return node.operands.map(({ node: operand }) => {
    const heads = headsBelow(operand, emission);
    const deciding = decidingBelow(operand);
    if (deciding.length === 0) return dataLiteral(heads);
    const decided = deciding.flatMap((inner) => headsBelow(inner, emission));
    const plain = heads
      .filter((head) => !decided.includes(head))
      .map((head) => `${objectKey(head)}: tf.scalar(1 / ${heads.length})`);
    const inner = deciding.map((each) => {
      const share = headsBelow(each, emission).length / heads.length;
      return `...${headWeightsText(each, share, within, emission)}`;
    });
    return `{ ${[...plain, ...inner].join(", ")} }`;
  });
}

/** Strategies that decide on the weights of the heads below them. */
const DECIDING = new Set(["gated", "soft_min", "wedl"]);

/** The topmost strategies at or below a node that decide on the weights of heads. */
function decidingBelow(node: CombinePlan): Strategy[] {
  if (node.kind === "strategy" && DECIDING.has(node.name)) return [node];
  return below(node).flatMap(decidingBelow);
}

/** Names of the heads that the losses at or below a node read, each once, in the order of the heads. */
function headsBelow(node: CombinePlan, { plan }: Emission): string[] {
  const names = (at: CombinePlan): string[] => (at.kind === "loss" ? [at.name] : below(at).flatMap(names));
  const losses = new Set(names(node));
  return plan.heads.filter((head) => head.losses.some((loss) => losses.has(loss))).map((head) => head.name);
}

function below(node: CombinePlan): readonly CombinePlan[] {
  switch (node.kind) {
    case "loss":
      return [];
    case "sum":
      return node.terms.map((term) => term.node);
    case "strategy":
      return node.operands.map((operand) => operand.node);
  }
}
