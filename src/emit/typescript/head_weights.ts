/**
 * The weights of heads in the ensemble's embedding, where strategies decide on them: gates and `wedl` always, others under
 * `inference: sqrt_weights`. Expressions over `strategies`; called by the emission of combinations. Pure.
 */
import { lossesBelow, operandsOf, wordOf } from "../../plan/combination.ts";
import type { StrategyPlan } from "../../plan/combination.ts";
import type { CombinePlan, ModelPlan } from "../../plan/plan.ts";
import { numberText } from "./expressions.ts";
import { dataLiteral, objectKey, stringLiteral } from "./text.ts";
import { numberIn } from "./values.ts";

/** How features and net are written where an expression stands. */
export interface Within {
  readonly features: string;
  readonly net: string;
}

/** Entries of a record, of `features` and `net`: the weights of the heads on which the model's combination decides. */
export function headWeightsOf(plan: ModelPlan): string[] {
  const within = { features: "features", net: "net" };
  return decidingBelow(plan.combine).map((node) => {
    const share = headsBelow(node, plan).length / plan.heads.length;
    return `...${headWeightsText(node, share, within, plan)}`;
  });
}

/** The heads of each operand of a node: their names, or their weights where a strategy below decides on them. */
export function operandHeads(
  node: StrategyPlan | SumPlan,
  within: Within,
  plan: ModelPlan,
  counted = false,
): string[] {
  return operandsOf(node).map((operand) => {
    const heads = headsBelow(operand, plan);
    if (counted && operand.kind !== "loss") return headWeightsText(operand, undefined, within, plan, true);
    const deciding = decidingBelow(operand);
    if (deciding.length === 0) return dataLiteral(heads);
    const decided = deciding.flatMap((inner) => headsBelow(inner, plan));
    const plain = heads
      .filter((head) => !decided.includes(head))
      .map((head) => `${objectKey(head)}: tf.scalar(1 / ${heads.length})`);
    const inner = deciding.map((each) => {
      const share = headsBelow(each, plan).length / heads.length;
      return `...${headWeightsText(each, share, within, plan)}`;
    });
    return `{ ${[...plain, ...inner].join(", ")} }`;
  });
}

type SumPlan = Extract<CombinePlan, { kind: "sum" }>;

/**
 * The weights of the heads below a node that decides on them, as a call; the node holds `share` of a whole.
 *
 * @param counted whether the node stands below one with `sqrt_weights`, for which all weights below it count.
 */
function headWeightsText(
  node: StrategyPlan | SumPlan,
  share: number | undefined,
  within: Within,
  plan: ModelPlan,
  counted = node.kind === "strategy" && countsWeights(node),
): string {
  const heads = `[${operandHeads(node, within, plan, counted).join(", ")}]`;
  const rest = share === undefined ? "" : `, ${dataLiteral({ share })}`;
  const fixed = (weights: readonly number[]): string =>
    `strategies.fixedHeadWeights([${weights.map(numberText).join(", ")}], ${heads}${rest})`;
  if (node.kind === "sum") return fixed(node.terms.map(({ coefficient }) => coefficient));
  const { features, net } = within;
  const path = stringLiteral(node.path);
  const learned = (floor: string): string => {
    const options = [
      ...(floor === "" ? [] : [`floor: ${floor}`]),
      ...(share === undefined ? [] : [`share: ${share}`]),
    ];
    const last = options.length === 0 ? "" : `, { ${options.join(", ")} }`;
    return `strategies.learnedHeadWeights(${net}, ${path}, ${heads}${last})`;
  };
  switch (node.name) {
    case "learned":
      return learned(floorText(node));
    case "hierarchical":
      return wordOf(node, "by") === "equal" ? fixed(node.operands.map(() => 1)) : learned("");
    case "equal":
    case "pcgrad":
      return fixed(node.operands.map(() => 1));
    case "wedl":
      return `strategies.wedlHeadWeights(${net}, ${path}, ${heads}${rest})`;
    case "uncertainty":
      return `strategies.uncertaintyHeadWeights(${net}, ${path}, ${heads}${rest})`;
    case "gated":
    case "soft_min": {
      const options = dataLiteral({ ...gateOptions(node), share });
      return `strategies.gateHeadWeights(${features}, ${net}, ${path}, ${heads}, ${options})`;
    }
    default:
      throw new Error(`the strategy ${node.name} has no weights of heads`);
  }
}

/** The spec's floor is the share of all weight spread equally; the runtime's is the least weight of one loss. */
export const floorText = (node: StrategyPlan): string =>
  `${numberText(numberIn(node.values, "floor"))} / ${node.operands.length}`;

export const numberAt = ({ values }: StrategyPlan, name: string): number | undefined =>
  values.has(name) ? numberIn(values, name) : undefined;

/** The options of a gate; `top` only where it leaves a loss out. */
export function gateOptions(gate: StrategyPlan): {
  top?: number | undefined;
  temperature?: number | undefined;
} {
  const top = numberAt(gate, "top");
  const leavesOut = top !== undefined && top > 0 && top < gate.operands.length;
  return { top: leavesOut ? top : undefined, temperature: numberAt(gate, "temperature") };
}

/** Strategies that always decide on the weights of the heads below them. */
const DECIDING = new Set(["gated", "soft_min", "wedl"]);

const countsWeights = (node: StrategyPlan): boolean => wordOf(node, "inference") === "sqrt_weights";

/** The topmost strategies at or below a node that decide on the weights of heads. */
function decidingBelow(node: CombinePlan): StrategyPlan[] {
  if (node.kind === "strategy" && (DECIDING.has(node.name) || countsWeights(node))) return [node];
  return operandsOf(node).flatMap(decidingBelow);
}

/** Names of the heads that the losses at or below a node read, each once, in the order of the heads. */
export function headsBelow(node: CombinePlan, plan: ModelPlan): string[] {
  const losses = new Set(lossesBelow(node));
  return plan.heads.filter((head) => head.losses.some((loss) => losses.has(loss))).map((head) => head.name);
}
