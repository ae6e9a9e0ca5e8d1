/** Losses of the literature beyond the standard library's, as text: what a user of the language would write. */

export const SOFT_TRIPLE = `
loss soft_triple(centers: int >= 1 = 10, la: real > 0 = 20, gamma: real > 0 = 0.1, margin: real >= 0 = 0.01, tau: real >= 0 = 0.2) {
  param w: real[classes, centers, dim] = kaiming_uniform() { lr: 1e-2 }
  let s(i, k, c) = cosine(x[i], w[k, c])
  let similarity(i, k) = sum[c in centers] softmax[c](s(i, k, c) / gamma) * s(i, k, c)
    mean[i] cross_entropy[k in classes](la * (similarity(i, k) - margin * (y[i] == k)), y[i])
  + tau * ratio(sum[k in classes, c in centers, e in centers | c < e] sqrt(2 + 1e-5 - 2 * cosine(w[k, c], w[k, e])),
                classes * centers * (centers - 1))
}`;

export const MARGIN = `
loss margin(alpha: real > 0 = 0.2, beta: real > 0 = 1.2, nu: real >= 0 = 0, learn_beta: bool = false) assumes unit(x) {
  param b: real[classes] = constant(beta) { train: learn_beta }
  let pull(a, p) = relu(euclidean(x[a], x[p]) - b[y[a]] + alpha)
  let push(a, n) = relu(b[y[a]] - euclidean(x[a], x[n]) + alpha)
  ratio(sum[a, p, n | same(a, p), differs(a, n)] (pull(a, p) + push(a, n) + nu * b[y[a]]),
        (count[a, p, n | same(a, p), differs(a, n)] pull(a, p) > 0) + (count[a, p, n | same(a, p), differs(a, n)] push(a, n) > 0))
}`;

export const CIRCLE = `
loss circle(margin: real in [0, 1] = 0.4, gamma: real > 0 = 80) {
  let s(i, j) = cosine(x[i], x[j])
  let push(i, n) = stop_gradient(relu(s(i, n) + margin))
  let pull(i, p) = stop_gradient(relu(1 + margin - s(i, p)))
  mean_active[i] softplus(
      (logsumexp[n | differs(i, n)] gamma * push(i, n) * (s(i, n) - margin))
    + (logsumexp[p | same(i, p)] -gamma * pull(i, p) * (s(i, p) - 1 + margin))
  )
}`;

export const HISTOGRAM = `
loss histogram(nodes: int >= 2 = 101) {
  let s(i, j) = cosine(x[i], x[j])
  let width = 2 / (nodes - 1)
  let near(v, r) = relu(1 - abs(v + 1 - r * width) / width)
  let positive(r) = mean[i, j | i < j, same(i, j)] near(s(i, j), r)
  let negative(r) = mean[i, j | i < j, differs(i, j)] near(s(i, j), r)
  sum[r in 0..nodes] negative(r) * (sum[q in 0..nodes | q <= r] positive(q))
}`;

export const SMOOTH_AP = `
loss smooth_ap(temperature: real > 0 = 0.01): real in [0, 1] {
  let s(i, j) = cosine(x[i], x[j])
  let above(q, j, k) = sigmoid((s(q, k) - s(q, j)) / temperature)
  let precision(q, j) = (1 + sum[k | k != j, same(q, k)] above(q, j, k)) / (1 + sum[k | k != j, k != q] above(q, j, k))
  mean[q | any[j] same(q, j)] (1 - mean[j | same(q, j)] precision(q, j))
}`;

export const VICREG = `
loss vicreg(invariance: real >= 0 = 25, spread: real >= 0 = 25, covariance: real >= 0 = 1) of (u, v) assumes free(u), free(v) {
  let centred(z, i, t) = z[i, t] - mean[j] z[j, t]
  let flat(z) = mean[t] relu(1 - sqrt(sample_variance[i](z[i, t]) + 1e-4))
  let redundant(z) = (sum[t, s | t != s] (sum[i] centred(z, i, t) * centred(z, i, s) / (batch - 1))^2) / dim
    invariance * (mean[i, t] (u[i, t] - v[i, t])^2)
  + spread * (flat(u) + flat(v)) / 2
  + covariance * (redundant(u) + redundant(v))
}`;

export const MATRYOSHKA = `
loss matryoshka(inner: loss, sizes: int[] = [8, 16, 32]) {
  inner(x: x) + sum[m in sizes] inner(x: normalize(prefix(x, m)))
}`;

/** Khosla et al. 2020, eq. 2. */
export const SUPCON = `
loss supcon(temperature: real > 0 = 0.1) {
  let s(i, j) = cosine(x[i], x[j]) / temperature
  mean[i | any[j] same(i, j)] (-1 * mean[p | same(i, p)] (s(i, p) - logsumexp[k | k != i] s(i, k)))
}`;

/** Hermans et al. 2017, eq. 5: batch-hard. */
export const BATCH_HARD = `
loss hardest(margin: real >= 0 = 0.2, distance: distance = euclidean) {
  let d(i, j) = distance(x[i], x[j])
  mean[a] softplus((max[p | same(a, p)] d(a, p)) - (min[n | differs(a, n)] d(a, n)) + margin)
}`;

/** Generalised lifted structure (Hermans et al. 2017, eq. 4). */
export const LIFTED = `
loss lifted(margin: real >= 0 = 1) {
  let d(i, j) = euclidean(x[i], x[j])
  mean[a] relu((logsumexp[p | same(a, p)] d(a, p)) + (logsumexp[n | differs(a, n)] (margin - d(a, n))))
}`;

/** NCA over the batch, written with an explicit logarithm of sums. */
export const NCA = `
loss nca() {
  let e(i, j) = exp(-1 * squared_euclidean(x[i], x[j]))
  mean[i] (-1 * log(sum[j | same(i, j)] e(i, j)) + log(sum[k | k != i] e(i, k)))
}`;
