/** Curves of losses: values known by hand, slopes against differences, what there is no picture of. */
import { describe, expect, it } from "vitest";
import { curvesOf } from "../../src/plot/curves.ts";
import type { Curve } from "../../src/plot/curves.ts";
import { captionOf, lossPicture, lossPictures } from "../../src/plot/picture.ts";
import { formula, loss, miner } from "../interpret/support.ts";

const distance = (cosine: number): number => Math.sqrt(2 - 2 * cosine);

describe("values", () => {
  it("of pairs are those of the formula", () => {
    const { kind, classes, samples, positive, negative } = curvesOf(loss("contrastive(margin: 1.2)"))!;
    expect({ kind, classes, samples }).toEqual({ kind: "samples", classes: 2, samples: 4 });
    const value = (p: number, n: number): number => distance(p) + Math.max(0, 1.2 - distance(n));
    for (const { held, similarity, value: values } of positive)
      similarity.forEach((s, k) => expect(values[k]).toBeCloseTo(value(s, held), 9));
    for (const { held, similarity, value: values } of negative)
      similarity.forEach((s, k) => expect(values[k]).toBeCloseTo(value(held, s), 9));
    // Beside s⁻ = 0 there is every s⁺.
    expect(positive[0]!.similarity[0]).toBeLessThan(-0.99);
    expect(positive[0]!.similarity.at(-1)).toBeGreaterThan(0.99);
  });

  it("of class vectors are those of the formula, several vectors a class alike", () => {
    for (const use of ["cosface(margin: 0.2, scale: 4)", "soft_triple(la: 4, margin: 0.2, tau: 0)"]) {
      const { kind, positive } = curvesOf(loss(use))!;
      expect(kind).toBe("class vectors");
      for (const { held, similarity, value } of positive)
        similarity.forEach((s, k) =>
          expect(value[k]).toBeCloseTo(Math.log1p(Math.exp(4 * (held - (s - 0.2)))), 9),
        );
    }
  });

  it("of two views, of three classes where two are too few, and of prefixes", () => {
    expect(curvesOf(loss("vicreg"))!.kind).toBe("views");
    const three = formula(
      "mean_active[a, p, n, m | same(a, p), differs(a, n), differs(a, m), differs(n, m)] relu(cosine(x[n], x[m]) - cosine(x[a], x[p]) + 1)",
    );
    expect(curvesOf(three)!.classes).toBe(3);
    const inner = curvesOf(loss("matryoshka(inner: contrastive(), sizes: [8, 32])"))!;
    const [one] = curvesOf(loss("contrastive"))!.positive;
    inner.positive[0]!.value.forEach((value, k) => expect(value).toBeCloseTo(3 * one!.value[k]!, 9));
  });
});

describe("slopes", () => {
  /** Differences of the values in the middle of the curve, where nothing is steep. */
  const agree = ({ similarity, value, slope }: Curve): void => {
    for (let k = Math.floor(similarity.length / 4); k < (3 * similarity.length) / 4; k++) {
      const difference = (value[k + 1]! - value[k - 1]!) / (similarity[k + 1]! - similarity[k - 1]!);
      expect(Math.abs(slope[k]! - difference)).toBeLessThan(0.02 * Math.max(1, Math.abs(difference)));
    }
  };

  it.each(["multi_similarity(alpha: 2, beta: 2)", "normalized_softmax(temperature: 1)", "simclr", "nca"])(
    "of %s are those of its values",
    (use) => {
      const { positive, negative } = curvesOf(loss(use))!;
      for (const curve of [...positive, ...negative]) agree(curve);
    },
  );

  it("are 0 where a hinge is switched off, and where a miner takes nothing", () => {
    const { negative } = curvesOf(loss("triplet(margin: 0.1)"))!;
    expect(negative[0]!.slope[0]).toBe(0);
    expect(negative[0]!.slope.at(-1)).toBeGreaterThan(0.5);
    const mined = curvesOf(loss("triplet(margin: 0.1)"), miner("semi_hard(margin: 0.05)"))!;
    expect(mined.negative[0]!.value.at(-1)).toBe(0);
  });
});

describe("the picture", () => {
  it("is drawn of nothing for a loss of lengths alone", () => {
    expect(curvesOf(loss("lp_regularizer"))).toBeUndefined();
    expect(curvesOf(formula("3 + 0 * norm(x[0])"))).toBeUndefined();
  });

  it("says what it shows, in words too", () => {
    const curves = curvesOf(loss("triplet(margin: 0.1)"))!;
    const svg = lossPicture('triplet("<0.1>")', curves);
    expect(svg).toContain("triplet(&#34;&#60;0.1&#62;&#34;)");
    expect(svg).toContain(captionOf(curves));
    expect(svg.match(/class="line"/g)).toHaveLength(2 * 2 * 3 + 2 * 3);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    for (const part of lossPictures("triplet", curves, "t"))
      expect(part.match(/class="line"/g)).toHaveLength(9);
    expect(new Set([...svg.matchAll(/ id="([^"]+)"/g)].map((match) => match[1])).size).toBe(6);
  });
});

it("refuses a loss that is too large to draw in reasonable time", () => {
  expect(() => curvesOf(loss("manifold(proxies: 100)"))).toThrow("too large to draw");
});
