/** `evo ledger verify`: proves the record, or an export of one, and says how far it is anchored. */
import { EvoError, EXIT } from "../errors.js";
import { withLedger } from "../evo/reading.js";
import { readSettings } from "../evo/settings.js";
import { brokenAt, type Verified, verifyFile } from "../ledger/index.js";
import { print, printJson, say } from "./output.js";

export interface VerifyOptions {
  readonly from?: string;
  readonly against?: string;
  readonly file?: string;
  readonly key?: readonly string[];
  readonly json?: boolean;
}

/** Milliseconds between two lines of progress. */
const PROGRESS = 2_000;

/** Exit 10 where the record is broken, or `--key` was given and no checkpoint is by a trusted key. */
export async function verify(options: VerifyOptions): Promise<void> {
  const settings = readSettings(process.env, process.cwd());
  const { file, from, against, key: keys = [] } = options;
  const how = { keys, progress: progressLines(), ...(against && { against }), ...(from && { from }) };
  const result =
    file === undefined
      ? await withLedger(settings, say, (ledger) => ledger.verify(how))
      : await verifyFile(settings.home, file, how);
  if (result.broken !== undefined) throw brokenAt(result.broken);
  if (keys.length > 0 && result.anchored === undefined) throw unanchored(result);
  if (options.json) return printJson(result);
  print([held(result), anchoring(result)]);
}

/** Says how far it is, not too often. */
export function progressLines(): (checked: number, total: number) => void {
  let last = performance.now();
  return (checked, total) => {
    if (performance.now() - last < PROGRESS) return;
    last = performance.now();
    say(`${checked} of ${total} entries checked`);
  };
}

function held({ from = 0, checked, looks }: Verified): string {
  if (checked === from) return from === 0 ? "the ledger is empty" : `nothing came after entry ${from}`;
  return `chain, numbers, causes and derived columns hold for ${stretch(from + 1, checked)}; so do the digests of ${looks} raw looks`;
}

function anchoring(result: Verified): string {
  const { anchored, checked } = result;
  if (anchored === undefined) return `not anchored: ${whyNot(result)}`;
  const rest =
    anchored.number < checked ? `${numbers(anchored.number + 1, checked)} not yet anchored` : "nothing after it";
  return `anchored to ${anchored.number}, by ${anchored.by}; ${rest}`;
}

function whyNot({ strangers }: Verified): string {
  if (strangers.length === 0) return "there is no checkpoint; evo ledger checkpoint makes one";
  return `its checkpoints are by ${strangers.join(", ")}, which nobody here trusts; check the key, then give it with --key`;
}

function stretch(first: number, last: number): string {
  return first === last ? `entry ${first}` : `entries ${numbers(first, last)}`;
}

function numbers(first: number, last: number): string {
  return first === last ? `${first}` : `${first} to ${last}`;
}

function unanchored(result: Verified): EvoError {
  return new EvoError("ledger.unanchored", `no checkpoint is signed by a trusted key: ${whyNot(result)}`, {
    exit: EXIT.ledgerBroken,
    remedy: "ask who keeps the ledger for a checkpoint by a key that you know",
  });
}
