/** The plan of a model as text, for `dmlc compile --print types`: every layer with its shapes, every head and loss. */
import type { CombinePlan, LayerPlan, ModelPlan, Shape } from "./plan.ts";

const shape = (sides: Shape): string => `[${sides.map((side) => side ?? "_").join(", ")}]`;

function layers(list: readonly LayerPlan[], indent: string): string[] {
  return list.flatMap((layer) => {
    const sides = `${shape(layer.input)} -> ${shape(layer.output)}`;
    if (layer.kind === "layer") return [`${indent}${layer.path}: ${sides}`];
    return [`${indent}${layer.path}: ${sides}`, ...layers(layer.body, `${indent}  `)];
  });
}

function combination(node: CombinePlan, indent: string): string[] {
  switch (node.kind) {
    case "loss":
      return [`${indent}${node.name}`];
    case "sum":
      return [
        `${indent}sum`,
        ...node.terms.flatMap(({ coefficient, node: inner }) => {
          const [first, ...rest] = combination(inner, `${indent}  `);
          return [`${indent}  ${coefficient} * ${first!.trim()}`, ...rest];
        }),
      ];
    case "strategy":
      return [
        `${indent}${node.name} (${node.path})`,
        ...node.operands.flatMap((operand) => combination(operand.node, `${indent}  `)),
      ];
  }
}

export function printPlan(plan: ModelPlan): string {
  const { batch } = plan.train;
  return [
    `model ${plan.name}`,
    `  data ${plan.data.name}: image${shape(plan.data.image)}`,
    `  backbone ${plan.backbone.text}: ${shape(plan.backbone.input)} -> ${shape(plan.backbone.output)}`,
    ...layers(plan.backbone.layers, "    "),
    ...plan.heads.flatMap((head) => [
      `  head ${head.name}: vector[${head.dim}]${head.unit ? ", unit length" : ""}, read by ${head.losses.join(", ")}`,
      ...layers(head.layers, "    "),
    ]),
    ...plan.losses.map((loss) => `  loss ${loss.text}: real on vector of head ${loss.head}`),
    "  combine",
    ...combination(plan.combine, "    "),
    `  batch ${batch.classes} classes * ${batch.samples} samples = ${batch.classes * batch.samples}`,
  ].join("\n");
}
