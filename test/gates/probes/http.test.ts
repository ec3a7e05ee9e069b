import { createServer } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import type { HttpProbe, JsonExpectation, Matcher } from "../../../src/gates/model.js";
import { createRedactor } from "../../../src/redact.js";
import { answering, http, json, lookOnce, serve } from "./looking.js";

const CANARY = 'canary-"7f3a/9e';

describe("status", () => {
  it.each([
    [200, undefined, "pass"],
    [403, undefined, "fail"],
    [302, undefined, "fail"],
    [302, 302, "pass"],
    [404, [200, 404], "pass"],
    [500, [200, 404], "fail"],
  ] as const)("answer %d, expected %j: %s", async (given, status, verdict) => {
    const look = await lookOnce(http(await serve(answering(given)), status === undefined ? {} : { status }));
    expect(look).toEqual({ verdict, observed: { status: given }, expected: { status: status ?? 200 } });
  });
});

describe("headers", () => {
  const cases: readonly (readonly [Matcher, string, unknown])[] = [
    [{ equals: "v2" }, "pass", "v2"],
    [{ equals: "v3" }, "fail", "string, 2 characters"],
    [{ oneOf: ["v1", "v2"] }, "pass", "v2"],
    [{ matches: "^v\\d$" }, "pass", "string, 2 characters"],
    [{ exists: true }, "pass", "string, 2 characters"],
    [{ exists: false }, "fail", "string, 2 characters"],
  ];
  it.each(cases)("x-version: v2 under %j: %s", async (matcher, verdict, observed) => {
    const url = await serve(answering(200, "", { "X-Version": "v2" }));
    const look = await lookOnce(http(url, { headers: { "x-VERSION": matcher } }));
    expect(look).toMatchObject({ verdict, observed: { status: 200, headers: { "x-VERSION": observed } } });
  });

  it("takes a header that is a number for one, and a missing one for none", async () => {
    const url = await serve(answering(200, "", { "x-lag": "3" }));
    expect((await lookOnce(http(url, { headers: { "x-lag": { atMost: 3 } } }))).verdict).toBe("pass");
    const missing = await lookOnce(http(url, { headers: { "x-other": { atMost: 3 } } }));
    expect(missing).toMatchObject({ verdict: "fail", observed: { headers: { "x-other": "absent" } } });
  });
});

describe("json", () => {
  const body = {
    role: "viewer-role",
    count: 3,
    ready: true,
    nothing: null,
    regions: [{ name: "eu-west", state: "ok" }],
    labels: { "app.io/name": "gate" },
    "eu-west": 1,
  };
  const cases: readonly (readonly [JsonExpectation, string, unknown])[] = [
    [{ path: "role", equals: "viewer-role" }, "pass", "viewer-role"],
    [{ path: "role", equals: "admin" }, "fail", "string, 11 characters"],
    [{ path: "role", equals: "admin", reveal: true }, "fail", "viewer-role"],
    [{ path: "role", matches: "-role$" }, "pass", "string, 11 characters"],
    [{ path: "count", equals: 3 }, "pass", 3],
    [{ path: "count", equals: "3" }, "fail", 3],
    [{ path: "count", atLeast: 3 }, "pass", 3],
    [{ path: "count", atLeast: 4 }, "fail", 3],
    [{ path: "count", atMost: 2 }, "fail", 3],
    [{ path: "role", atLeast: 0 }, "fail", "string, 11 characters"],
    [{ path: "ready", equals: true }, "pass", true],
    [{ path: "nothing", equals: null }, "pass", null],
    [{ path: "nothing", exists: true }, "pass", null],
    [{ path: "regions[0].state", oneOf: ["ok", "fine"] }, "pass", "ok"],
    [{ path: "regions[1].state", equals: "ok" }, "fail", "absent"],
    [{ path: "regions", equals: [{ state: "ok", name: "eu-west" }] }, "pass", body.regions],
    [{ path: "regions", exists: true }, "pass", "array, 1 items"],
    [{ path: "regions.length", exists: true }, "fail", "absent"],
    [{ path: 'labels["app.io/name"]', equals: "gate" }, "pass", "gate"],
    [{ path: "labels", exists: true }, "pass", "object, 1 keys"],
    [{ path: "eu-west", equals: 1 }, "pass", 1],
    [{ path: "constructor", exists: true }, "fail", "absent"],
    [{ path: "missing", exists: false }, "pass", "absent"],
  ];
  it.each(cases)("%j: %s", async (expectation, verdict, observed) => {
    const look = await lookOnce(http(await serve(json(body)), { json: [expectation] }));
    expect(look).toMatchObject({ verdict, observed: { status: 200, json: { [expectation.path]: observed } } });
  });

  it("shows what was expected in the shape of what was observed", async () => {
    const expectations = [
      { path: "role", equals: "x" },
      { path: "count", atLeast: 1 },
      { path: "count", atMost: 5 },
    ];
    const look = await lookOnce(http(await serve(json(body)), { json: expectations }));
    expect(look.expected).toEqual({ status: 200, json: { role: "x", count: { atLeast: 1, atMost: 5 } } });
  });

  it.each([["<html>"], [""], ["{"]])("a body that is no JSON (%j) fails", async (text) => {
    const look = await lookOnce(http(await serve(answering(200, text)), { json: [{ path: "a", exists: false }] }));
    expect(look).toMatchObject({ verdict: "fail", observed: { status: 200, body: "no JSON" } });
  });

  it.each<JsonExpectation>([{ path: "a..b", exists: true }, { path: "a", matches: "(" }, { path: "a" }])(
    "an expectation that cannot be judged (%j) is an error",
    async (expectation) => {
      expect((await lookOnce(http(await serve(json({ a: "x" })), { json: [expectation] }))).verdict).toBe("error");
    },
  );
});

describe("schema", () => {
  const schema = { type: "object", required: ["state"], properties: { state: { enum: ["ok"] } } };
  it("passes what meets it and names the rule that is broken", async () => {
    expect(await lookOnce(http(await serve(json({ state: "ok" })), { schema }))).toMatchObject({
      verdict: "pass",
      observed: { schema: "matches" },
    });
    expect(await lookOnce(http(await serve(json({ state: CANARY })), { schema }))).toMatchObject({
      verdict: "fail",
      observed: { schema: "violates #/properties/state/enum" },
      expected: { schema: "matches" },
    });
  });
  it("is an error where the schema is not understood, without a request", async () => {
    const look = await lookOnce(http("http://127.0.0.1:9/", { schema: { requird: ["a"] } }));
    expect(look).toMatchObject({ verdict: "error", message: expect.stringContaining("requird") });
  });
});

describe("latency", () => {
  it.each([
    [50, "pass", "below 100 ms"],
    [100, "fail", "not below 100 ms"],
  ])("an answer after %d ms: %s", async (took, verdict, latency) => {
    const times = [1_000, 1_000 + took];
    const context = { now: () => times.shift() ?? 0 };
    const look = await lookOnce(http(await serve(answering(200)), { latencyBelow: 100 }), { context });
    expect(look).toEqual({
      verdict,
      observed: { status: 200, latency },
      expected: { status: 200, latency: "below 100 ms" },
    });
  });
});

describe("the request", () => {
  it("has method, headers and body, looked up at the moment of use", async () => {
    let seen: unknown;
    const url = await serve((request, response) => {
      let body = "";
      request
        .on("data", (chunk) => (body += chunk))
        .on("end", () => {
          seen = { method: request.method, path: request.url, auth: request.headers.authorization, body };
          response.end();
        });
    });
    const probe = http(
      { $join: [url, "/", { $output: { step: "app", path: "urls.eu-west" } }] },
      {},
      {
        headers: { Authorization: { $join: ["Bearer ", { $env: "TOKEN" }] } },
        body: { $output: { step: "app", path: "a.dotted.name" } },
      },
    );
    const outputs = async (step: string) => ({
      urls: { value: { "eu-west": step }, secret: false },
      "a.dotted.name": { value: 7, secret: false },
    });
    const look = await lookOnce(probe, { context: { env: { TOKEN: "t0ken-value" }, outputs } });
    expect(look.verdict).toBe("pass");
    expect(seen).toEqual({ method: "POST", path: "/app", auth: "Bearer t0ken-value", body: "7" });
  });

  it.each<readonly [HttpProbe["url"], string]>([
    [{ $env: "NOT_SET" }, "the environment variable NOT_SET is not set"],
    [{ $output: { step: "app", path: "nope" } }, "the stack of step app has no output nope"],
    [{ $output: { step: "app", path: "url.deep" } }, "the stack of step app has no output url.deep"],
    [{ $output: { step: "app", path: "list" } }, "output list of step app is no text"],
    ["ftp://127.0.0.1/", "the URL is no http or https URL"],
    ["nonsense", "the URL is no http or https URL"],
  ])("an error names the reference: %j", async (url, message) => {
    const outputs = async () => ({
      url: { value: "http://x", secret: false },
      list: { value: [1], secret: false },
    });
    expect(await lookOnce(http(url), { context: { outputs } })).toEqual({
      verdict: "error",
      observed: null,
      expected: { status: 200 },
      message,
    });
  });
});

describe("no answer", () => {
  it("is an error when the connection is refused", async () => {
    const url = await new Promise<string>((resolve) => {
      const server = createServer().listen(0, "127.0.0.1", () => {
        const { port } = server.address() as { port: number };
        server.close(() => resolve(`http://127.0.0.1:${port}/`));
      });
    });
    expect(await lookOnce(http(url))).toMatchObject({
      verdict: "error",
      observed: null,
      message: "connection refused (ECONNREFUSED)",
    });
  });

  it("is an error when the server hangs, before the headers or in the body", async () => {
    const silent = await serve(() => undefined);
    const stalling = await serve((_, response) => response.writeHead(200).write("{"));
    const [first, second] = await Promise.all([
      lookOnce(http(silent), { timeout: 60 }),
      lookOnce(http(stalling, { json: [{ path: "a", exists: true }] }), { timeout: 60 }),
    ]);
    expect(first).toMatchObject({ verdict: "error", message: "no answer within 60 ms" });
    expect(second).toMatchObject({ verdict: "error", message: "no answer within 60 ms" });
  });

  it("is an error when the connection breaks in the body", async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-length": "100" }).write("{");
      setImmediate(() => response.destroy());
    });
    expect((await lookOnce(http(url, { json: [{ path: "a", exists: true }] }))).verdict).toBe("error");
  });

  it("is an error where something else than HTTP answers, and where TLS fails", async () => {
    const server = createServer((socket) =>
      socket
        .on("error", () => undefined)
        .resume()
        .end("220 smtp ready\r\n"),
    );
    onTestFinished(() => new Promise<void>((resolve) => void server.close(() => resolve())));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as { port: number };
    expect((await lookOnce(http(`http://127.0.0.1:${port}/`))).verdict).toBe("error");
    const tls = await lookOnce(http(`https://127.0.0.1:${port}/`));
    expect(tls).toMatchObject({ verdict: "error", message: expect.stringContaining("TLS failed") });
  });

  it("is an error when the look is cancelled", async () => {
    const cancelled = AbortSignal.abort();
    const look = await lookOnce(http(await serve(answering(200))), { signal: cancelled });
    expect(look).toMatchObject({ verdict: "error", message: "cancelled" });
  });
});

describe("a large body", () => {
  /** Sends without end, as fast as it is read, and says when the reader has gone. */
  async function flood(): Promise<{ url: string; gone: Promise<void> }> {
    let left: () => void;
    const gone = new Promise<void>((resolve) => (left = resolve));
    const chunk = Buffer.alloc(64 * 1024, "1");
    const url = await serve((_, response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", more).on("close", () => left());
      more();
    });
    return { url, gone };
  }

  it("is an error when it is needed, and not read when it isn't", async () => {
    const needed = await flood();
    const look = await lookOnce(http(needed.url, { json: [{ path: "a", exists: true }] }));
    expect(look).toMatchObject({ verdict: "error", message: "the body is larger than 1048576 bytes" });
    await needed.gone;
    const ignored = await flood();
    expect((await lookOnce(http(ignored.url))).verdict).toBe("pass");
    await ignored.gone;
  });

  it("is an error when it is compressed", async () => {
    const url = await serve(answering(200, "x", { "content-encoding": "gzip" }));
    expect((await lookOnce(http(url, { json: [{ path: "a", exists: true }] }))).verdict).toBe("error");
  });
});

describe("addresses", () => {
  it.each([
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254./",
    "http://0xA9FEA9FE/",
    "http://[::ffff:169.254.169.254]/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://[64:ff9b::169.254.169.254]/",
  ])("%s is refused", async (url) => {
    expect(await lookOnce(http(url))).toMatchObject({
      verdict: "error",
      message: expect.stringContaining("link-local"),
    });
  });

  it("a redirect is not followed, wherever it leads", async () => {
    const url = await serve(answering(302, "", { location: "http://169.254.169.254/" }));
    expect(await lookOnce(http(url))).toMatchObject({ verdict: "fail", observed: { status: 302 } });
    const moved = http(url, { status: 302, headers: { location: { matches: "^http:" } } });
    expect((await lookOnce(moved)).verdict).toBe("pass");
  });

  it("a rehearsal speaks only to loopback (invariant 13)", async () => {
    const context = { loopbackOnly: true };
    const url = await serve(answering(200));
    expect((await lookOnce(http(url), { context })).verdict).toBe("pass");
    expect((await lookOnce(http(url.replace("127.0.0.1", "localhost")), { context })).verdict).toBe("pass");
    for (const foreign of ["http://192.0.2.1/", "http://0.0.0.0/", "http://[2001:db8::1]/", "http://example.invalid/"])
      expect(await lookOnce(http(foreign), { context })).toMatchObject({
        verdict: "error",
        message: "a rehearsal speaks only to loopback addresses",
      });
  });
});

describe("secrets (invariant 11)", () => {
  const forms = (secret: string) => [
    secret,
    JSON.stringify(secret).slice(1, -1),
    Buffer.from(secret).toString("base64").replace(/=+$/, ""),
    encodeURIComponent(secret),
  ];

  it("a canary in the request is nowhere in the look, however the server echoes it", async () => {
    const url = await serve((request, response) => {
      const token = request.headers["x-canary"] ?? "";
      const body = { token, nested: { [String(token)]: Buffer.from(String(token)).toString("base64") } };
      response.writeHead(200, String(token), { "x-echo": token }).end(JSON.stringify(body));
    });
    const redactor = createRedactor();
    const look = await lookOnce(
      http(
        { $join: [url, "/?q=", { $env: "CANARY" }] },
        {
          status: 201,
          headers: { "x-echo": { equals: CANARY }, "x-other": { exists: true } },
          json: [
            { path: "token", matches: "canary", reveal: true },
            { path: "nested", exists: true, reveal: true },
          ],
          schema: { properties: { token: { const: "x" } } },
        },
        { headers: { "x-canary": { $env: "CANARY" } } },
      ),
      { context: { env: { CANARY }, redactor } },
    );
    expect(look.verdict).toBe("fail");
    expect(look.observed).toMatchObject({ json: { token: "[secret]" }, headers: { "x-echo": "[secret]" } });
    for (const form of forms(CANARY)) expect(JSON.stringify(look)).not.toContain(form);
    expect(redactor.apply(`log: ${CANARY}`)).toBe("log: [secret]");
  });

  it("credentials written out in a header or a URL count as secrets, and so do secret outputs", async () => {
    const url = await serve((request, response) => {
      response.end(JSON.stringify({ a: request.headers.authorization, b: request.headers["x-out"] }));
    });
    const redactor = createRedactor();
    const probe = http(
      url.replace("//", "//user:p%40ssword@"),
      {
        json: [
          { path: "a", exists: false, reveal: true },
          { path: "b", exists: false, reveal: true },
        ],
      },
      { headers: { "x-out": { $output: { step: "app", path: "token.value" } }, "x-api-key": "written-out" } },
    );
    const outputs = async () => ({ token: { value: { value: CANARY, other: "second-secret" }, secret: true } });
    const look = await lookOnce(probe, { context: { redactor, outputs } });
    expect(look.observed).toEqual({
      status: 200,
      json: { a: expect.stringMatching(/^Basic .*\[secret\]/), b: "[secret]" },
    });
    expect(redactor.apply("p@ssword second-secret written-out")).toBe("[secret] [secret] [secret]");
  });
});
