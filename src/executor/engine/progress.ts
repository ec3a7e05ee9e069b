/** A heartbeat for work that takes minutes. */

/** Calls `tell` with the whole seconds since now, each `interval` milliseconds, until the returned function is called. */
export function every(interval: number, tell: (seconds: number) => void): () => void {
  const began = Date.now();
  const timer = setInterval(() => tell(Math.round((Date.now() - began) / 1000)), interval);
  return () => clearInterval(timer);
}
