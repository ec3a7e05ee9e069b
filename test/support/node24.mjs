/**
 * Runs the tests on a Node 24 from npm, whatever Node this machine has: the binary is an ordinary package of its platform
 * (the package `node` would fetch it in an install script, which newer npm versions don't run).
 *
 *   node test/support/node24.mjs [vitest arguments]
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const VERSION = "24.9.0";
const root = fileURLToPath(new URL("../..", import.meta.url));
const home = join(root, "node_modules", ".cache", "evo", `node-${VERSION}`);
const name = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}`;
const node = join(home, "node_modules", name, "bin", "node");

if (!existsSync(node)) {
  console.log(`setup: Node ${VERSION} from npm (${name})`);
  mkdirSync(home, { recursive: true });
  const args = [
    "install",
    "--no-save",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--prefix",
    home,
    `${name}@${VERSION}`,
  ];
  if (spawnSync("npm", args, { stdio: ["ignore", "ignore", "inherit"] }).status !== 0) process.exit(1);
}
const tests = process.argv.length > 2 ? process.argv.slice(2) : ["--project", "fast", "--project", "pg"];
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
const path = `${dirname(node)}:${process.env.PATH}`;
const { status } = spawnSync(node, [vitest, "run", ...tests], {
  cwd: root,
  stdio: "inherit",
  // Tools that ask Node to keep compiled code get a folder below TMPDIR for it, which would stay.
  env: { ...process.env, PATH: path, NODE_DISABLE_COMPILE_CACHE: "1" },
});
process.exit(status ?? 1);
