/**
 * Names for the parts of a computation: forward, backward, optimizer. A part runs as if it stood there alone; only while
 * something listens is its name told. The training step names its parts; `record.ts` listens. Pure but for the listener.
 */
import { ListenerPlace } from "../listener.ts";

/** Hears of parts as they begin and end, the inner ones between the outer's two calls. */
export interface PhaseListener {
  begin(name: string): void;
  end(): void;
}

const place = new ListenerPlace<PhaseListener>();

/** Runs `work` as the part called `name`. */
export function phase<T>(name: string, work: () => T): T {
  const hearing = place.current;
  if (hearing === undefined) return work();
  hearing.begin(name);
  try {
    return work();
  } finally {
    hearing.end();
  }
}

/** Runs `work` with a listener, in place of any other. */
export const withPhases = <T>(to: PhaseListener, work: () => T): T => place.during(to, work);
