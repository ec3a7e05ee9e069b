/**
 * Imported before the Postgres driver: it asks whether it runs at Cloudflare by `navigator`, and where there is none (Node
 * 20) by making a `Response`, which loads all of fetch: 18 ms of each command. Later Nodes have this very object.
 */
if (!("navigator" in globalThis))
  Object.defineProperty(globalThis, "navigator", {
    value: { userAgent: `Node.js/${process.versions.node.split(".")[0]}` },
    configurable: true,
    writable: true,
  });
