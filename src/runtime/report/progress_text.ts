/** The words and figures of the progress display. Pure; called by `progress.ts`. */
import type { Paint, Style } from "./color.ts";

/** A stretch of text in one style. */
export interface Segment {
  readonly text: string;
  readonly style?: Style;
}

/** Seconds as `0:07`, `12:30`, `1:02:03`; `-` if not known. */
export function formatDuration(seconds: number): string {
  if (!Number.isFinite(seconds)) return "-";
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number): string => String(value).padStart(2, "0");
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}:${two(whole % 60)}`;
  return `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`;
}

/** A loss or a rate in about four digits: `0.3125`, `12.35`, `3.1e-6`, `nan`. */
export function formatValue(value: number): string {
  if (Number.isNaN(value)) return "nan";
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size < 1e-3 || size >= 1e5) return value.toExponential(1);
  return size < 1 ? value.toFixed(4) : value.toPrecision(size < 1e4 ? 4 : 5);
}

/** `done` of `total` as a bar of this many characters. */
export function progressBar(done: number, total: number, width: number): Segment[] {
  const full = total > 0 ? Math.round(Math.min(1, Math.max(0, done / total)) * width) : 0;
  return [
    { text: "█".repeat(full), style: "cyan" },
    { text: "░".repeat(width - full), style: "dim" },
  ];
}

/** Share done as ` 21%`, `100%` only when all is done. */
export function percentage(done: number, total: number): string {
  if (total <= 0) return "  -%";
  const percent = done >= total ? 100 : Math.min(99, Math.floor((100 * done) / total));
  return `${String(percent).padStart(3)}%`;
}

/** Joins segments, cut to `width` characters (an ellipsis shows it), then painted. */
export function fit(segments: readonly Segment[], width: number, paint: Paint): string {
  const length = segments.reduce((sum, { text }) => sum + text.length, 0);
  let room = length > width ? Math.max(0, width - 1) : width;
  let line = "";
  for (const { text, style } of segments) {
    const shown = text.slice(0, room);
    room -= shown.length;
    line += style === undefined ? shown : paint(style, shown);
  }
  return length > width && width > 0 ? `${line}…` : line;
}
