/**
 * `npm run picture`: the live tree in README.md, as a terminal of 80 columns shows it in the middle of a real rehearsal,
 * at the moment when eu-west has not absorbed the policy yet. Needs tmux.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const readme = fileURLToPath(new URL("../../README.md", import.meta.url));
const socket = `evo-picture-${process.pid}`;
const tmux = (...args) => execFileSync("tmux", ["-L", socket, ...args], { encoding: "utf8", cwd: root });

const isIt = (screen) => /policy-arrived +[012] of 3 targets/.test(screen) && /[✗○] eu-west-1 +403/.test(screen);

tmux(
  "-f",
  "/dev/null",
  "new-session",
  "-d",
  "-x",
  "80",
  "-y",
  "40",
  "LC_ALL=C.UTF-8 node dist/cli/main.js up role-rollout --rehearse --fresh; sleep 60",
);
try {
  const deadline = Date.now() + 240_000;
  let screen = "";
  while (!isIt(screen)) {
    if (Date.now() > deadline) throw new Error(`the moment did not come:\n${screen}`);
    await sleep(50);
    screen = tmux("capture-pane", "-p", "-t", "0");
  }
  const lines = screen
    .trimEnd()
    .split("\n")
    .map((line) => line.trimEnd());
  const from = lines.findIndex((line) => /^role-rollout-\w+ /.test(line));
  const picture = lines.slice(from).join("\n");
  const text = readFileSync(readme, "utf8");
  const [, before, after] =
    /^([\s\S]*<!-- tree: npm run picture -->\n```\n)[\s\S]*?(```\n<!-- tree -->[\s\S]*)$/.exec(text) ?? [];
  if (before === undefined) throw new Error("README.md has no place for the picture");
  writeFileSync(readme, `${before}${picture}\n${after}`);
  console.log(picture);
  const [, run] = /^(role-rollout-\w+) /m.exec(picture) ?? [];
  tmux("send-keys", "-t", "0", "C-c");
  execFileSync("node", ["dist/cli/main.js", "abort", run, "--reason", "the picture is taken"], { cwd: root });
} finally {
  tmux("kill-server");
}
