/**
 * The inner loop of matrix products and of filter gradients: C[r, c] += sum over positions p of A(r, p) * B[p, c].
 *
 * A is not stored as a matrix. Row r starts at its own byte offset, and the positions p walk a rectangle of `height`
 * lines by `width` points with constant steps. With one line this covers A·B (offset r·K, step 1) and Aᵀ·B (offset r,
 * step M); with a padded image as A and one row per filter tap and input channel it is the gradient of a convolution's
 * filter, with no copy of the image's patches. B and C are row-major. A block of 4 rows by 8 columns of C stays in
 * registers while the positions are walked.
 */
import {
  type Code,
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

const BLOCK_ROWS = 4;
const BLOCK_COLUMNS = 8;

/**
 * accumulateProduct(a, offsets, rows, pointStep, width, lineStep, height, b, bStep, c, cStep, columns).
 *
 * `a`, `b`, `c`: addresses of floats; `offsets`: address of `rows` byte offsets into A; steps are in bytes: from a
 * point to the next and from a line to the next in A, from a position to the next in B (positions are numbered line by
 * line), from a row to the next in C.
 */
export const accumulateProduct = defineFunction(
  "accumulateProduct",
  ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
  (parameters, local) => {
    const [a, offsets, rows, pointStep, width, lineStep, height, b, bStep, c, cStep, columns] =
      parameters as unknown as readonly [
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
        Local,
      ];
    const start = Array.from({ length: BLOCK_ROWS }, () => local("i32"));
    const line = Array.from({ length: BLOCK_ROWS }, () => local("i32"));
    const point = Array.from({ length: BLOCK_ROWS }, () => local("i32"));
    const sums = Array.from({ length: BLOCK_ROWS * 2 }, () => local("v128"));
    const scalarSums = Array.from({ length: BLOCK_ROWS }, () => local("f32"));
    const right = [local("v128"), local("v128")] as const;
    const left = local("v128");
    const scalarRight = local("f32");
    const [lines, points, rowsLeft] = [local("i32"), local("i32"), local("i32")];
    const [bPosition, offset, cBlock, cRow] = [local("i32"), local("i32"), local("i32"), local("i32")];

    const walk = (count: number, step: Code): Code =>
      sequence(
        ...start.slice(0, count).map((from, r) => set(line[r]!, get(from))),
        set(bPosition, get(b)),
        set(lines, get(height)),
        countdown(
          lines,
          sequence(
            ...line.slice(0, count).map((from, r) => set(point[r]!, get(from))),
            set(points, get(width)),
            countdown(
              points,
              sequence(
                step,
                ...point.slice(0, count).map((at) => advance(at, get(pointStep))),
                advance(bPosition, get(bStep)),
              ),
            ),
            ...line.slice(0, count).map((at) => advance(at, get(lineStep))),
          ),
        ),
      );

    /** For each row of the block, with the row's address in C in `cRow`. */
    const eachRow = (count: number, body: (r: number) => Code): Code =>
      sequence(
        set(cRow, get(cBlock)),
        ...Array.from({ length: count }, (_, r) => sequence(body(r), advance(cRow, get(cStep)))),
      );

    /** A block of `count` rows by `vectors` times four columns. */
    const vectorBlock = (count: number, vectors: number): Code => {
      const lanes = Array.from({ length: vectors }, (_, v) => v);
      const sum = (r: number, v: number): Local => sums[r * 2 + v]!;
      return sequence(
        eachRow(count, (r) => sequence(...lanes.map((v) => set(sum(r, v), f32x4.load(get(cRow), 16 * v))))),
        walk(
          count,
          sequence(
            ...lanes.map((v) => set(right[v]!, f32x4.load(get(bPosition), 16 * v))),
            ...point
              .slice(0, count)
              .map((at, r) =>
                sequence(
                  set(left, f32x4.loadSplat(get(at))),
                  ...lanes.map((v) =>
                    set(sum(r, v), f32x4.add(get(sum(r, v)), f32x4.mul(get(left), get(right[v]!)))),
                  ),
                ),
              ),
          ),
        ),
        eachRow(count, (r) => sequence(...lanes.map((v) => f32x4.store(get(cRow), get(sum(r, v)), 16 * v)))),
      );
    };

    /** A block of `count` rows by one column. */
    const scalarBlock = (count: number): Code =>
      sequence(
        eachRow(count, (r) => set(scalarSums[r]!, f32.load(get(cRow)))),
        walk(
          count,
          sequence(
            set(scalarRight, f32.load(get(bPosition))),
            ...point
              .slice(0, count)
              .map((at, r) =>
                set(
                  scalarSums[r]!,
                  f32.add(get(scalarSums[r]!), f32.mul(f32.load(get(at)), get(scalarRight))),
                ),
              ),
          ),
        ),
        eachRow(count, (r) => f32.store(get(cRow), get(scalarSums[r]!))),
      );

    /** Blocks of `count` rows while there are as many, in the columns of this block. */
    const downRows = (count: number, block: Code): Code =>
      whileAtLeast(
        rowsLeft,
        count,
        sequence(
          ...start.slice(0, count).map((from, r) => set(from, i32.add(get(a), i32.load(get(offset), 4 * r)))),
          block,
          advance(offset, i32.constant(4 * count)),
          advance(cBlock, i32.mul(get(cStep), i32.constant(count))),
          advance(rowsLeft, i32.constant(-count)),
        ),
      );

    // Columns outside, rows inside: the block's columns of B are read again for each block of rows and stay near.
    const acrossColumns = (width: number, block: (count: number) => Code): Code =>
      whileAtLeast(
        columns,
        width,
        sequence(
          set(offset, get(offsets)),
          set(cBlock, get(c)),
          set(rowsLeft, get(rows)),
          downRows(BLOCK_ROWS, block(BLOCK_ROWS)),
          downRows(1, block(1)),
          advance(b, i32.constant(4 * width)),
          advance(c, i32.constant(4 * width)),
          advance(columns, i32.constant(-width)),
        ),
      );

    return sequence(
      acrossColumns(BLOCK_COLUMNS, (count) => vectorBlock(count, 2)),
      acrossColumns(4, (count) => vectorBlock(count, 1)),
      acrossColumns(1, (count) => scalarBlock(count)),
    );
  },
);
