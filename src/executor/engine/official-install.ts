/**
 * Started as a process of its own by official.ts, which can then stop it: `node official-install.js <root> <version>`.
 * The Automation API's installer downloads and runs the official script; it takes no time limit itself.
 */
import { createRequire } from "node:module";
import automation from "@pulumi/pulumi/automation/index.js";

// The installer wants a SemVer of its own copy of that package.
const { SemVer } = createRequire(import.meta.resolve("@pulumi/pulumi/automation/index.js"))("semver");

const [root = "", version = ""] = process.argv.slice(2);
await automation.PulumiCommand.install({ root, version: new SemVer(version) });
