import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import type { CommandProbe } from "../../../src/gates/model.js";
import { collectTail, lastLine } from "../../../src/gates/probes/tail.js";
import { createRedactor } from "../../../src/redact.js";
import { lookOnce } from "./looking.js";

const CANARY = "canary-7f3a9e";

function sh(script: string, more: Partial<CommandProbe> = {}): CommandProbe {
  return { type: "command", command: ["sh", "-c", script], ...more };
}

describe("exit codes", () => {
  it.each([
    [0, "pass"],
    [1, "fail"],
    [75, "inconclusive"],
    [2, "error"],
    [127, "error"],
  ] as const)("%d: %s", async (exit, verdict) => {
    expect(await lookOnce(sh(`exit ${exit}`))).toEqual({ verdict, observed: { exit }, expected: { exit: 0 } });
  });

  it("is an error when a signal ends it", async () => {
    const look = await lookOnce(sh("kill -TERM $$"));
    expect(look).toMatchObject({ verdict: "error", observed: null, message: "the program was ended by SIGTERM" });
  });

  it("is an error when there is no such program or folder", async () => {
    const missing = await lookOnce({ type: "command", command: ["no-such-program-here"] });
    expect(missing).toMatchObject({ verdict: "error", message: expect.stringContaining("no-such-program-here") });
    expect((await lookOnce(sh("exit 0", { cwd: "no-such-folder" }))).verdict).toBe("error");
  });
});

describe("how it runs", () => {
  it("has no shell of evo's between", async () => {
    const probe: CommandProbe = { type: "command", command: ["echo", "$HOME; exit 1"] };
    expect(await lookOnce(probe)).toMatchObject({ verdict: "pass", message: "$HOME; exit 1" });
  });

  it("runs in the sequence's folder, or below it, with an environment of its own", async () => {
    const root = realpathSync(mkdtempSync(join(tmpdir(), "evo-command-")));
    onTestFinished(() => rmSync(root, { recursive: true }));
    const context = { root, sequenceFile: "s.ts", env: { PATH: process.env.PATH ?? "", ROLE: "viewer" } };
    expect((await lookOnce(sh("pwd"), { context })).message).toBe(root);
    const env = { STEP: { $output: { step: "app", path: "name" } } };
    const outputs = async () => ({ name: { value: "blue", secret: false } });
    const look = await lookOnce(sh('echo "$ROLE $STEP"; test -z "$EVO_UNKNOWN"', { env }), {
      context: { ...context, outputs },
    });
    expect(look).toMatchObject({ verdict: "pass", message: "viewer blue" });
  });

  it("is an error when a value is missing, and nothing is started", async () => {
    const look = await lookOnce(sh("exit 0", { env: { A: { $env: "NOT_SET" } } }));
    expect(look).toMatchObject({ verdict: "error", message: "the environment variable NOT_SET is not set" });
  });
});

/** A place that a child connects to, so that its end shows as a closed connection: no polling, no sleep. */
async function witness(): Promise<{ port: number; met: Promise<Socket> }> {
  let meet: (socket: Socket) => void;
  const met = new Promise<Socket>((resolve) => (meet = resolve));
  const server = createServer((socket) => meet(socket.on("error", () => undefined).resume()));
  onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as { port: number }).port, met };
}

const gone = (socket: Socket) => new Promise<void>((resolve) => void socket.once("close", () => resolve()));

/** A node program that holds a connection for ever, as a grandchild of the shell that starts it. */
function holding(port: number): string {
  return `"${process.execPath}" -e 'require("net").connect(${port}, "127.0.0.1")'`;
}

describe("whatever it started ends with it", () => {
  it("at its time-out, grandchildren that ignore signals too", async () => {
    const { port, met } = await witness();
    const stop = new AbortController();
    const looking = lookOnce(sh(`trap "" TERM INT; ${holding(port)} & wait`), { signal: stop.signal, timeout: 60_000 });
    const ended = gone(await met);
    stop.abort();
    expect(await looking).toMatchObject({ verdict: "error", message: "cancelled" });
    await ended;
  });

  it("when it hangs", async () => {
    const look = await lookOnce(sh("sleep 60 & wait"), { timeout: 50 });
    expect(look).toMatchObject({ verdict: "error", observed: null, message: "no answer within 50 ms" });
  });

  it("when it ends and leaves a grandchild behind that holds its output", async () => {
    const { port, met } = await witness();
    // The shell ends once its child has connected: the test closes nothing itself.
    const script = `${holding(port)} & read line < "$FIFO"; echo done`;
    const folder = mkdtempSync(join(tmpdir(), "evo-command-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const fifo = join(folder, "go");
    const looking = lookOnce(sh(`mkfifo "$FIFO"; ${script}`, { env: { FIFO: fifo } }));
    const ended = gone(await met);
    const go = await lookOnce(sh(`echo go > "$FIFO"`, { env: { FIFO: fifo } }));
    expect(go.verdict).toBe("pass");
    expect(await looking).toMatchObject({ verdict: "pass", message: "done" });
    await ended;
  });
});

describe("its output (invariant 11)", () => {
  it("only the last line is kept, redacted and cut", async () => {
    const script = `echo first; echo "x $TOKEN $(printf %s "$TOKEN" | base64) ${"y".repeat(300)}"; exit 1`;
    const context = { env: { PATH: process.env.PATH ?? "", TOKEN: CANARY }, redactor: createRedactor() };
    const { message } = await lookOnce(sh(script), { context });
    expect(message).toMatch(/^x \[secret\] \[secret\]=* y+$/);
    expect(message?.length).toBeLessThanOrEqual(200);
  });

  it("what stands on stderr comes first", async () => {
    expect((await lookOnce(sh("echo out; echo err >&2; exit 1"))).message).toBe("err");
  });

  it("does not grow with what the program prints", async () => {
    const look = await lookOnce(sh("head -c 20000000 /dev/zero | tr '\\0' x"));
    expect(look).toMatchObject({ verdict: "pass", message: "(a very long line)" });
  });
});

describe("lastLine", () => {
  it.each([
    ["a\nb\n\n", false, "b"],
    ["", false, undefined],
    ["half\nwhole\n", true, "whole"],
    ["half", true, "(a very long line)"],
    ["\u001b[31mred\u001b[0m\u0007", false, "red"],
    ["10%\r100%\r", false, "100%"],
  ] as const)("of %j, cut %s: %j", (text, cut, line) => {
    expect(lastLine({ text, cut })).toBe(line);
  });
  it("of a stream that is not there", () => {
    expect(lastLine(collectTail(null)())).toBeUndefined();
  });
});
