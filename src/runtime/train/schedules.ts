/** The factor that a schedule puts on every learning rate at a step. Plain numbers, computed outside the step. */
import type { ScheduleSettings } from "../program.ts";

/**
 * The factor of step `step` (0-based) of `steps`. During the warm-up of w steps it rises linearly, (step + 1) / w, and
 * the schedule itself begins after it.
 */
export function scheduleFactor(schedule: ScheduleSettings, step: number, steps: number): number {
  if (step < schedule.warmup) return (step + 1) / schedule.warmup;
  const since = step - schedule.warmup;
  switch (schedule.kind) {
    case "constant":
      return 1;
    case "cosine": {
      const progress = Math.min(since / Math.max(steps - schedule.warmup, 1), 1);
      return schedule.floor + (1 - schedule.floor) * 0.5 * (1 + Math.cos(Math.PI * progress));
    }
    case "step":
      return schedule.factor ** Math.floor(since / schedule.every);
  }
}
