/**
 * Names for the parts of a computation: forward, backward, optimizer. A part runs as if it stood there alone; only while
 * something listens is its name told. The training step names its parts; `record.ts` listens. Pure but for the listener.
 */

/** Hears of parts as they begin and end, the inner ones between the outer's two calls. */
export interface PhaseListener {
  begin(name: string): void;
  end(): void;
}

let listener: PhaseListener | undefined;

/** Runs `work` as the part called `name`. */
export function phase<T>(name: string, work: () => T): T {
  const hearing = listener;
  if (hearing === undefined) return work();
  hearing.begin(name);
  try {
    return work();
  } finally {
    hearing.end();
  }
}

/** Runs `work` with a listener, in place of any other. */
export function withPhases<T>(to: PhaseListener, work: () => T): T {
  const before = listener;
  listener = to;
  try {
    return work();
  } finally {
    listener = before;
  }
}
