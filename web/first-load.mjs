/* global console, process */
// What a browser loads until a page shows, compressed: the entry, the page's chunk, all that they import at once, and
// the words of one language. `npm run size` fails when it is more than people are to wait for (docs/performance.md).
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const ASSETS = join(import.meta.dirname, "dist", "assets");
/** Of a page, kB. */
const LIMITS = { LoginPage: 300, DeskPage: 300, WallboardPage: 300, OverviewPage: 330 };

const files = readdirSync(ASSETS);
const named = (start, end) => {
  const found = files.filter((file) => file.startsWith(`${start}-`) && file.endsWith(end));
  return found;
};

/** Chunks that a chunk cannot run without. */
function imports(file) {
  const text = readFileSync(join(ASSETS, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g)].map((match) => match[1]);
}

/** Style sheets and chunks that the entry says are loaded with a chunk (Vite's list of dependencies). */
function preloaded(entry, chunk) {
  const text = readFileSync(join(ASSETS, entry), "utf8");
  const list = /\[("assets\/[^\]]*)\]/.exec(text)?.[1]?.split(",").map((name) => name.replaceAll('"', "").replace("assets/", "")) ?? [];
  const places = new RegExp(`import\\(\`?"?\\./${chunk.replaceAll(".", "\\.")}\`?"?\\)[^[]*?__vite__mapDeps\\(\\[([\\d,]+)\\]`).exec(text)?.[1];
  return places === undefined ? [] : places.split(",").map((place) => list[Number(place)]);
}

function closure(roots) {
  const all = new Set();
  const visit = (file) => {
    if (file !== undefined && !all.has(file) && files.includes(file)) {
      all.add(file);
      if (file.endsWith(".js")) {
        imports(file).forEach(visit);
      }
    }
  };
  roots.forEach(visit);
  return all;
}

const kB = (file) => gzipSync(readFileSync(file)).length / 1_000;
const html = readFileSync(join(ASSETS, "..", "index.html"), "utf8");
const entry = /src="\/assets\/(index-[^"]+\.js)"/.exec(html)[1];
const begun = [...html.matchAll(/\/assets\/([^"]+\.(?:js|css))"/g)].map((match) => match[1]);
const language = Math.max(...["en", "zh"].map((name) => Math.max(0, ...named(name, ".js").map((file) => kB(join(ASSETS, file))))));
const library = Math.max(0, ...["zh_CN", "en_GB"].flatMap((name) => named(name, ".js")).map((file) => kB(join(ASSETS, file))));

let failed = false;
for (const [page, limit] of Object.entries(LIMITS)) {
  const chunk = named(page, ".js");
  const styles = named(page, ".css");
  if (chunk.length === 0 && page !== "LoginPage") {
    console.error(`${page}: there is no such chunk in dist/; run \`npm run build\``);
    process.exit(1);
  }
  const loaded = closure([...begun, ...chunk, ...styles, ...chunk.flatMap((file) => preloaded(entry, file))]);
  const size = [...loaded].reduce((sum, file) => sum + kB(join(ASSETS, file)), kB(join(ASSETS, "..", "index.html")) + language + library);
  failed ||= size > limit;
  console.log(`${page}: ${size.toFixed(0)} kB compressed until it shows, ${String(limit)} at most${size > limit ? ": too much" : ""}`);
  if (process.argv.includes("--parts")) {
    const parts = [...loaded].map((file) => [kB(join(ASSETS, file)), file]).sort(([one], [other]) => other - one);
    console.log(parts.map(([part, file]) => `  ${part.toFixed(1).padStart(6)} ${file}`).join("\n"));
  }
}
process.exit(failed ? 1 : 0);
