/** Who reads the standard streams: a reader that has gone (`| head -1`, a closed terminal) ends no run. */

const GONE = ["EPIPE", "EIO", "ENXIO"];

let gone = false;
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (!GONE.includes(error.code ?? "")) throw error;
    if (stream === process.stdout) gone = true;
  });
}

/** Whether somebody still reads stdout; what would be said to nobody is dropped. */
export function isRead(): boolean {
  return !gone;
}
