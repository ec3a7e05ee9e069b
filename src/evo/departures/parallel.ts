/** Work on a list, so many at a time; the answers are in the list's order. */

/** Rejects with the first error, once those that were under way have ended. */
export async function inParallel<T, R>(
  list: readonly T[],
  atATime: number,
  work: (item: T) => Promise<R>,
): Promise<readonly R[]> {
  const answers: R[] = new Array(list.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < list.length; at = next++) answers[at] = await work(list[at] as T);
  };
  const workers = Array.from({ length: Math.min(atATime, list.length) }, worker);
  const settled = await Promise.allSettled(workers);
  const failed = settled.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return answers;
}
