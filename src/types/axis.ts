/**
 * Axes of formulas. A named axis is one thing wherever it is written (`batch`, `classes`, `dim`, a parameter's name, the
 * text of a range); an index starts with an axis of its own that its first use on a named one settles. Two names never
 * become one, even at equal size. Used by the checking of formulas. Pure.
 */
import type { Span } from "../source/source.ts";

export class Axis {
  /** Set for a named axis. */
  readonly name: string | undefined;
  /** Whether an index over it is also a number (`r in 0..nodes`), as one over samples, classes or components is not. */
  readonly numeric: boolean;
  /** Whether it is a list, whose elements are each a number known before training. */
  readonly listed: boolean;
  /** What it was found to be, for an index's own axis. */
  private same: Axis | undefined;
  /** The use that settled it. */
  private settled: Span | undefined;

  constructor(name: string | undefined, numeric: boolean, listed = false) {
    this.name = name;
    this.numeric = numeric;
    this.listed = listed;
  }

  /** The named axis it stands for, or the last of the axes it was made one with. */
  get resolved(): Axis {
    let axis: Axis = this;
    while (axis.same !== undefined) axis = axis.same;
    return axis;
  }

  /** The use that fixed which axis this is. */
  get because(): Span | undefined {
    let axis: Axis = this;
    let found = axis.settled;
    while (axis.same !== undefined) {
      axis = axis.same;
      found ??= axis.settled;
    }
    return found;
  }

  /** Makes two axes one because of a use; false if they are two different named ones. */
  unify(other: Axis, use: Span): boolean {
    const a = this.resolved;
    const b = other.resolved;
    if (a === b) return true;
    if (a.name !== undefined && b.name !== undefined) return false;
    const [open, target] = a.name === undefined ? [a, b] : [b, a];
    open.same = target;
    open.settled = use;
    return true;
  }
}

/** The named axes of one declaration. */
export class Axes {
  private readonly named = new Map<string, Axis>();
  private fresh = 0;

  of(name: string, numeric: boolean, listed = false): Axis {
    let axis = this.named.get(name);
    if (axis === undefined) this.named.set(name, (axis = new Axis(name, numeric, listed)));
    return axis;
  }

  /** A named axis that is no other's, such as the components that `prefix` keeps. */
  unlike(name: string, numeric: boolean, listed = false): Axis {
    return new Axis(`${name}${"′".repeat(++this.fresh)}`, numeric, listed);
  }
}

/** The name of the axis of a label's classes; of the classes themselves without a label. */
export function classesAxis(on: string | undefined): string {
  return on === undefined ? "classes" : `classes(on: ${on})`;
}

/** The name of the axis of rows of two tables, one behind the other; undefined where one has no name yet. */
export function namesJoined(first: Axis, second: Axis): string | undefined {
  const [a, b] = [first.resolved.name, second.resolved.name];
  return a === undefined || b === undefined ? undefined : `${a} + ${b}`;
}

/** Whether an axis has the rows of another first: an index of that one is one of it too. */
export function startsWith(joined: Axis, first: Axis): boolean {
  const { name } = first.resolved;
  return name !== undefined && joined.resolved.name?.startsWith(`${name} + `) === true;
}

/** What an axis is called in messages. */
export function describeAxis(axis: Axis): string {
  const { name } = axis.resolved;
  switch (name) {
    case undefined:
      return "an axis not found yet";
    case "batch":
      return "the samples of the batch";
    case "classes":
      return "the classes";
    case "dim":
      return "the components of the embedding";
    default:
      return `\`${name.replaceAll("′", "")}\``;
  }
}
