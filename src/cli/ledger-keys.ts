/** `evo ledger keys list | make | rotate | trust` and `evo ledger accept-replaced`. */
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import type { OpenLedger } from "../ledger/index.js";
import { print, printJson, say } from "./output.js";

interface Options {
  readonly json?: boolean;
}

function withIt<T>(use: (ledger: OpenLedger) => Promise<T>): Promise<T> {
  return withLedger(readSettings(process.env, process.cwd()), say, use);
}

const STATES = {
  own: "this client signs with it",
  trusted: "trusted here",
  replaced: "replaced",
  recorded: "recorded, not trusted here",
} as const;

/** Own, trusted and recorded keys. */
export async function list(options: Options): Promise<void> {
  const keys = await withIt((ledger) => ledger.keys());
  if (options.json) return printJson(keys);
  if (keys.length === 0) return say("no key yet: the first checkpoint makes one");
  print(
    keys.map(({ key, state, entry }) => `${key}  ${STATES[state]}${entry === undefined ? "" : `, entry ${entry}`}`),
  );
}

/** Errors: `ledger.key` (exit 2) where there is one. */
export async function make(options: Options): Promise<void> {
  show(await withIt((ledger) => ledger.makeKey()), options);
}

/** Errors: `ledger.key` (exit 2) where there is none. */
export async function rotate(options: Options & { readonly reason: string }): Promise<void> {
  show(await withIt((ledger) => ledger.rotateKey(options.reason)), options);
}

function show(key: string, options: Options): void {
  if (options.json) printJson({ key });
  else print(key);
  say("give this public key to whoever verifies: evo ledger verify --key <key>");
}

/** Errors: `ledger.key` (exit 2) on what is no key. */
export async function trust(key: string): Promise<void> {
  await withIt((ledger) => ledger.trustKey(key));
  say("checkpoints by this key are believed here from now on");
}

/** Errors: `ledger.role` (exit 2) without the role evo_approver. */
export async function acceptReplaced(options: Options & { readonly reason: string }): Promise<void> {
  const entry = await withIt((ledger) => ledger.acceptReplaced(options.reason));
  if (options.json) return printJson({ number: entry.number, body: entry.body });
  say(`recorded as entry ${entry.number}; what this client remembered of the ledger begins there`);
}
