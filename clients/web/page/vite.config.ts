import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

interface About {
  name: string;
  version: string;
  license: string;
  dependencies?: Record<string, string>;
}

function about(folder: string): About {
  return JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as About;
}

function installed(name: string): string {
  return join(import.meta.dirname, "node_modules", name);
}

/** Names of the packages that the page needs when it runs, and of those that they need. */
function bundled(): string[] {
  const names = new Set<string>();
  const waiting = Object.keys(about(import.meta.dirname).dependencies ?? {});
  for (let name = waiting.pop(); name; name = waiting.pop()) {
    if (names.has(name)) continue;
    names.add(name);
    waiting.push(...Object.keys(about(installed(name)).dependencies ?? {}));
  }
  return [...names].sort();
}

function licence(name: string): string {
  const { version, license } = about(installed(name));
  const file = readdirSync(installed(name)).find((entry) => /^licen[cs]e/i.test(entry));
  if (!file) throw new Error(`${name} has no licence file`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(installed(name), file), "utf8").trim()}\n`;
}

export default defineConfig({
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [
    {
      name: "licences",
      apply: "build",
      generateBundle() {
        this.emitFile({ type: "asset", fileName: "licences.txt", source: bundled().map(licence).join("\n\n") });
      },
    },
  ],
  worker: { format: "es" },
  build: {
    outDir: "../assets",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: { "/api": process.env.ARGOSY_WEB ?? "http://127.0.0.1:8080" } },
  test: { include: ["tests/**/*.test.ts"] },
});
