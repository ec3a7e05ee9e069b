/** `evo schema` */
import { schemaJson } from "../sequence/schema.js";
import { reportSchemaJson } from "../views/report-schema.js";
import { printJson } from "./output.js";

/** Prints the JSON Schema of a `.json` sequence or of a report: what docs/*.schema.json hold. */
export function schema(options: { readonly report?: boolean }): void {
  printJson(options.report ? reportSchemaJson() : schemaJson());
}
