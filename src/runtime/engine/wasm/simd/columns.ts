/**
 * Loops over row-major matrices [rows, columns] with one vector entry a column: sums down the columns, and maps that
 * scale and shift each column. Called by sums and means over leading axes and by batch normalisation.
 *
 * Callers pass a few hundred rows at a time: that keeps a strip of the matrix in the nearest cache while the loop goes
 * from one block of columns to the next, and makes long sums sums of partial sums, which keeps their rounding small.
 */
import {
  type Code,
  type FunctionSource,
  type Local,
  advance,
  countdown,
  defineFunction,
  f32,
  f32x4,
  get,
  i32,
  sequence,
  set,
  whileAtLeast,
} from "../assembler.ts";

/** What the formulas below need; four lanes and single floats both have it. */
type Arithmetic = Pick<typeof f32, "add" | "sub" | "mul">;
type Formula = (on: Arithmetic, matrices: readonly Code[], vectors: readonly Code[]) => Code;

/**
 * A function `(rows, columns, out, matrices.., vectors..)` of addresses. As a sum it adds the formula down the rows to
 * the vector `out`; as a map it writes the formula to the matrix `out`.
 */
function columnLoop(
  name: string,
  kind: "sum" | "map",
  matrixCount: number,
  vectorCount: number,
  formula: Formula,
): FunctionSource {
  const types = Array.from({ length: 3 + matrixCount + vectorCount }, () => "i32" as const);
  return defineFunction(name, types, (parameters, local) => {
    const [rows, columns, out] = parameters as unknown as readonly [Local, Local, Local];
    const matrices = parameters.slice(3, 3 + matrixCount);
    const vectors = parameters.slice(3 + matrixCount);
    const [rowStep, rowsLeft, target] = [local("i32"), local("i32"), local("i32")];
    const sources = matrices.map(() => local("i32"));

    /** A block of columns: `lanes` pieces of `bytes` bytes, loaded and stored by `on`. */
    const block = (
      lanes: number,
      on: typeof f32 | typeof f32x4,
      type: "f32" | "v128",
      bytes: number,
    ): Code => {
      const pieces = Array.from({ length: lanes }, (_, piece) => {
        const held = vectors.map(() => local(type));
        const sum = local(type);
        const values = (): Code =>
          formula(
            on,
            sources.map((source) => on.load(get(source), piece * bytes)),
            held.map(get),
          );
        return {
          begin: sequence(
            ...vectors.map((vector, v) => set(held[v]!, on.load(get(vector), piece * bytes))),
            kind === "sum" ? set(sum, on.load(get(out), piece * bytes)) : [],
          ),
          step:
            kind === "sum"
              ? set(sum, on.add(get(sum), values()))
              : on.store(get(target), values(), piece * bytes),
          end: kind === "sum" ? on.store(get(out), get(sum), piece * bytes) : [],
        };
      });
      const width = (lanes * bytes) / 4;
      return whileAtLeast(
        columns,
        width,
        sequence(
          ...pieces.map(({ begin }) => begin),
          ...sources.map((source, m) => set(source, get(matrices[m]!))),
          set(target, get(out)),
          set(rowsLeft, get(rows)),
          countdown(
            rowsLeft,
            sequence(
              ...pieces.map(({ step }) => step),
              ...sources.map((source) => advance(source, get(rowStep))),
              advance(target, get(rowStep)),
            ),
          ),
          ...pieces.map(({ end }) => end),
          ...[out, ...matrices, ...vectors].map((at) => advance(at, i32.constant(lanes * bytes))),
          advance(columns, i32.constant(-width)),
        ),
      );
    };

    return sequence(
      set(rowStep, i32.mul(get(columns), i32.constant(4))),
      block(4, f32x4, "v128", 16),
      block(1, f32x4, "v128", 16),
      block(1, f32, "f32", 4),
    );
  });
}

/** sumColumns(rows, columns, out, x): out += sum of x. */
export const sumColumns = columnLoop("sumColumns", "sum", 1, 0, (_, [x]) => x!);

/** sumCentredProducts(rows, columns, out, a, x, mean): out += sum of a * (x - mean). */
export const sumCentredProducts = columnLoop("sumCentredProducts", "sum", 2, 1, (on, [a, x], [mean]) =>
  on.mul(a!, on.sub(x!, mean!)),
);

/** sumCentredSquares(rows, columns, out, x, mean): out += sum of (x - mean)^2. */
export const sumCentredSquares = columnLoop("sumCentredSquares", "sum", 1, 1, (on, [x], [mean]) =>
  on.mul(on.sub(x!, mean!), on.sub(x!, mean!)),
);

/** scaleColumns(rows, columns, out, x, mean, scale, shift): out = scale * (x - mean) + shift. */
export const scaleColumns = columnLoop("scaleColumns", "map", 1, 3, (on, [x], [mean, scale, shift]) =>
  on.add(on.mul(on.sub(x!, mean!), scale!), shift!),
);

/** combineColumns(rows, columns, out, a, x, mean, p, q, r): out = p * a + q * (x - mean) + r. */
export const combineColumns = columnLoop("combineColumns", "map", 2, 4, (on, [a, x], [mean, p, q, r]) =>
  on.add(on.add(on.mul(a!, p!), on.mul(on.sub(x!, mean!), q!)), r!),
);
