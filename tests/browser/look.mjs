// Opens pages from disk in chromium and prints what it saw of each as JSON: node look.mjs CHROMIUM FOLDER PAGE...
// The first page is also looked at in the dark, without a script and on paper.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import path from "node:path";
import { chromium } from "playwright-core";

const [executablePath, folder, ...files] = process.argv.slice(2);
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const ARGUMENTS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
];
const SIZES = { wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } };
const MOST_TABS = 60;
const TALLEST = 12000;

let address;
let stem;
let seen;

const opened = async (browser, size, colorScheme, options = {}, before = undefined) => {
  const context = await browser.newContext({ viewport: SIZES[size], colorScheme, reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) seen.errors.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => seen.errors.push(`page: ${error}`));
  page.on("dialog", async (dialog) => { seen.errors.push(`dialog: ${dialog.message()}`); await dialog.dismiss(); });
  page.on("request", (request) => {
    const url = request.url().split("#")[0];
    if (url !== address && !url.startsWith("data:")) seen.requests.push(url);
  });
  if (before) await page.addInitScript(before);
  await page.goto(address);
  return page;
};

const charts = (page) => page.$$eval(".drawn", (figures) => figures.map((figure) => {
  const svg = figure.querySelector("svg");
  const box = svg?.getBoundingClientRect();
  const paths = svg?.querySelectorAll("path, rect, circle, line, use").length ?? 0;
  return { id: figure.id, width: box?.width ?? 0, height: box?.height ?? 0, paths };
}));

const images = (page) => page.$$eval("img", (all) => all.map((image) => {
  return image.decode().then(() => ({ alt: image.alt, drawn: image.naturalWidth > 0 }), () => ({ alt: image.alt, drawn: false }));
}).reduce(async (found, next) => [...await found, await next], Promise.resolve([])));

const brokenLinks = (page) => page.$$eval("a", (links) => links
  .map((link) => link.getAttribute("href") ?? "")
  .filter((href) => !href.startsWith("#") || !document.getElementById(href.slice(1))));

// Which elements a reader passes with the tab key before the first filter.
const tabbed = async (page) => {
  for (let count = 1; count <= MOST_TABS; count += 1) {
    await page.keyboard.press("Tab");
    const inside = await page.evaluate(() => document.activeElement.closest(".filter") !== null);
    if (inside) return count;
  }
  return null;
};

const skipped = async (page) => {
  await page.keyboard.press("Tab");
  const first = await page.evaluate(() => document.activeElement.textContent);
  await page.keyboard.press("Enter");
  const where = await page.evaluate(() => document.activeElement.id);
  return { first, where };
};

const rowsShown = (page) => page.$$eval(".rulings tbody tr", (rows) => rows.filter((row) => row.offsetParent !== null).length);

const filtered = async (page) => {
  const filter = page.locator(".filter").first();
  if (await filter.count() === 0) return null;
  const told = () => filter.locator("output").innerText();
  const before = { rows: await rowsShown(page), told: await told() };
  const box = filter.locator("input[type=checkbox]").first();
  await box.focus();
  await page.keyboard.press("Space");
  const unchecked = { rows: await rowsShown(page), told: await told(), decision: await box.inputValue() };
  await page.keyboard.press("Space");
  await filter.locator("input[type=search]").fill("no rule says this");
  const nothing = { rows: await rowsShown(page), none: await page.locator(".none").first().isVisible() };
  await filter.locator("input[type=search]").fill("");
  return { before, unchecked, nothing, after: { rows: await rowsShown(page), told: await told() } };
};

// From a ruling to its evidence and back, though a filter hides the ruling by then.
const followed = async (page) => {
  const link = page.locator("a.evidence").first();
  if (await link.count() === 0) return null;
  const ruling = await link.evaluate((each) => each.closest("tr").id);
  const target = (await link.getAttribute("href")).slice(1);
  await link.click();
  const there = await page.evaluate((id) => {
    const box = document.getElementById(id).getBoundingClientRect();
    return box.top >= -1 && box.top < window.innerHeight;
  }, target);
  await page.locator(".filter input[type=search]").first().fill("no rule says this");
  const back = page.locator(`a.back[href="#${ruling}"]`).first();
  const backwards = await back.count() > 0;
  if (backwards) await back.click();
  await page.waitForTimeout(50);
  const visible = await page.locator(`[id="${ruling}"]`).isVisible();
  const filter = page.locator(".filter input[type=search]").first();
  await filter.fill("");
  return { there, backwards, visible };
};

const themed = async (page) => {
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const before = await paper();
  await page.locator("button.theme").click();
  const after = await paper();
  await page.reload();
  const reloaded = await paper();
  await page.evaluate(() => window.localStorage.clear());
  return { before, after, reloaded };
};

const copied = async (page) => {
  const button = page.locator("button.copy").first();
  if (await button.count() === 0) return null;
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await button.click();
  await page.waitForTimeout(100);
  return { told: await button.innerText(), text: await page.evaluate(() => navigator.clipboard.readText()), command: await page.locator(".command code").first().textContent() };
};

const audited = async (page, where) => {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  for (const violation of found.violations) {
    const { id, impact, help, nodes } = violation;
    seen.violations.push({ where, id, impact, help, nodes: nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary ?? ""}`.slice(0, 500)) });
  }
};

const shot = async (page, name) => {
  const place = path.join(folder, `${stem}-${name}.png`);
  const tall = await page.evaluate(() => document.documentElement.scrollHeight);
  const clip = { x: 0, y: 0, width: page.viewportSize().width, height: Math.min(tall, TALLEST) };
  await page.screenshot({ path: place, fullPage: true, clip });
  seen.kept.push(place);
};

const lookedAt = async (browser, schemes) => {
  for (const size of Object.keys(SIZES)) {
    for (const scheme of schemes) {
      const page = await opened(browser, size, scheme);
      const room = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      seen.overflow[`${size}-${scheme}`] = room[0] - room[1];
      await shot(page, `${SIZES[size].width}-${scheme}`);
      if (size === "wide" || scheme === "light") await audited(page, `${size}-${scheme}`);
      if (size === "wide" && scheme === "light") await tried(browser, page);
      await page.context().close();
    }
  }
};

const tried = async (browser, page) => {
  seen.title = await page.title();
  seen.charts = await charts(page);
  seen.images = await images(page);
  seen.brokenLinks = await brokenLinks(page);
  seen.tabs = await tabbed(page);
  seen.filter = await filtered(page);
  seen.followed = await followed(page);
  seen.copied = await copied(page);
  seen.theme = await themed(page);
  const fresh = await opened(browser, "wide", "light");
  seen.skip = await skipped(fresh);
  await fresh.context().close();
};

const withoutScript = async (browser) => {
  const page = await opened(browser, "wide", "light", { javaScriptEnabled: false });
  seen.withoutScript = {
    rows: await page.locator(".rulings tbody tr").count(),
    controls: await page.locator(".filter:visible, button:visible").count(),
  };
  await page.context().close();
};

// A page from disk may be denied any storage; the switch must work all the same.
const withoutStorage = async (browser) => {
  const page = await opened(browser, "wide", "light", {}, () => {
    Object.defineProperty(window, "localStorage", { get() { throw new DOMException("denied", "SecurityError"); } });
  });
  await page.locator("button.theme").click();
  seen.withoutStorage = await page.evaluate(() => document.documentElement.dataset.theme);
  await page.context().close();
};

const printed = async (browser) => {
  const page = await opened(browser, "wide", "dark");
  const place = path.join(folder, `${stem}.pdf`);
  await page.pdf({ path: place, format: "A4", printBackground: true });
  seen.kept.push(place);
  await page.locator(".filter input[type=search]").first().fill("no rule says this");
  await page.emulateMedia({ media: "print" });
  seen.print = {
    rows: await rowsShown(page),
    controls: await page.locator(".filter:visible, button:visible, nav:visible").count(),
    folded: await page.$$eval("details > :not(summary)", (parts) => parts.filter((part) => part.getBoundingClientRect().height === 0).length),
    paper: await page.evaluate(() => getComputedStyle(document.body).backgroundColor),
  };
  await page.context().close();
};

const all = {};
const browser = await chromium.launch({ executablePath, headless: true, args: ARGUMENTS });
try {
  for (const file of files) {
    address = pathToFileURL(path.resolve(file)).href;
    stem = path.basename(file, ".html");
    seen = { errors: [], requests: [], violations: [], overflow: {}, kept: [] };
    all[stem] = seen;
    await lookedAt(browser, file === files[0] ? ["light", "dark"] : ["light"]);
    if (file !== files[0]) continue;
    await withoutScript(browser);
    await withoutStorage(browser);
    await printed(browser);
  }
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(all));
