/** The curves of a loss as one picture: value above, slope below; positives left, negatives right. Pure. */
import type { Curve, LossCurves } from "./curves.ts";
import { chartSvg } from "./svg.ts";
import type { Column, Line } from "./svg.ts";

/** What the similarities are, in words. */
const SIMILARITY: Readonly<Record<LossCurves["kind"], { positive: string; negative: string }>> = {
  samples: { positive: "of positive pairs", negative: "of negative pairs" },
  views: { positive: "of a sample's two views", negative: "of different samples" },
  "class vectors": { positive: "to the own class's vector", negative: "to other classes' vectors" },
};

/** What stands below a picture: which batch it was drawn from. */
export function captionOf({ kind, classes, samples }: LossCurves): string {
  const of = `${samples} unit vectors, ${samples / classes} of each of ${classes} classes`;
  switch (kind) {
    case "samples":
      return `A batch of ${of}: every positive pair has the cosine s⁺, every negative pair the cosine s⁻.`;
    case "views":
      return `A batch of ${samples} samples of ${classes} classes, in two views of unit vectors: a sample's views have the cosine s⁺, all others s⁻.`;
    case "class vectors":
      return `A batch of ${of}: a sample has the cosine s⁺ to its class's vector and s⁻ to the others, which are at right angles.`;
  }
}

/** The text of an SVG file. `use` is the loss as it is written in a spec. */
export function lossPicture(use: string, curves: LossCurves): string {
  return chartSvg({ title: use, description: descriptionOf(use, curves), columns: columnsOf(curves) });
}

/**
 * The same as two pictures for a page, which can stand beside or below each other: by the similarity of positives, and by
 * that of negatives. `id` keeps their names apart from others of the page.
 */
export function lossPictures(use: string, curves: LossCurves, id: string): string[] {
  return columnsOf(curves).map((column, k) => {
    const title = `${use}: ${column.title.toLowerCase()}`;
    const chart = { title, description: descriptionOf(use, curves), columns: [column] };
    return chartSvg(chart, { id: `${id}-${k}`, titled: false });
  });
}

function descriptionOf(use: string, curves: LossCurves): string {
  return `Value of ${use} and its gradient. ${captionOf(curves)}`;
}

function columnsOf({ kind, positive, negative }: LossCurves): [Column, Column] {
  const words = SIMILARITY[kind];
  return [column(words.positive, "s⁺", "s⁻", positive), column(words.negative, "s⁻", "s⁺", negative)];
}

function column(words: string, own: string, other: string, curves: readonly Curve[]): Column {
  return {
    title: `By the similarity ${words}`,
    x: `cosine ${own}`,
    range: [-1, 1],
    legend: `${other} =`,
    panels: [
      { y: "loss", lines: linesOf(curves, "value") },
      { y: `gradient by ${own}`, lines: linesOf(curves, "slope") },
    ],
  };
}

function linesOf(curves: readonly Curve[], what: "value" | "slope"): Line[] {
  return curves.map((curve) => ({ name: String(curve.held), x: curve.similarity, y: curve[what] }));
}
