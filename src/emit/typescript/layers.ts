/**
 * Layers as statements: the pipeline of a backbone or head becomes a function body, and each layer's parameters and
 * state a line of the program's declarations.
 */
import type { HeadPlan, LayerPlan, PrimitiveLayer, ResidualLayer, Shape } from "../../plan/plan.ts";
import { Names } from "./names.ts";
import { stringLiteral } from "./text.ts";
import { numberIn } from "./values.ts";

/** Everything a pipeline contributes to a program. */
export interface EmittedPipeline {
  /** Statements that compute it. */
  readonly lines: readonly string[];
  /** The name or expression of its result. */
  readonly result: string;
  /** Entries of `parameters()` and `state()`, each an expression that is spread or listed there. */
  readonly parameters: readonly string[];
  readonly state: readonly string[];
}

/** Heads, one or several together: the variable of each, in order. */
export interface EmittedHeads extends Omit<EmittedPipeline, "result"> {
  readonly results: readonly string[];
}

interface Emission {
  readonly group: "backbone" | "heads";
  readonly names: Names;
  readonly lines: string[];
  readonly parameters: string[];
  readonly state: string[];
}

const side = (shape: Shape, at: number): number => {
  const value = shape.at(at);
  if (value === undefined) throw new Error("a layer whose shape is not known");
  return value;
};

const width = (shape: Shape): number => shape.reduce<number>((product, _, k) => product * side(shape, k), 1);

/** Pipelines of up to this many plain layers are one nested expression where they have a name of their own. */
const NESTED_LAYERS = 3;

/** Layers that change each number by itself. */
const ACTIVATIONS = new Set(["relu", "leaky_relu", "tanh", "sigmoid"]);

/** Emits a backbone's pipeline on the variable `input`: a statement for each layer, `conv1, conv2, …`. */
export function emitBackbone(layers: readonly LayerPlan[], input: string, names: Names): EmittedPipeline {
  const emission: Emission = { group: "backbone", names, lines: [], parameters: [], state: [] };
  const result = emitLayers(layers, input, emission);
  return { lines: emission.lines, result, parameters: emission.parameters, state: emission.state };
}

/** Emits a head's pipeline on the variable `input`; its result is a variable named after the head. */
export function emitHead(
  name: string,
  layers: readonly LayerPlan[],
  input: string,
  names: Names,
): EmittedHeads {
  const emission: Emission = { group: "heads", names, lines: [], parameters: [], state: [] };
  const result = names.fresh(name);
  const nested = layers.length <= NESTED_LAYERS && layers.every((layer) => layer.kind === "layer");
  if (nested) emission.lines.push(`const ${result} = ${nestedText(layers, input, emission)};`);
  else emitLayers(layers, input, emission, result);
  return { lines: emission.lines, results: [result], parameters: emission.parameters, state: emission.state };
}

/**
 * Emits heads of one shape (`stacked_heads.ts`) on the variable `input`: one product for all their linear maps, the
 * layers after it on [B, K, dim], and a variable for each head, in order.
 */
export function emitStackedHeads(heads: readonly HeadPlan[], input: string, names: Names): EmittedHeads {
  const emission: Emission = { group: "heads", names, lines: [], parameters: [], state: [] };
  const results = heads.map(({ name }) => names.fresh(name));
  // Each head declares its own parameters, of the names and shapes it has by itself.
  for (const { layers } of heads) nestedText(plainLayers(layers), input, emission);
  const [, ...rest] = plainLayers(heads[0]!.layers);
  const paths = heads.map(({ layers }) => stringLiteral(plainLayers(layers)[0]!.path));
  const text = nestedText(rest, `nn.stackedLinear(${input}, net, [${paths.join(", ")}])`, emission);
  const types = results.map(() => "tf.Tensor2D").join(", ");
  emission.lines.push(`const [${results.join(", ")}] = tf.unstack(${text}, 1) as [${types}];`);
  return { lines: emission.lines, results, parameters: emission.parameters, state: emission.state };
}

const plainLayers = (layers: readonly LayerPlan[]): PrimitiveLayer[] =>
  layers.filter((layer) => layer.kind === "layer");

/**
 * Statements for the layers; the name of the last one's result, which is `result` if given. What only leads to an
 * activation stands in a scope with it, which lets go of all that no gradient needs: of most activations' inputs.
 */
function emitLayers(
  layers: readonly LayerPlan[],
  input: string,
  emission: Emission,
  result?: string,
): string {
  let current = input;
  /** Statements since the last activation. */
  let lines: string[] = [];
  layers.forEach((layer, k) => {
    const inner = { ...emission, lines };
    const text =
      layer.kind === "residual"
        ? residualText(layer, current, inner)
        : layerText(layer, current, isNormalised(layers, k), inner);
    const kind = layer.kind === "residual" ? "residual" : layer.name;
    const wanted = k === layers.length - 1 ? result : undefined;
    current = wanted ?? emission.names.numbered(kind);
    if (!ACTIVATIONS.has(kind)) {
      lines.push(`const ${current} = ${text};`);
      return;
    }
    const scoped = lines.length === 0 ? text : `tf.tidy(() => {\n${lines.join("\n")}\nreturn ${text};\n})`;
    emission.lines.push(`const ${current} = ${scoped};`);
    lines = [];
  });
  emission.lines.push(...lines);
  return current;
}

/** Plain layers as one expression, the first innermost. */
function nestedText(layers: readonly PrimitiveLayer[], input: string, emission: Emission): string {
  return layers.reduce((text, layer, k) => layerText(layer, text, isNormalised(layers, k), emission), input);
}

/** Whether batch norm follows the layer directly, which makes a bias of its own useless. */
function isNormalised(layers: readonly LayerPlan[], k: number): boolean {
  const next = layers[k + 1];
  return next?.kind === "layer" && next.name === "batch_norm";
}

/** One layer as a call; declares its parameters and state on the way. `normalised`: see `isNormalised`. */
function layerText(layer: PrimitiveLayer, x: string, normalised: boolean, emission: Emission): string {
  const { path, values, input, output } = layer;
  const at = stringLiteral(path);
  const group = stringLiteral(emission.group);
  switch (layer.name) {
    case "conv": {
      const bias = !normalised;
      emission.parameters.push(
        `...nn.convParameters(${at}, { inputs: ${side(input, -1)}, outputs: ${side(output, -1)}, ` +
          `kernel: ${numberIn(values, "kernel")}, bias: ${bias}, group: ${group} })`,
      );
      return `nn.conv(${x}, net, ${at}, { stride: ${numberIn(values, "stride")}, bias: ${bias} })`;
    }
    case "linear":
      emission.parameters.push(
        `...nn.linearParameters(${at}, { inputs: ${width(input)}, outputs: ${side(output, -1)}, ` +
          `bias: ${!normalised}, group: ${group} })`,
      );
      return `nn.linear(${x}, net, ${at}, { bias: ${!normalised} })`;
    case "batch_norm":
      emission.parameters.push(`...nn.batchNormParameters(${at}, ${side(output, -1)}, ${group})`);
      emission.state.push(`...nn.batchNormState(${at}, ${side(output, -1)})`);
      return `nn.batchNorm(${x}, net, ${at})`;
    case "max_pool":
      return `nn.maxPool(${x}, ${numberIn(values, "size")})`;
    case "avg_pool":
      return `nn.avgPool(${x}, ${numberIn(values, "size")})`;
    case "global_avg_pool":
      return `nn.globalAvgPool(${x})`;
    case "global_max_pool":
      return `nn.globalMaxPool(${x})`;
    case "leaky_relu":
      return `nn.leakyRelu(${x}, ${numberIn(values, "slope")})`;
    case "relu":
    case "tanh":
    case "sigmoid":
    case "flatten":
    case "normalize":
      return `nn.${layer.name}(${x})`;
    default:
      throw new Error(`no emission for the layer ${layer.name}`);
  }
}

/** The body (its statements come first) plus its input, which a 1x1 convolution of the same stride brings to its shape. */
function residualText(layer: ResidualLayer, input: string, emission: Emission): string {
  const body = emitLayers(layer.body, input, emission);
  let shortcut = input;
  if (layer.projection !== undefined) {
    const conv = `${layer.path}/shortcut.conv`;
    const norm = `${layer.path}/shortcut.batch_norm`;
    const outputs = side(layer.output, -1);
    const group = stringLiteral(emission.group);
    emission.parameters.push(
      `...nn.convParameters(${stringLiteral(conv)}, { inputs: ${side(layer.input, -1)}, outputs: ${outputs}, ` +
        `kernel: 1, bias: false, group: ${group} })`,
      `...nn.batchNormParameters(${stringLiteral(norm)}, ${outputs}, ${group})`,
    );
    emission.state.push(`...nn.batchNormState(${stringLiteral(norm)}, ${outputs})`);
    const projected = emission.names.numbered("shortcut");
    emission.lines.push(
      `const ${projected} = nn.batchNorm(nn.conv(${input}, net, ${stringLiteral(conv)}, ` +
        `{ stride: ${layer.projection.stride}, bias: false }), net, ${stringLiteral(norm)});`,
    );
    shortcut = projected;
  }
  const type = layer.output.length === 3 ? "tf.Tensor4D" : "tf.Tensor2D";
  return `tf.add<${type}>(${body}, ${shortcut})`;
}
