/**
 * Words of other systems: a signed message (Standard Webhooks) acknowledges, approves or rejects. Whatever is wrong with it,
 * its signature, its age, a repeat, the run or gate that it names, is refused and recorded, and nothing else changes.
 */
import { randomUUID } from "node:crypto";
import { z } from "zod";
import { EvoError } from "../errors.js";
import type { OpenLedger } from "../ledger/index.js";
import { type Checked, checkSigned, type NamedSecret } from "../notify/signature.js";
import { acknowledge, approve, reject, type Said } from "./gate-words.js";

/** A message as it came. */
export interface Received {
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined };
  readonly body: string;
  /** The sender's address. */
  readonly peer: string;
}

/** What its sender is answered. */
export interface Reply {
  readonly status: number;
  readonly body: { readonly [key: string]: unknown };
}

const text = z.string().min(1).max(2_000);
const word = z.strictObject({
  type: z.enum(["acknowledge", "approve", "reject"]),
  timestamp: z.string().optional(),
  data: z.strictObject({
    run: text,
    gate: text,
    reason: text,
    targets: z.array(text).min(1).optional(),
    /** Number of the `approval.requested` that was looked at. */
    request: z.int().positive().optional(),
    /** ISO 8601: afterwards it is not meant any more. */
    expires: z.iso.datetime({ offset: true }).optional(),
  }),
});
type Word = z.infer<typeof word>;

/** Milliseconds in which one refusal of each kind that nobody has signed is recorded: strangers don't fill the ledger. */
const QUIET = 60_000;

/** Takes messages in; `now` in milliseconds since the epoch. Errors: none but those of a broken evo. */
export function openWords(
  ledger: OpenLedger,
  secrets: readonly NamedSecret[],
  now: () => number = Date.now,
): (received: Received) => Promise<Reply> {
  const refuse = createRefusals(ledger, now);
  /** Messages that were noted, and then the ledger was away or refused the word: these may come again. */
  const unfinished = new Set<string>();

  async function passOn(checked: Checked & { readonly ok: true }, { type, data }: Word): Promise<Reply> {
    const { id, from } = checked;
    const known = present({ ...data, type, message: id, from });
    const name = `webhook-${from}-${id}`;
    if (data.expires !== undefined && Date.parse(data.expires) <= now()) return refuse(410, "expired", known);
    if (!unfinished.has(name) && !(await isFirst(ledger, name, { ...known, at: now() })))
      return refuse(409, "replayed", known);
    try {
      const { state, gate } = await said(ledger, type, { ...data, claimed: from, passedOn: true });
      unfinished.delete(name);
      return { status: 200, body: { ok: true, run: state.run, gate: gate.id } };
    } catch (error) {
      if (!(error instanceof EvoError)) throw error;
      if (error.code.startsWith("ledger.")) {
        unfinished.add(name);
        throw error;
      }
      return refuse(422, error.code, known, error.message);
    }
  }

  return async ({ headers, body, peer }) => {
    try {
      const checked = checkSigned(headers, body, secrets, now());
      if (!checked.ok) return await refuse(401, checked.reason, { peer });
      const parsed = parse(body);
      if (parsed === undefined) return await refuse(400, "unreadable", { message: checked.id, from: checked.from });
      return await passOn(checked, parsed);
    } catch (error) {
      if (error instanceof EvoError) return { status: 503, body: { ok: false, code: error.code } };
      throw error;
    }
  };
}

function parse(body: string): Word | undefined {
  try {
    return word.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

function said(
  ledger: OpenLedger,
  type: Word["type"],
  { expires: _, ...spoken }: Word["data"] & { readonly claimed: string; readonly passedOn: true },
): Promise<Said> {
  const { targets, request, ...common } = spoken;
  if (type === "acknowledge") return acknowledge(ledger, { ...common, ...(targets === undefined ? {} : { targets }) });
  return (type === "approve" ? approve : reject)(ledger, { ...common, ...(request === undefined ? {} : { request }) });
}

/**
 * Notes a message under its id, before anything comes of it. The ledger takes one append of an id: a second one, from here
 * or from another evo, differs in its nonce and is refused.
 */
async function isFirst(ledger: OpenLedger, name: string, known: Known & { readonly at: number }): Promise<boolean> {
  const body = { ...known, nonce: randomUUID() };
  try {
    await ledger.append([{ type: "webhook.received", causes: [], body }], { id: name, leases: [] });
    return true;
  } catch (error) {
    if (error instanceof EvoError && error.code === "ledger.conflict") return false;
    throw error;
  }
}

type Known = { readonly [key: string]: string | number | string[] };

function present(values: { readonly [key: string]: Known[string] | undefined }): Known {
  return Object.fromEntries(
    Object.entries(values).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  );
}

/** Refuses and records: what somebody has signed each time, of the rest how many they were. */
function createRefusals(ledger: OpenLedger, now: () => number) {
  const last = new Map<string, { readonly at: number; readonly unrecorded: number }>();
  return async (status: number, refused: string, known: Known, why = refused): Promise<Reply> => {
    const before = last.get(refused);
    const isQuiet = known.from === undefined && before !== undefined && now() < before.at + QUIET;
    if (isQuiet) last.set(refused, { ...before, unrecorded: before.unrecorded + 1 });
    else {
      const more = before === undefined || before.unrecorded === 0 ? {} : { unrecorded: before.unrecorded };
      const body = { at: now(), refused, why, ...known, ...more };
      await ledger.append([{ type: "acknowledgment.refused", causes: [], body }], { id: randomUUID(), leases: [] });
      if (known.from === undefined) last.set(refused, { at: now(), unrecorded: 0 });
    }
    return { status, body: { ok: false, code: refused, message: why } };
  };
}
