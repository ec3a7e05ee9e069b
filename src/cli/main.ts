#!/usr/bin/env node
/** The command line's process: runs the verb, says its errors, sets the exit code. */
import { CommanderError } from "commander";
import { EvoError, EXIT } from "../errors.js";
import { type ErrorFormat, report } from "./output.js";
import { program } from "./program.js";

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = error instanceof CommanderError ? misused(error) : report(error, errorFormat());
}

/** Asked for help or the version, both of which have been printed; or used wrongly, which is an error like any other. */
function misused(error: CommanderError): number {
  if (error.exitCode === 0) return EXIT.done;
  if (error.code === "commander.help") return EXIT.usage;
  const message = error.message.replace(/^error: /, "");
  return report(new EvoError("usage", message, { remedy: "see evo --help, evo <command> --help" }), errorFormat());
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
