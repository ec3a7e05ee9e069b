/**
 * The SDK notes with each of its promises where it was made: a stack as text, with source maps worked out. That is for a
 * report that is made only with PULUMI_DEBUG_PROMISE_LEAKS, and takes a tenth of a small program's time. So without it the
 * note is left empty. Source: @pulumi/pulumi, runtime/debuggable.ts.
 */
import fs = require("node:fs");
import path = require("node:path");

type Note = (promise: Promise<unknown>, context: unknown) => Promise<unknown>;

/** Does so in the SDK that lies in this directory; in one that is built otherwise nothing is changed. */
function leaveEmpty(sdk: string): void {
  const file = path.join(sdk, "runtime", "debuggable.js");
  if (!fs.existsSync(file)) return;
  const debuggable = require(file) as { debuggablePromise?: Note };
  const { debuggablePromise: note } = debuggable;
  if (typeof note !== "function") return;
  debuggable.debuggablePromise = (promise, context) => {
    if (process.env.PULUMI_DEBUG_PROMISE_LEAKS) return note(promise, context);
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    try {
      return note(promise, context);
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  };
}

export = { leaveEmpty };
