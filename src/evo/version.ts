/** evo's own version, from its package.json. */
import { readFileSync } from "node:fs";
import { packageFile } from "../package-root.js";

export const EVO_VERSION: string = JSON.parse(readFileSync(packageFile("package.json"), "utf8")).version;
