/**
 * The first script of a process for dynamic providers: runs the `cmd/dynamic-provider` of the program's own SDK as node
 * itself would have, as the main module and with its arguments, but takes the SDK in its compiled form and leaves what a
 * provider seldom needs until it does. What it serves comes later, over the wire, and passes through none of this.
 */
import nodeModule = require("node:module");
import path = require("node:path");
import compiled = require("./compiled.cjs");
import deferred = require("./deferred.cjs");

const [node, , ...args] = process.argv as [string, string, ...string[]];
const script = require.resolve("@pulumi/pulumi/cmd/dynamic-provider", { paths: [process.cwd()] });
const packages = path.join(script, "..", "..", "..", "..", "..");
const keptCompiled = compiled.keepCompiled(packages);
const deferredAll = deferred.defer(deferred.TREE, deferred.TYPESCRIPT, deferred.AUTOMATION);
process.argv = [node, script, ...args];
(nodeModule as unknown as { runMain(): void }).runMain();
deferredAll();
keptCompiled();
