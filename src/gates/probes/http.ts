/** The http probe: status, headers, JSON body by path or schema, latency. */
import type { HttpProbe, Json, JsonExpectation, Look, Matcher } from "../model.js";
import type { Looking } from "./context.js";
import { compileSchema } from "./json-schema.js";
import { expectedOf, matches, shown } from "./match.js";
import { type Found, parsePath, read } from "./path.js";
import { type HttpAnswer, parseUrl, send } from "./request.js";
import { resolve, resolveAll } from "./values.js";

type Expect = HttpProbe["expect"];

/** One judged aspect of an answer. */
interface Finding {
  readonly ok: boolean;
  readonly observed: { readonly [key: string]: Json };
}

/** Asks once. Passes only if every expectation is met. Errors: cannot-look, where there was no answer to be judged. */
export async function lookHttp(probe: HttpProbe, looking: Looking): Promise<Look> {
  const { expect } = probe;
  const violation = expect.schema === undefined ? undefined : compileSchema(expect.schema);
  const request = await requestOf(probe, looking);
  const began = looking.context.now();
  const answer = await send(request);
  const took = looking.context.now() - began;
  const findings = [
    judgeStatus(expect, answer),
    ...(expect.headers === undefined ? [] : [judgeHeaders(expect.headers, answer)]),
    ...(request.wantsBody ? judgeBody(expect, violation, answer) : []),
    ...(expect.latencyBelow === undefined ? [] : [judgeLatency(expect.latencyBelow, took)]),
  ];
  const observed = Object.assign({}, ...findings.map((finding) => finding.observed)) as Json;
  return { verdict: findings.every(({ ok }) => ok) ? "pass" : "fail", observed, expected: expectedHttp(probe) };
}

async function requestOf(probe: HttpProbe, looking: Looking) {
  const [asked, headers, body] = await Promise.all([
    resolve(probe.url, looking),
    resolveAll(probe.headers ?? {}, looking),
    probe.body === undefined ? undefined : resolve(probe.body, looking),
  ]);
  learnCredentials(asked, headers, looking);
  const url = withStandIn(asked, looking);
  return {
    url,
    headers,
    method: probe.method ?? (body === undefined ? "GET" : "POST"),
    wantsBody: probe.expect.json !== undefined || probe.expect.schema !== undefined,
    loopbackOnly: looking.context.loopbackOnly,
    signal: looking.signal,
    ...(body === undefined ? {} : { body }),
  };
}

/** In a rehearsal another address may stand for the one that is asked. */
function withStandIn(asked: string, { context }: Looking): string {
  const { origin, pathname, search } = parseUrl(asked);
  const address = context.standIn?.(origin);
  return address === undefined ? asked : address + pathname + search;
}

/** A server may echo what it was sent; credentials that the author wrote out count as secrets too (invariant 11). */
function learnCredentials(url: string, headers: { readonly [name: string]: string }, { context }: Looking): void {
  context.redactor.add(passwordOf(parseUrl(url)));
  for (const [name, value] of Object.entries(headers)) {
    if (!/auth|cookie|token|key|secret/i.test(name)) continue;
    context.redactor.add(value);
    context.redactor.add(value.replace(/^\w+\s+/, ""));
  }
}

function passwordOf({ password }: URL): string {
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}

function judgeStatus({ status = 200 }: Expect, answer: HttpAnswer): Finding {
  const accepted: readonly number[] = typeof status === "number" ? [status] : status;
  return { ok: accepted.includes(answer.status), observed: { status: answer.status } };
}

function judgeHeaders(expected: { readonly [name: string]: Matcher }, answer: HttpAnswer): Finding {
  const judged = Object.entries(expected).map(([name, matcher]) => {
    const found = headerOf(answer, name, matcher);
    return { name, ok: matches(matcher, found), observed: shown(matcher, found) };
  });
  const headers = Object.fromEntries(judged.map(({ name, observed }) => [name, observed]));
  return { ok: judged.every(({ ok }) => ok), observed: { headers } };
}

/** A header is a text; where a number is asked for and the text is one, it is taken for it. */
function headerOf(answer: HttpAnswer, name: string, { atLeast, atMost }: Matcher): Found {
  const key = name.toLowerCase();
  const text = Object.hasOwn(answer.headers, key) ? answer.headers[key] : undefined;
  if (text === undefined) return { found: false };
  const wantsNumber = atLeast !== undefined || atMost !== undefined;
  return { found: true, value: wantsNumber && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text };
}

/** A body that is no JSON meets no expectation; an answer without the expected status need not have one. */
function judgeBody({ json, schema }: Expect, violation: Violation | undefined, { body }: HttpAnswer): Finding[] {
  const parsed = parseJson(body ?? Buffer.alloc(0));
  if (parsed === undefined) return [{ ok: false, observed: { body: "no JSON" } }];
  return [
    ...(json === undefined ? [] : [judgePaths(json, parsed.value)]),
    ...(schema === undefined || violation === undefined ? [] : [judgeSchema(violation(parsed.value))]),
  ];
}

type Violation = (value: Json) => string | undefined;

function judgePaths(expected: readonly JsonExpectation[], body: Json): Finding {
  const judged = expected.map((expectation) => {
    const found = read(body, parsePath(expectation.path));
    return { path: expectation.path, ok: matches(expectation, found), observed: shown(expectation, found) };
  });
  const json = Object.fromEntries(judged.map(({ path, observed }) => [path, observed]));
  return { ok: judged.every(({ ok }) => ok), observed: { json } };
}

/** Names the rule that is broken, by its place in the schema: places in the body may have secrets for names. */
function judgeSchema(broken: string | undefined): Finding {
  return { ok: broken === undefined, observed: { schema: broken === undefined ? "matches" : `violates ${broken}` } };
}

/** Only whether it was fast enough: the time itself would be a new value at each look. */
function judgeLatency(limit: number, took: number): Finding {
  const ok = took < limit;
  return { ok, observed: { latency: `${ok ? "" : "not "}below ${limit} ms` } };
}

function parseJson(body: Buffer): { readonly value: Json } | undefined {
  try {
    return { value: JSON.parse(body.toString("utf8").replace(/^\ufeff/, "")) as Json };
  } catch {
    return undefined;
  }
}

/** What the probe expects, in the shape of what it observes. */
export function expectedHttp({ expect }: HttpProbe): Json {
  const { status = 200, headers, json, schema, latencyBelow } = expect;
  const paths = json?.map((expectation) => [expectation.path, expectedOf(expectation)] as const);
  const named = Object.entries(headers ?? {}).map(([name, matcher]) => [name, expectedOf(matcher)] as const);
  return {
    status,
    ...(headers === undefined ? {} : { headers: Object.fromEntries(named) }),
    ...(paths === undefined ? {} : { json: mergeByPath(paths) }),
    ...(schema === undefined ? {} : { schema: "matches" }),
    ...(latencyBelow === undefined ? {} : { latency: `below ${latencyBelow} ms` }),
  };
}

/** Two conditions on one place are shown as one. */
function mergeByPath(paths: readonly (readonly [path: string, expected: Json])[]): Json {
  const merged: { [path: string]: Json } = {};
  for (const [path, expected] of paths) {
    const before = merged[path];
    const both = isRecord(before) && isRecord(expected) ? { ...before, ...expected } : expected;
    merged[path] = both;
  }
  return merged;
}

function isRecord(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
