/** `npm run docs`: writes what is generated: docs/usage.md and the JSON Schemas. Runs what is built. */
import { writeFileSync } from "node:fs";

const [{ program }, { usage }, { schemaJson }, { reportSchemaJson }] = await Promise.all([
  import("../../dist/cli/program.js"),
  import("../../dist/cli/usage.js"),
  import("../../dist/sequence/schema.js"),
  import("../../dist/views/report-schema.js"),
]);
writeFileSync(new URL("../../docs/usage.md", import.meta.url), usage(program));
const schemas = { sequence: schemaJson(), report: reportSchemaJson() };
for (const [name, schema] of Object.entries(schemas)) {
  const file = new URL(`../../docs/${name}.schema.json`, import.meta.url);
  writeFileSync(file, `${JSON.stringify(schema, null, 2)}\n`);
}
