/** The results of a run as a table for a terminal. Pure; called by the run command. */
import type { MetricName } from "../program.ts";
import type { Metrics } from "../evaluate/evaluate.ts";
import type { Paint } from "./color.ts";
import type { Results } from "./results.ts";

const HEADINGS: Readonly<Record<string, string>> = {
  map_at_r: "MAP@R",
  r_precision: "R-prec",
  nmi: "NMI",
  knn_accuracy: "kNN",
};

/** The heading of a metric's column: `recall_at_4` is `R@4`. */
export function metricHeading(metric: string): string {
  return HEADINGS[metric] ?? metric.replace(/^recall_at_/, "R@");
}

interface Row {
  readonly label: string;
  readonly metrics: Metrics;
  readonly baseline: boolean;
}

/**
 * One row for pixels, the untrained network, each head, the ensemble (of a gated one also with its gates permuted
 * between samples) and the compressed embedding; one column for each
 * metric, four digits. The best of each column is bold, the headings and the two baselines are dim.
 *
 * @param test the metrics of `results.json`.
 * @param paint colours, none by default.
 * @param beside rows measured elsewhere on the same task, printed below, never the best.
 * @param headWeights those of \`results.json\`: said in a last line where the heads do not all count alike.
 * @returns lines joined by newlines, without one at the end.
 */
export function resultsTable(
  test: Results["test"],
  paint: Paint = (_, text) => text,
  beside: readonly { readonly label: string; readonly metrics: Metrics }[] = [],
  headWeights: Results["head_weights"] = {},
): string {
  const own: Row[] = [
    { label: "pixels", metrics: test.pixels, baseline: true },
    { label: "untrained", metrics: test.untrained, baseline: true },
    ...Object.entries(test.heads).map(([name, metrics]) => ({
      label: `head ${name}`,
      metrics,
      baseline: false,
    })),
    { label: "ensemble", metrics: test.ensemble, baseline: false },
  ];
  if (test.ensemble_permuted_gates !== undefined) {
    own.push({ label: "permuted gates", metrics: test.ensemble_permuted_gates, baseline: true });
  }
  if (test.compressed !== undefined) {
    own.push({ label: "compressed", metrics: test.compressed, baseline: false });
  }

  const rows = [...own, ...beside.map((row) => ({ ...row, baseline: true }))];
  const columns = [...new Set(own.flatMap((row) => Object.keys(row.metrics)))] as MetricName[];
  const labelWidth = Math.max(...rows.map((row) => row.label.length));
  const widths = columns.map((column) => Math.max(metricHeading(column).length, "0.0000".length));
  const best = columns.map((column) => Math.max(...own.map((row) => row.metrics[column] ?? -Infinity)));

  const heading = columns.map((column, c) => metricHeading(column).padStart(widths[c]!)).join("  ");
  const lines = [paint("dim", `${" ".repeat(labelWidth)}  ${heading}`.trimEnd())];
  rows.forEach(({ label, metrics, baseline }, r) => {
    const cells = columns.map((column, c) => {
      const value = metrics[column];
      const text = (value === undefined ? "-" : value.toFixed(4)).padStart(widths[c]!);
      if (r < own.length && value === best[c]) return paint("bold", text);
      return baseline ? paint("dim", text) : text;
    });
    const name = label.padEnd(labelWidth);
    lines.push([baseline ? paint("dim", name) : name, ...cells].join("  "));
  });
  const [first, ...others] = Object.values(headWeights);
  if (others.some((weight) => Math.abs(weight - first!) > 1e-6)) {
    const each = Object.entries(headWeights).map(([name, weight]) => `${name} ${weight.toFixed(3)}`);
    lines.push(paint("dim", `weights of the heads in the ensemble: ${each.join(", ")}`));
  }
  return lines.join("\n");
}
