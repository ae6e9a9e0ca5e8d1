/**
 * The inner loops of matrix products, convolutions and filter gradients: C[r, c] += sum over positions p of
 * A(r, p) * B[p, c].
 *
 * A is not stored as a matrix. Row r starts at its own byte offset, and the positions p walk a rectangle of `height`
 * lines by `width` points with constant steps. With one line this covers A·B (offset r·K, step 1) and Aᵀ·B (offset r,
 * step M). With a padded image as A it covers convolutions, with no copy of the image's patches: the value has one row
 * an output point and walks the filter, the filter's gradient has one row a filter tap and walks the output. B and C
 * are row-major.
 *
 * A block of C stays in registers while the positions are walked. Each size of block is a small function of its own and
 * the walk is not unrolled: measured on Node 20, unrolling makes V8 keep the block in memory and takes 1.6 times as long.
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

/** Rows and columns of a block. Columns come in fours, or singly. */
export interface BlockSize {
  readonly rows: 4 | 1;
  readonly columns: 8 | 4 | 1;
}

/** Largest first: what one size leaves of the rows or columns is left to the next. */
export const blockSizes: readonly BlockSize[] = ([4, 1] as const).flatMap((rows) =>
  ([8, 4, 1] as const).map((columns) => ({ rows, columns })),
);

export const productName = ({ rows, columns }: BlockSize): string => `product_${rows}x${columns}`;

/** How a block's columns are held: `count` values of `bytes` bytes. */
interface Lanes {
  readonly on: typeof f32 | typeof f32x4;
  readonly type: "f32" | "v128";
  readonly loadLeft: (address: Code) => Code;
  readonly count: number;
  readonly bytes: number;
}

function lanesOf(columns: BlockSize["columns"]): Lanes {
  if (columns === 1) return { on: f32, type: "f32", loadLeft: f32.load, count: 1, bytes: 4 };
  return { on: f32x4, type: "v128", loadLeft: f32x4.loadSplat, count: columns / 4, bytes: 16 };
}

/**
 * product_RxC(a, offsets, rows, pointStep, width, lineStep, height, b, bStep, c, cStep, columns).
 *
 * `a`, `b`, `c`: addresses of floats; `offsets`: address of `rows` byte offsets into A; steps are in bytes: from a
 * point to the next and from a line to the next in A, from a position to the next in B (positions are numbered line by
 * line), from a row to the next in C. What is left of the rows and columns beyond whole blocks is not touched.
 */
function product(size: BlockSize): FunctionSource {
  const { on, type, loadLeft, count, bytes } = lanesOf(size.columns);
  const types = Array.from({ length: 12 }, () => "i32" as const);
  return defineFunction(productName(size), types, (parameters, local) => {
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
    const eachRow = <T>(make: (row: number) => T): T[] =>
      Array.from({ length: size.rows }, (_, row) => make(row));
    const eachLane = <T>(make: (lane: number) => T): T[] =>
      Array.from({ length: count }, (_, lane) => make(lane));
    const line = eachRow(() => local("i32"));
    const point = eachRow(() => local("i32"));
    const sums = eachRow(() => eachLane(() => local(type)));
    const right = eachLane(() => local(type));
    const left = local(type);
    const [lines, points, rowsLeft] = [local("i32"), local("i32"), local("i32")];
    const [position, offset, block, cRow] = [local("i32"), local("i32"), local("i32"), local("i32")];

    /** For each row and lane of the block in C. */
    const eachSum = (body: (sum: Local, byteOffset: number) => Code): Code =>
      sequence(
        set(cRow, get(block)),
        ...eachRow((row) =>
          sequence(...eachLane((lane) => body(sums[row]![lane]!, lane * bytes)), advance(cRow, get(cStep))),
        ),
      );

    const atPoint = sequence(
      ...eachLane((lane) => set(right[lane]!, on.load(get(position), lane * bytes))),
      ...eachRow((row) =>
        sequence(
          set(left, loadLeft(get(point[row]!))),
          ...eachLane((lane) => {
            const sum = sums[row]![lane]!;
            return set(sum, on.add(get(sum), on.mul(get(left), get(right[lane]!))));
          }),
        ),
      ),
      ...point.map((at) => advance(at, get(pointStep))),
      advance(position, get(bStep)),
    );

    const oneBlock = sequence(
      eachSum((sum, byteOffset) => set(sum, on.load(get(cRow), byteOffset))),
      ...eachRow((row) => set(line[row]!, i32.add(get(a), i32.load(get(offset), 4 * row)))),
      set(position, get(b)),
      set(lines, get(height)),
      countdown(
        lines,
        sequence(
          ...eachRow((row) => set(point[row]!, get(line[row]!))),
          set(points, get(width)),
          countdown(points, atPoint),
          ...line.map((at) => advance(at, get(lineStep))),
        ),
      ),
      eachSum((sum, byteOffset) => on.store(get(cRow), get(sum), byteOffset)),
    );

    // Columns outside, rows inside: the block's columns of B are read again for each block of rows and stay near.
    return whileAtLeast(
      columns,
      size.columns,
      sequence(
        set(offset, get(offsets)),
        set(block, get(c)),
        set(rowsLeft, get(rows)),
        whileAtLeast(
          rowsLeft,
          size.rows,
          sequence(
            oneBlock,
            advance(offset, i32.constant(4 * size.rows)),
            advance(block, i32.mul(get(cStep), i32.constant(size.rows))),
            advance(rowsLeft, i32.constant(-size.rows)),
          ),
        ),
        advance(b, i32.constant(4 * size.columns)),
        advance(c, i32.constant(4 * size.columns)),
        advance(columns, i32.constant(-size.columns)),
      ),
    );
  });
}

/** The function of each block size, by name. */
export const products: Readonly<Record<string, FunctionSource>> = Object.fromEntries(
  blockSizes.map((size) => [productName(size), product(size)]),
);
