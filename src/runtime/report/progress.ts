/**
 * The progress display of slow work and of training: on a terminal one line that is rewritten, elsewhere plain lines
 * now and then. Called by the commands; writes to the one stream it is given, reads the one clock, starts no timer.
 */
import { createPaint } from "./color.ts";
import { fit, formatDuration, formatValue, percentage, progressBar } from "./progress_text.ts";
import type { Segment } from "./progress_text.ts";

export interface ReporterOptions {
  /** Where to write: standard error, so that results can be piped. */
  readonly stream: { write(text: string): unknown };
  readonly isTTY: boolean;
  /** The terminal's width now; it may change. */
  readonly columns: () => number;
  /** Milliseconds of a clock that never goes back. */
  readonly now: () => number;
  /** Whether to colour: see `colorEnabled`. */
  readonly color: boolean;
}

/** One training step, as the display shows it. */
export interface StepReport {
  /** Steps taken, this one included. */
  readonly step: number;
  readonly total: number;
  /** Raw value and effective weight of each loss, by name, in the spec's order. */
  readonly losses: Readonly<Record<string, { readonly value: number; readonly weight: number }>>;
  /** The scalar that is minimised. */
  readonly loss: number;
  readonly lr: number;
  /** Milliseconds a step takes now, as smoothed by the trainer: gives the rate and the time left. */
  readonly msPerStep: number;
  /** Anything short, e.g. the validation score. */
  readonly note?: string;
}

export interface Reporter {
  /** A new part of the run begins. */
  phase(text: string): void;
  /** `done` of `total` units of `what`; call as often as convenient. */
  work(what: string, done: number, total: number): void;
  /** A training step is done; call after every step. */
  step(report: StepReport): void;
  /** A line that stays, above the display. */
  message(text: string): void;
  /** Leaves the terminal at the start of a line. */
  close(): void;
}

/** A terminal line is rewritten at most this often, in milliseconds. */
const REDRAW_MS = 100;
/** Off a terminal: a line for every twentieth, no closer than a second, no further apart than half a minute. */
const PLAIN_SHARE = 1 / 20;
const PLAIN_MIN_MS = 1_000;
const PLAIN_MAX_MS = 30_000;
const BAR_WIDTH = 20;

/** What is under way: work of one name, or training. */
interface Task {
  readonly name: string;
  readonly startedAt: number;
  readonly startedWith: number;
  reportedAt: number;
  reportedDone: number;
  /** The line as last drawn on the terminal, without its end. */
  segments: readonly Segment[];
}

/** A display for one run. Off a terminal every line is final and nothing is ever rewritten. */
export function createReporter(options: ReporterOptions): Reporter {
  const { stream, isTTY, columns, now } = options;
  const paint = createPaint(options.color);
  let task: Task | undefined;
  /** The task that ended last: it may say more than once that all is done. */
  let ended: string | undefined;

  /** Ends the current line, if any, as it was last reported. */
  const finish = (): void => {
    if (task !== undefined && isTTY) {
      draw(task);
      stream.write("\n");
    }
    task = undefined;
  };

  const draw = ({ segments }: Task): void => {
    // One column is left free: a full line would make some terminals wrap.
    stream.write(`\r${fit(segments, Math.max(1, columns() - 1), paint)}\x1b[K`);
  };

  /** The task of this name, started now if it is not the current one. */
  const current = (name: string, done: number): { task: Task; isNew: boolean } => {
    // Going back to fewer done is another round of the same work.
    if (task !== undefined && task.name === name && done >= task.reportedDone) return { task, isNew: false };
    finish();
    const time = now();
    task = {
      name,
      startedAt: time,
      startedWith: done,
      reportedAt: time,
      reportedDone: done,
      segments: [],
    };
    return { task, isNew: true };
  };

  const update = (name: string, done: number, total: number, line: (task: Task) => Segment[]): void => {
    const isLast = total > 0 && done >= total;
    if (isLast && task === undefined && ended === name) return;
    ended = undefined;
    const { task: at, isNew } = current(name, done);
    const time = now();
    const elapsed = time - at.reportedAt;
    if (isTTY) {
      at.segments = line(at);
      if (isNew || isLast || elapsed >= REDRAW_MS) {
        draw(at);
        at.reportedAt = time;
        at.reportedDone = done;
      }
    } else {
      const share = (count: number): number => Math.floor(count / (total * PLAIN_SHARE));
      const advanced = total > 0 && share(done) > share(at.reportedDone) && elapsed >= PLAIN_MIN_MS;
      if (isNew || isLast || advanced || elapsed >= PLAIN_MAX_MS) {
        stream.write(`${fit(line(at), Infinity, paint)}\n`);
        at.reportedAt = time;
        at.reportedDone = done;
      }
    }
    if (isLast) {
      if (isTTY) stream.write("\n");
      task = undefined;
      ended = name;
    }
  };

  /** A line between the display's: the display's own is taken away first and drawn again after. */
  const line = (text: string): void => {
    if (task !== undefined && isTTY) {
      stream.write(`\r\x1b[K${text}\n`);
      draw(task);
    } else {
      stream.write(`${text}\n`);
    }
  };

  return {
    phase(text) {
      finish();
      line(paint("bold", text));
    },
    work(what, done, total) {
      update(`work ${what}`, done, total, (at) =>
        workLine(what, done, total, secondsLeft(at, done, total, now()), isTTY),
      );
    },
    step(report) {
      update("training", report.step, report.total, () => stepLine(report, isTTY));
    },
    message: line,
    close: finish,
  };
}

/** Time left at the pace since the task began; NaN while there is none. */
function secondsLeft(task: Task, done: number, total: number, time: number): number {
  const pace = (done - task.startedWith) / (time - task.startedAt);
  return pace > 0 ? (total - done) / pace / 1000 : NaN;
}

function workLine(what: string, done: number, total: number, left: number, bar: boolean): Segment[] {
  if (total <= 0) return [{ text: `${what} ${done}` }];
  return [
    { text: `${what} ` },
    ...(bar ? [...progressBar(done, total, BAR_WIDTH), { text: " " }] : []),
    { text: `${percentage(done, total)}  ${done}/${total}` },
    ...(done < total && Number.isFinite(left) ? [{ text: `  ${formatDuration(left)} left` }] : []),
  ];
}

function stepLine(report: StepReport, bar: boolean): Segment[] {
  const { step, total, msPerStep } = report;
  const rate = `${formatValue(1000 / msPerStep)} steps/s`;
  const left = step < total ? `  ${formatDuration(((total - step) * msPerStep) / 1000)} left` : "";
  return [
    { text: bar ? "train " : "step " },
    ...(bar ? [...progressBar(step, total, BAR_WIDTH), { text: " " }] : []),
    { text: `${step}/${total}  ${rate}${left}` },
    { text: `  loss ${formatValue(report.loss)}`, style: "bold" },
    ...Object.entries(report.losses).flatMap(([name, { value, weight }]): Segment[] => [
      { text: `  ${name} ${formatValue(value)}` },
      { text: ` x${formatValue(weight)}`, style: "dim" },
    ]),
    { text: `  lr ${formatValue(report.lr)}`, style: "dim" },
    ...(report.note === undefined ? [] : [{ text: `  ${report.note}` }]),
  ];
}
