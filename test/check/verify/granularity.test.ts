/** What the losses of the standard library are means over. */
import { expect, test } from "vitest";
import { granularityOf } from "../../../src/verify/granularity.ts";
import { formula, loss } from "../../interpret/support.ts";

test.each([
  ["contrastive()", "sample"],
  ["triplet()", "sample"],
  ["multi_similarity()", "sample"],
  ["arcface()", "sample"],
  ["normalized_softmax()", "sample"],
  ["soft_triple()", "sample"],
  ["margin()", "sample"],
  ["circle()", "sample"],
  ["smooth_ap()", "sample"],
  ["supcon()", "sample"],
  ["matryoshka(inner: triplet, sizes: [2, 4])", "sample"],
  ["proxy_anchor()", "class: mean"],
  ["matryoshka(inner: proxy_anchor, sizes: [2, 4])", "class: mean"],
  ["histogram()", "batch: sum"],
  ["vicreg()", "batch: mean"],
])("%s is per %s", (use, expected) => {
  const found = granularityOf(loss(use), 6);
  const text = found.kind === "sample" ? "sample" : `${found.kind}: ${found.reduction?.op}`;
  expect(text).toBe(expected);
});

test.each([
  ["mean[i, t] x[i, t]^2", "sample"],
  ["2 * mean[i] norm(x[i]) - sum[i, j | same(i, j)] dot(x[i], x[j]) / batch", "sample"],
  ["mean[t] (mean[i] x[i, t])^2", "batch"],
  ["max[i] norm(x[i])", "batch"],
  ["(mean[i] norm(x[i]))^2", "batch"],
  ["sqrt(mean[i] norm(x[i]))", "batch"],
  ["mean[i] norm(x[i]) + 1", "sample"],
])("%s is per %s", (body, expected) => {
  expect(granularityOf(formula(body), 6).kind).toBe(expected);
});
