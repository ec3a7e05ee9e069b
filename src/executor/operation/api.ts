/**
 * Loads the Automation API, once. It brings the whole SDK with it, most of which no operation host ever needs: that stays
 * where it is, and the rest is taken in its compiled form.
 */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import compiled from "../language-host/compiled.cjs";
import deferred from "../language-host/deferred.cjs";

type Api = typeof import("./engine-calls.js");

let loading: Promise<Api> | undefined;

export function loadApi(): Promise<Api> {
  loading ??= load();
  return loading;
}

async function load(): Promise<Api> {
  const sdk = dirname(createRequire(import.meta.url).resolve("@pulumi/pulumi/package.json"));
  const keptCompiled = compiled.keepCompiled(join(sdk, "..", ".."));
  const deferredAll = deferred.defer(deferred.TREE, deferred.TYPESCRIPT, deferred.INLINE);
  try {
    return await import("./engine-calls.js");
  } finally {
    deferredAll();
    keptCompiled();
  }
}
