/** The curves of a loss as one picture: value above, slope below; positives left, negatives right. Pure. */
import type { Curve, LossCurves } from "./curves.ts";
import { chartSvg } from "./svg.ts";
import type { Column, Setting } from "./svg.ts";

/** What the similarities are between, in words. */
const PAIRS: Readonly<Record<LossCurves["kind"], { readonly positive: string; readonly negative: string }>> =
  {
    samples: { positive: "positive pairs", negative: "negative pairs" },
    views: { positive: "a sample's two views", negative: "different samples" },
    "class vectors": {
      positive: "a sample and its class's vector",
      negative: "a sample and other classes' vectors",
    },
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
export function lossPicture(use: string, curves: LossCurves, setting?: Setting): string {
  const { positive, negative } = PAIRS[curves.kind];
  const column = (title: string, own: string, other: string, all: readonly Curve[]): Column => ({
    title: `By the similarity of ${title}`,
    x: `cosine ${own}`,
    range: [-1, 1],
    legend: `${other} =`,
    panels: [
      { y: "loss", lines: lines(all, "value") },
      { y: `gradient by ${own}`, lines: lines(all, "slope") },
    ],
  });
  return chartSvg(
    {
      title: use,
      description: `Value of ${use} and its gradient. ${captionOf(curves)}`,
      columns: [column(positive, "s⁺", "s⁻", curves.positive), column(negative, "s⁻", "s⁺", curves.negative)],
    },
    setting,
  );
}

function lines(all: readonly Curve[], what: "value" | "slope") {
  return all.map((curve) => ({ name: String(curve.held), x: curve.similarity, y: curve[what] }));
}
