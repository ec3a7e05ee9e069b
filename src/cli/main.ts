#!/usr/bin/env node
/** The command line's process: runs the verb, says its errors, sets the exit code. */
import { CommanderError } from "commander";
import { EvoError, EXIT } from "../errors.js";
import type { ErrorFormat } from "./output.js";
import { program } from "./program.js";
import "./readers.js";

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = error instanceof CommanderError ? await misused(error) : await tell(error);
}

/** Asked for help or the version, both of which have been printed; or used wrongly, which is an error like any other. */
async function misused(error: CommanderError): Promise<number> {
  if (error.exitCode === 0) return EXIT.done;
  if (error.code === "commander.help") return EXIT.usage;
  const message = error.message.replace(/^error: /, "");
  return tell(new EvoError("usage", message, { remedy: "see evo --help, evo <command> --help" }));
}

/** What saying an error takes is loaded when there is one. */
async function tell(error: unknown): Promise<number> {
  const { report } = await import("./output.js");
  return report(error, errorFormat());
}

/** The arguments may be what is wrong, so they are asked as they came. */
function errorFormat(): ErrorFormat {
  const { argv } = process;
  const output = argv.some(
    (word, at) => word === "--output=ndjson" || (word === "ndjson" && argv[at - 1] === "--output"),
  );
  if (output) return "ndjson";
  return argv.includes("--json") ? "json" : "text";
}
