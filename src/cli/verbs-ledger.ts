/** The verbs that keep the ledger honest: verify, checkpoint, keys, export, import, accept-replaced. */
import { type Command, Option } from "commander";

/** Adds them to `evo ledger`. */
export function addLedgerVerbs(ledger: Command): void {
  const json = new Option("--json", "print one JSON document to stdout");
  const reason = new Option("--reason <text>", "why; recorded").makeOptionMandatory();

  ledger
    .command("verify")
    .description("prove the record: chain, numbers, causes, derived columns, raw looks, signatures; exit 10 if broken")
    .option("--from <file>", "begin at the newest checkpoint of this file, which a trusted key must have signed")
    .option("--against <file>", "hold it against checkpoints or an export that were kept elsewhere")
    .addOption(new Option("--file <export>", "verify an export, without any database").conflicts("from"))
    .option("--key <key...>", "trust this public key, too; there must then be a checkpoint by it")
    .addOption(json)
    .addHelpText(
      "after",
      "\nExamples:\n  evo ledger verify\n  evo ledger verify --against checkpoint.txt\n  evo ledger verify --file export.jsonl --key 'ann@host+4f3a9b21+ARpc…'\n\nIt says how far the record is anchored by signed checkpoints, and from where on it is not.",
    )
    .action(async (options) => (await import("./ledger-verify.js")).verify(options));

  ledger
    .command("checkpoint")
    .description("verify what came since the last checkpoint, and sign the newest entry")
    .option("--output <file>", "write it there instead of to stdout")
    .option("--exec <command>", "give it to this shell command's standard input")
    .addOption(json)
    .addHelpText(
      "after",
      "\nExamples:\n  evo ledger checkpoint --output /mnt/worm/evo.checkpoint\n  evo ledger checkpoint --exec 'aws s3 cp - s3://audit/evo.checkpoint'\n\nKeep it where nobody who can write the database can write.",
    )
    .action(async (options) => (await import("./ledger-checkpoint.js")).checkpoint(options));

  const keys = ledger
    .command("keys")
    .description("the keys that sign checkpoints; alone it lists them")
    .addHelpText("after", "\nExamples:\n  evo ledger keys\n  evo ledger keys rotate --reason 'the laptop was lost'");
  addKeyVerbs(keys, json, reason);

  ledger
    .command("export <file>")
    .description("write entries, raw looks, checkpoints and public keys as JSON lines that prove themselves")
    .addHelpText("after", "\nExamples:\n  evo ledger export ledger.jsonl && evo ledger verify --file ledger.jsonl")
    .action(async (file) => (await import("./ledger-transfer.js")).exportTo(file));

  ledger
    .command("import <file>")
    .description("move an exported ledger into the empty one at EVO_LEDGER_URL, entry for entry, chain intact")
    .addOption(json)
    .addHelpText(
      "after",
      "\nExamples:\n  evo ledger export ledger.jsonl\n  EVO_LEDGER_URL=postgres://owner@db/evo evo ledger import ledger.jsonl\n\nFor this one command the role must own the ledger's schema.",
    )
    .action(async (file, options) => (await import("./ledger-transfer.js")).importFrom(file, options));

  ledger
    .command("accept-replaced")
    .description("sign for it that the ledger was put back to an earlier state, or replaced, on purpose")
    .addOption(reason)
    .addOption(json)
    .addHelpText(
      "after",
      "\nExamples:\n  evo ledger accept-replaced --reason 'restored after the disk failed, INC-212'",
    )
    .action(async (options) => (await import("./ledger-keys.js")).acceptReplaced(options));
}

function addKeyVerbs(keys: Command, json: Option, reason: Option): void {
  keys
    .command("list", { isDefault: true })
    .description("the keys that this client and the ledger know")
    .addOption(json)
    .addHelpText("after", "\nExamples:\n  evo ledger keys\n  evo ledger keys list --json")
    .action(async (options) => (await import("./ledger-keys.js")).list(options));

  keys
    .command("make")
    .description("make this client's key; the first checkpoint does it, too")
    .addOption(json)
    .addHelpText("after", "\nExamples:\n  evo ledger keys make")
    .action(async (options) => (await import("./ledger-keys.js")).make(options));

  keys
    .command("rotate")
    .description("replace this client's key; the old one signs for the new one, in an entry")
    .addOption(reason)
    .addOption(json)
    .addHelpText("after", "\nExamples:\n  evo ledger keys rotate --reason 'the laptop was lost'")
    .action(async (options) => (await import("./ledger-keys.js")).rotate(options));

  keys
    .command("trust <key>")
    .description("believe checkpoints by this public key from now on, here")
    .addHelpText("after", "\nExamples:\n  evo ledger keys trust 'ann@host+4f3a9b21+ARpc…'")
    .action(async (key) => (await import("./ledger-keys.js")).trust(key));
}
