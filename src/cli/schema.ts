/** `evo schema` */
import { schemaJson } from "../sequence/schema.js";
import { printJson } from "./output.js";

/** Prints the JSON Schema of a `.json` sequence: what docs/sequence.schema.json holds. */
export function schema(): void {
  printJson(schemaJson());
}
