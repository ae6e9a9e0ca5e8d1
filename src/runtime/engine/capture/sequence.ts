/**
 * Parts of a computation that are to run one after the other although none needs another's result: blocks of which only
 * one may be in memory. Run as it is, a program does so anyway; an engine that captures it as a graph is told here and
 * keeps the order. Called by `ops/in_blocks.ts`; recorders listen.
 */
import { ListenerPlace } from "../../listener.ts";

/** Hears of sequences while something is recorded. */
export interface SequenceListener {
  /** Parts follow, after all that ran before. */
  begin(): void;
  /** A part has run; the next must not start before it has ended. */
  partDone(): void;
  /** No more parts. */
  end(): void;
}

const place = new ListenerPlace<SequenceListener>();

/** Runs `work` with a listener, in place of any other. */
export const listening = <T>(to: SequenceListener, work: () => T): T => place.during(to, work);

/** Runs `part` for each item, in order. */
export function inSequence<T>(items: readonly T[], part: (item: T, index: number) => void): void {
  const listener = place.current;
  listener?.begin();
  try {
    items.forEach((item, index) => {
      part(item, index);
      listener?.partDone();
    });
  } finally {
    listener?.end();
  }
}
