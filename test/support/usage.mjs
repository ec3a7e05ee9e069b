/** `npm run docs`: writes what is generated: docs/usage.md and docs/sequence.schema.json. Runs what is built. */
import { writeFileSync } from "node:fs";

const [{ program }, { usage }, { schemaJson }] = await Promise.all([
  import("../../dist/cli/program.js"),
  import("../../dist/cli/usage.js"),
  import("../../dist/sequence/schema.js"),
]);
writeFileSync(new URL("../../docs/usage.md", import.meta.url), usage(program));
writeFileSync(
  new URL("../../docs/sequence.schema.json", import.meta.url),
  `${JSON.stringify(schemaJson(), null, 2)}\n`,
);
