import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { command, custom, env, gate, http, output, settled, stackOutput, testGate, text, z } from "evo";
import { describe, expect, it, onTestFinished } from "vitest";

// The example of docs/authoring.md, word for word.
const queueBelow = custom("queue-below", {
  input: z.object({ url: z.url(), most: z.number() }),
  look: async ({ url, most }, { signal }) => {
    const { waiting } = (await (await fetch(url, { signal })).json()) as { waiting: number };
    return { verdict: waiting <= most ? "pass" : "fail", observed: { waiting }, expected: { most } };
  },
});

/** A server that answers every request with this JSON. */
async function serve(answer: (headers: { [name: string]: unknown }) => unknown): Promise<string> {
  const server = createServer((request, response) => response.end(JSON.stringify(answer(request.headers))));
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("testGate", () => {
  it("looks through a custom probe with its input", async () => {
    const url = await serve(() => ({ waiting: 7 }));
    const drained = (most: number) => gate("drained", { targets: ["orders"], probe: queueBelow({ url, most }) });
    expect(await testGate(drained(10))).toEqual({ verdict: "pass", observed: { waiting: 7 }, expected: { most: 10 } });
    expect(await testGate(drained(5))).toMatchObject({ verdict: "fail", observed: { waiting: 7 } });
  });

  it("gives values and outputs to an http probe, for the target that is asked for", async () => {
    const url = await serve((headers) => ({ key: headers.key }));
    const expected = { status: 200, json: [{ path: "key", equals: "s3cret-of-the-test" }] };
    const probe = (region: string) =>
      http({ url: text`${output(region, "url")}/me`, headers: { key: env("KEY") }, expect: expected });
    const answers = gate("answers", { targets: ["eu", "us"], probe });
    const situation = { env: { KEY: "s3cret-of-the-test" }, outputs: { eu: { url } } };
    expect((await testGate(answers, { ...situation, target: "eu" })).verdict).toBe("pass");
    expect((await testGate(answers, { ...situation, target: "us" })).verdict).toBe("error");
    await expect(testGate(answers, situation)).rejects.toMatchObject({ code: "gate.no-target" });
    await expect(testGate(answers, { target: "ue" })).rejects.toThrow('no target "ue". Did you mean "eu"?');
  });

  it("knows outputs and drift of the step that the gate is declared on", async () => {
    const ready = gate("ready", { targets: ["x"], probe: stackOutput({ path: "count", atLeast: 2 }) });
    expect((await testGate(ready, { outputs: { step: { count: 2 } } })).verdict).toBe("pass");
    expect((await testGate(ready, { step: "app", outputs: { app: { count: 1 } } })).verdict).toBe("fail");
    const still = gate("still", { targets: ["x"], probe: settled("db") });
    expect((await testGate(still)).verdict).toBe("pass");
    expect(await testGate(still, { drift: { db: 2 } })).toMatchObject({ verdict: "fail", observed: { changes: 2 } });
  });

  it("answers error where the probe could not look, and refuses a gate that is wrong", async () => {
    const thrown = gate("g", { targets: ["x"], probe: custom("c", () => Promise.reject(new Error("no route"))) });
    expect(await testGate(thrown)).toMatchObject({ verdict: "error", message: "Error: no route" });
    const program = gate("g", { targets: ["x"], probe: command(["node", "-e", "process.exit(75)"]) });
    expect((await testGate(program, { env: { PATH: process.env.PATH ?? "" } })).verdict).toBe("inconclusive");
    const wrong = gate("g", { targets: ["x"], probe: queueBelow({ url: "no url", most: 1 }) });
    await expect(testGate(wrong)).rejects.toMatchObject({
      code: "gate.invalid",
      message: expect.stringContaining("input.url"),
    });
  });
});
