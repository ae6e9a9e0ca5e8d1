/**
 * Looks at every page of the built site in Chromium, on a phone and on a desk: nothing may be wider than the window but
 * what scrolls in itself, every picture and font must load. Run after `npm run docs`, with the folder of the site if it is
 * another than `site/`; `CHROMIUM` names the browser if it is called something else than `chromium`. Ends with exit code 1
 * if a page is wrong.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const WIDTHS = [390, 1280];
const site = resolve(process.argv[2] ?? fileURLToPath(new URL("../site", import.meta.url)));
const pages = readdirSync(site, { recursive: true, encoding: "utf8" })
  .filter((path) => path.endsWith(".html"))
  .sort();

/** Runs in the browser: each page in a frame of each width; what is wrong goes into the document. */
async function look(urls, widths) {
  const frame = document.querySelector("iframe");
  const found = [];
  for (const width of widths) {
    frame.width = width;
    for (const url of urls) {
      await new Promise((loaded) => {
        frame.onload = loaded;
        frame.src = url;
      });
      const page = frame.contentDocument;
      await page.fonts.ready;
      if (page.documentElement.scrollWidth > width)
        found.push(`${url} at ${width}: ${page.documentElement.scrollWidth} wide`);
      for (const image of page.images)
        if (image.naturalWidth === 0) found.push(`${url}: ${image.src} does not load`);
      for (const font of page.fonts)
        if (font.status === "error") found.push(`${url}: ${font.family} is missing`);
    }
  }
  document.querySelector("pre").textContent = [...found, "END"].join("\n");
}

const folder = mkdtempSync(join(tmpdir(), "dmlc-browser-"));
try {
  const urls = pages.map((page) => pathToFileURL(join(site, page)).href);
  const harness = join(folder, "look.html");
  writeFileSync(
    harness,
    `<!doctype html><iframe height="800"></iframe><pre></pre><script>(${look})(${JSON.stringify(urls)}, ${JSON.stringify(WIDTHS)})</script>`,
  );
  const dom = execFileSync(
    process.env["CHROMIUM"] ?? "chromium",
    [
      "--headless",
      "--disable-gpu",
      "--allow-file-access-from-files",
      `--user-data-dir=${join(folder, "profile")}`,
      // Chromium has no sandbox for root.
      ...(process.getuid?.() === 0 ? ["--no-sandbox"] : []),
      "--virtual-time-budget=600000",
      "--dump-dom",
      pathToFileURL(harness).href,
    ],
    { encoding: "utf8", maxBuffer: 2 ** 26, stdio: ["ignore", "pipe", "ignore"] },
  );
  const lines = (/<pre>([^]*?)<\/pre>/.exec(dom)?.[1] ?? "").split("\n");
  if (lines.pop() !== "END") throw new Error("the browser did not get through all pages");
  for (const line of lines) process.stdout.write(`${line}\n`);
  process.stdout.write(`${pages.length} pages at ${WIDTHS.join(" and ")} pixels, ${lines.length} problems\n`);
  process.exitCode = lines.length === 0 ? 0 : 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
