/**
 * 2x2 maximum pooling with stride 2, and the gradients of 2x2 pooling, one line of windows at a time, for channel counts that are multiples of four.
 * Called by the pooling kernels.
 */
import {
  type Code,
  type Local,
  advance,
  countdown,
  defineFunction,
  f32x4,
  get,
  i32,
  sequence,
  set,
} from "../assembler.ts";

/** Walks the windows of a line and, within each, the channels in fours; all addresses step with it. */
function windows(
  [top, bottom, width, fours]: readonly [Local, Local, Local, Local],
  others: { readonly inputs: readonly Local[]; readonly outputs: readonly Local[] },
  local: (type: "i32") => Local,
  body: (right: Code) => Code,
): Code {
  const [left, pixel] = [local("i32"), local("i32")];
  const byWindow = [top, bottom, ...others.inputs];
  return sequence(
    set(pixel, i32.mul(get(fours), i32.constant(16))),
    countdown(
      width,
      sequence(
        set(left, get(fours)),
        countdown(
          left,
          sequence(
            body(get(pixel)),
            ...[...byWindow, ...others.outputs].map((at) => advance(at, i32.constant(16))),
          ),
        ),
        // Past the window's right half, which was handled together with the left one.
        ...byWindow.map((at) => advance(at, get(pixel))),
      ),
    ),
  );
}

/**
 * maxPoolGradientLine(dxTop, dxBottom, xTop, xBottom, y, dy, width, fours): `width` windows of `fours` times four
 * channels. The gradient goes to the first largest entry of its window, in reading order.
 */
export const maxPoolGradientLine = defineFunction(
  "maxPoolGradientLine",
  ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"],
  (parameters, local) => {
    const [dxTop, dxBottom, xTop, xBottom, y, dy, width, fours] = parameters as unknown as readonly [
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const [largest, left, hit] = [local("v128"), local("v128"), local("v128")];
    const corner = (dx: Local, x: Local, offset: Code): Code =>
      sequence(
        set(hit, f32x4.eq(f32x4.load(i32.add(get(x), offset)), get(largest))),
        f32x4.store(i32.add(get(dx), offset), f32x4.and(get(left), get(hit))),
        set(left, f32x4.andNot(get(left), get(hit))),
      );
    return windows(
      [dxTop, dxBottom, width, fours],
      { inputs: [xTop, xBottom], outputs: [y, dy] },
      local,
      (right) =>
        sequence(
          set(largest, f32x4.load(get(y))),
          set(left, f32x4.load(get(dy))),
          corner(dxTop, xTop, i32.constant(0)),
          corner(dxTop, xTop, right),
          corner(dxBottom, xBottom, i32.constant(0)),
          corner(dxBottom, xBottom, right),
        ),
    );
  },
);

/** averagePoolGradientLine(dxTop, dxBottom, dy, width, fours): a quarter of the gradient to each entry of its window. */
export const averagePoolGradientLine = defineFunction(
  "averagePoolGradientLine",
  ["i32", "i32", "i32", "i32", "i32"],
  (parameters, local) => {
    const [dxTop, dxBottom, dy, width, fours] = parameters as unknown as readonly [
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    const quarter = local("v128");
    return windows([dxTop, dxBottom, width, fours], { inputs: [], outputs: [dy] }, local, (right) =>
      sequence(
        set(quarter, f32x4.mul(f32x4.load(get(dy)), f32x4.constant(0.25))),
        ...[dxTop, dxBottom].flatMap((dx) => [
          f32x4.store(get(dx), get(quarter)),
          f32x4.store(i32.add(get(dx), right), get(quarter)),
        ]),
      ),
    );
  },
);

/** maxPoolLine(xTop, xBottom, y, width, fours): the largest entry of each window; NaN if one is. */
export const maxPoolLine = defineFunction(
  "maxPoolLine",
  ["i32", "i32", "i32", "i32", "i32"],
  (parameters, local) => {
    const [xTop, xBottom, y, width, fours] = parameters as unknown as readonly [
      Local,
      Local,
      Local,
      Local,
      Local,
    ];
    return windows([xTop, xBottom, width, fours], { inputs: [], outputs: [y] }, local, (right) => {
      const larger = (x: Local): Code => f32x4.max(f32x4.load(get(x)), f32x4.load(i32.add(get(x), right)));
      return f32x4.store(get(y), f32x4.max(larger(xTop), larger(xBottom)));
    });
  },
);
