/**
 * The expanded loss: what is left of a syntax tree once every `let`, measure and inner loss has been replaced by what it
 * means. A directed acyclic graph: equal parts are one node. Built by `graph.ts`, read by `evaluate.ts`. Data only.
 */
import type { BinaryOperator, UnaryOperator } from "./scalars.ts";

/** A bound index. Expanding its reduction finds its domain; evaluating sets `value` to each of its elements in turn. */
export interface Variable {
  readonly id: number;
  readonly name: string;
  /** First element; not 0 only for a range `from..to`. */
  start: number;
  /** Number of elements; unknown until a use or an `in` has said it. */
  size: number | undefined;
  /** Whether an `in` said it. */
  readonly declared: boolean;
  /** Whether it runs over samples: those of the batch, and those remembered unless it stays in the batch (memory.ts). */
  samples: boolean;
  staysInBatch: boolean;
  value: number;
}

interface Shared {
  readonly id: number;
  /** Variables that the node's value depends on, by id. */
  readonly free: readonly Variable[];
  readonly depth: number;
  /** Nodes of the tree below it. */
  readonly size: number;
  /** Whether it is arithmetic on numbers, indices and labels only: then it needs no place on the tape. */
  readonly plain: boolean;
}

/** Values read from outside: the views, the labels, parameters and states. */
export interface Input {
  readonly kind: "input";
  readonly id: number;
  readonly role: "view" | "labels" | "param" | "state" | "noise";
  /** A view's position; a parameter's or state's name, `w`, or `w_2` for an inner loss's; a draw's, `miner/sample`. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** One way through a reduction; a reduction over a list has one for each of its elements. */
export interface Branch {
  readonly variables: readonly Variable[];
  /** `guards[n]` can be tested once the first n variables have a value. */
  readonly guards: readonly (readonly Node[])[];
  readonly body: Node;
  /** What `argmax`, `argmin` and `sample` answer for a tuple. */
  readonly element?: Node;
}

export type ReduceOperator =
  | "sum"
  | "mean"
  | "mean_active"
  | "max"
  | "min"
  | "logsumexp"
  | "argmax"
  | "argmin"
  | "sample"
  | "any"
  | "all"
  | "count"
  | "variance"
  | "sample_variance"
  // Forms that only rewriting produces (stability.ts):
  /** log(1 + Σ exp body) */
  | "log1p_sum_exp"
  | "log_sum_exp_terms"
  /** log Σ body, absent over nothing */
  | "log_sum";

export type Node = Shared &
  (
    | { readonly kind: "number"; readonly value: number }
    | { readonly kind: "truth"; readonly value: boolean }
    | { readonly kind: "variable"; readonly variable: Variable }
    /** An element of an input. */
    | { readonly kind: "element"; readonly input: Input; readonly indices: readonly Node[] }
    /** An element of a computed tensor, with the index of its last axis: it reads as `u[t]` in a pattern. */
    | { readonly kind: "component"; readonly value: Node; readonly last: Node }
    | { readonly kind: "unary"; readonly op: UnaryOperator; readonly operand: Node }
    | { readonly kind: "binary"; readonly op: BinaryOperator; readonly left: Node; readonly right: Node }
    | { readonly kind: "compare"; readonly op: CompareOperator; readonly left: Node; readonly right: Node }
    | { readonly kind: "logic"; readonly op: "and" | "or"; readonly left: Node; readonly right: Node }
    | { readonly kind: "not"; readonly operand: Node }
    /** Whether two samples are alike: by a label, or as a formula's own `same` says. */
    | {
        readonly kind: "pair";
        readonly op: "same" | "differs";
        readonly left: Node;
        readonly right: Node;
        readonly by: Input | Node;
      }
    | { readonly kind: "if"; readonly condition: Node; readonly yes: Node; readonly no: Node }
    /** `value`, or absent where a guard fails. */
    | { readonly kind: "guarded"; readonly guards: readonly Node[]; readonly value: Node }
    | {
        readonly kind: "reduce";
        readonly op: ReduceOperator;
        readonly branches: readonly Branch[];
        /** Of `sample`: the random number that decides. */
        readonly draw?: Node;
      }
    /** Σ_t (left - right)², with the rule for nearly equal vectors. */
    | {
        readonly kind: "squared_distance";
        readonly variable: Variable;
        readonly left: Node;
        readonly right: Node;
      }
    /** sqrt(Σ_t component²) */
    | { readonly kind: "norm"; readonly variable: Variable; readonly component: Node }
    /** The number at `at` of the solution of a linear system (solve.ts). */
    | {
        readonly kind: "solve";
        readonly equation: Variable;
        readonly unknown: Variable;
        readonly matrix: Node;
        readonly right: Node;
        readonly at: Node;
      }
    /** The number of the cluster of the point `at` (kmeans.ts). */
    | {
        readonly kind: "kmeans";
        readonly point: Variable;
        readonly component: Variable;
        readonly coordinate: Node;
        readonly guards: readonly Node[];
        readonly clusters: number;
        readonly at: Node;
      }
  );

export type NodeKind = Node["kind"];
export type CompareOperator = "==" | "!=" | "<" | "<=" | ">" | ">=";

export function isBoolean(node: Node): boolean {
  switch (node.kind) {
    case "truth":
    case "compare":
    case "logic":
    case "not":
    case "pair":
      return true;
    case "reduce":
      return node.op === "any" || node.op === "all";
    case "if":
      return isBoolean(node.yes) && isBoolean(node.no);
    default:
      return false;
  }
}

/** The parts that a node is computed from; those of a reduction without its guards come first. */
export function children(node: Node): readonly Node[] {
  switch (node.kind) {
    case "number":
    case "truth":
    case "variable":
      return [];
    case "element":
      return node.indices;
    case "component":
      return [node.value];
    case "unary":
    case "not":
      return [node.operand];
    case "binary":
    case "compare":
    case "logic":
    case "squared_distance":
      return [node.left, node.right];
    case "pair":
      return node.by.kind === "input" ? [node.left, node.right] : [node.left, node.right, node.by];
    case "if":
      return [node.condition, node.yes, node.no];
    case "guarded":
      return [node.value, ...node.guards];
    case "reduce":
      return [
        ...node.branches.flatMap((branch) => [branch.body, ...branch.guards.flat()]),
        ...(node.draw === undefined ? [] : [node.draw]),
      ];
    case "norm":
      return [node.component];
    case "solve":
      return [node.matrix, node.right, node.at];
    case "kmeans":
      return [node.coordinate, ...node.guards, node.at];
  }
}
