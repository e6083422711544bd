// Bundles one entry file into one script for a browser: node bundle.mjs ENTRY OUTPUT
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [entry, output] = process.argv.slice(2);
await build({
  entryPoints: [entry],
  outfile: output,
  bundle: true,
  format: "iife",
  target: "es2022",
  jsx: "automatic",
  charset: "utf8",
  define: { "process.env.NODE_ENV": '"production"' },
  nodePaths: [join(dirname(fileURLToPath(import.meta.url)), "node_modules")],
  logLevel: "error",
});
