/**
 * Line charts as SVG text: panels side by side and below each other, one legend for each column. Called by `picture.ts`.
 * Pure. Small on purpose: a charting library weighs tens of megabytes on every installation, for a few lines and ticks.
 *
 * The text takes the colour around it (`currentColor`) and classes carry the rest, so that a page that holds the picture
 * sets its own colours; alone it is dark on white, or light on dark where that is preferred.
 */
export interface Line {
  readonly name: string;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

export interface Panel {
  /** Beside its vertical axis. */
  readonly y: string;
  readonly lines: readonly Line[];
}

/** Panels over one horizontal axis, top to bottom. */
export interface Column {
  readonly title: string;
  readonly x: string;
  readonly range: readonly [number, number];
  /** What the names of the lines are values of. */
  readonly legend: string;
  readonly panels: readonly Panel[];
}

export interface Chart {
  readonly title: string;
  /** For readers who do not see it. */
  readonly description: string;
  readonly columns: readonly Column[];
}

const PANEL = { width: 300, height: 170 };
const GAP = { left: 64, right: 16, top: 14, bottom: 26 };
const TITLE = 30;
const HEAD = 22;
const FOOT = 46;
/** The share of a line's points at either end that does not set the range of the axis. */
const END = 0.04;
/** After Okabe and Ito: told apart by most eyes, on light and on dark. */
const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const DASHES = ["", "7 3", "2 3", "9 3 2 3", "4 2", "1 2"];

const STYLE = `
.dmlc-chart { font: 12px system-ui, sans-serif; color: #1f2328; }
.dmlc-chart text { fill: currentColor; }
.dmlc-chart .paper { fill: #ffffff; }
.dmlc-chart .title { font-size: 15px; font-weight: 600; }
.dmlc-chart .head { font-weight: 600; }
.dmlc-chart .tick { font-size: 11px; opacity: 0.75; }
.dmlc-chart .grid { stroke: currentColor; stroke-opacity: 0.12; }
.dmlc-chart .axis { stroke: currentColor; stroke-opacity: 0.45; fill: none; }
.dmlc-chart .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
@media (prefers-color-scheme: dark) {
  .dmlc-chart { color: #e6edf3; }
  .dmlc-chart .paper { fill: #0d1117; }
}`;

/** How a chart stands on its page. */
export interface Setting {
  /** Keeps the names within it apart from those of other charts of the page. */
  readonly id?: string;
  /** Whether its title is drawn; where the page has one, it is there for readers who do not see. */
  readonly titled?: boolean;
}

/** The chart as the text of an SVG file. */
export function chartSvg(
  { title, description, columns }: Chart,
  { id = "chart", titled = true }: Setting = {},
): string {
  const top = titled ? TITLE : 0;
  const cell = { width: GAP.left + PANEL.width + GAP.right, height: GAP.top + PANEL.height + GAP.bottom };
  const rows = Math.max(...columns.map(({ panels }) => panels.length));
  const width = cell.width * columns.length;
  const height = top + HEAD + cell.height * rows + FOOT;
  const parts = columns.flatMap((column, c) => {
    const left = c * cell.width + GAP.left;
    const bottom = top + HEAD + cell.height * column.panels.length;
    return [
      text(column.title, left + PANEL.width / 2, top + 12, "head", "middle"),
      ...column.panels.map((panel, r) =>
        panelSvg(panel, column.range, left, top + HEAD + r * cell.height + GAP.top, `${id}-${c}-${r}`),
      ),
      text(column.x, left + PANEL.width / 2, bottom + 8, "", "middle"),
      legendSvg(column, left, bottom + 30),
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" class="dmlc-chart" role="img" aria-labelledby="${id}-title ${id}-about" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<title id="${id}-title">${escaped(title)}</title>`,
    `<desc id="${id}-about">${escaped(description)}</desc>`,
    `<style>${STYLE}</style>`,
    `<rect class="paper" width="${width}" height="${height}"/>`,
    ...(titled ? [text(title, width / 2, 20, "title", "middle")] : []),
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function panelSvg(
  { y: name, lines }: Panel,
  range: readonly [number, number],
  left: number,
  top: number,
  id: string,
): string {
  const low = rangeOf(lines);
  const yTicks = ticks(low[0], low[1], 5);
  const [from, to] = [Math.min(low[0], yTicks[0]!), Math.max(low[1], yTicks.at(-1)!)];
  const x = (value: number): number => left + (PANEL.width * (value - range[0])) / (range[1] - range[0]);
  const y = (value: number): number => top + PANEL.height * (1 - (value - from) / (to - from));
  const bottom = top + PANEL.height;
  return [
    `<clipPath id="${id}"><rect x="${left}" y="${top}" width="${PANEL.width}" height="${PANEL.height}"/></clipPath>`,
    ...yTicks.flatMap((tick) => [
      `<path class="grid" d="M${left} ${place(y(tick))}H${left + PANEL.width}"/>`,
      text(label(tick, yTicks), left - 6, y(tick) + 4, "tick", "end"),
    ]),
    ...ticks(...range, 5).flatMap((tick, _, all) => [
      `<path class="grid" d="M${place(x(tick))} ${top}V${bottom}"/>`,
      text(label(tick, all), x(tick), bottom + 14, "tick", "middle"),
    ]),
    `<path class="axis" d="M${left} ${top}V${bottom}H${left + PANEL.width}"/>`,
    `<text transform="translate(${left - 50} ${top + PANEL.height / 2}) rotate(-90)" text-anchor="middle">${escaped(name)}</text>`,
    `<g clip-path="url(#${id})">`,
    ...lines.map((line, k) => `<path class="line" ${stroke(k)} d="${pathOf(line, x, y)}"/>`),
    "</g>",
  ].join("\n");
}

function legendSvg({ legend, panels }: Column, left: number, top: number): string {
  const names = panels[0]?.lines.map(({ name }) => name) ?? [];
  const lead = 8 + 6.4 * legend.length;
  return [
    text(legend, left, top + 4, "", "start"),
    ...names.flatMap((name, k) => {
      const x = left + lead + k * 62;
      return [
        `<path class="line" ${stroke(k)} d="M${place(x)} ${top}h22"/>`,
        text(name, x + 27, top + 4, "", "start"),
      ];
    }),
  ].join("\n");
}

function stroke(k: number): string {
  const dash = DASHES[k % DASHES.length]!;
  return `stroke="${COLOURS[k % COLOURS.length]}"${dash === "" ? "" : ` stroke-dasharray="${dash}"`}`;
}

/** Straight lines between the points; broken where a value is not finite. */
function pathOf({ x: xs, y: ys }: Line, x: (v: number) => number, y: (v: number) => number): string {
  let open = false;
  return xs
    .map((value, k) => {
      const height = ys[k]!;
      if (!Number.isFinite(height)) {
        open = false;
        return "";
      }
      const command = open ? "L" : "M";
      open = true;
      return `${command}${place(x(value))} ${place(y(height))}`;
    })
    .join("");
}

/**
 * The values to show: those away from the ends of the lines, where a slope may grow without bound; the ends as well if
 * they are not far out. A level line gets room above and below.
 */
export function rangeOf(lines: readonly Line[]): [number, number] {
  const finite = lines.map(({ y }) => y.filter(Number.isFinite));
  const all = finite.flat();
  if (all.length === 0) return [0, 1];
  const inner = finite.flatMap((y) =>
    y.slice(Math.ceil(END * y.length), y.length - Math.ceil(END * y.length)),
  );
  const shown = inner.length === 0 ? all : inner;
  const [low, high] = [Math.min(...shown), Math.max(...shown)];
  const span = high - low;
  const from = Math.max(Math.min(...all), low - span);
  const to = Math.min(Math.max(...all), high + span);
  const size = Math.max(Math.abs(from), Math.abs(to));
  if (to - from > 1e-9 * size) return [from, to];
  return size === 0 ? [-1, 1] : [from - size / 2, to + size / 2];
}

/** About `count` round numbers that cover low to high: multiples of 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= rough * (1 - 1e-9)) ?? 10);
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  return Array.from({ length: last - first + 1 }, (_, k) => Number(((first + k) * step).toPrecision(12)));
}

/** With the decimals that tell neighbouring ticks apart; in powers of ten where that would be long. */
function label(tick: number, all: readonly number[]): string {
  const largest = Math.max(...all.map(Math.abs));
  if (tick !== 0 && (largest >= 1e5 || largest < 1e-3))
    return tick.toExponential().replace("e+", "e").replace("-", "−");
  return String(tick).replace("-", "−");
}

const place = (value: number): string => String(Number(value.toFixed(2)));

function text(content: string, x: number, y: number, style: string, anchor: string): string {
  const attribute = style === "" ? "" : ` class="${style}"`;
  return `<text${attribute} x="${place(x)}" y="${place(y)}" text-anchor="${anchor}">${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
