/** Constant traffic of ordinary users against the regions of a system: what the users got, by region and time. */

export interface TrafficSpec {
  /** Base URL by region. */
  readonly targets: { readonly [region: string]: string };
  readonly path: string;
  /** Requests a second in each region. */
  readonly perSecond: number;
  /** How many users take turns in each region. */
  readonly users: number;
}

export interface Answered {
  readonly region: string;
  /** When the answer came, milliseconds since the epoch. */
  readonly at: number;
  /** 0: no answer at all. */
  readonly status: number;
  /** The edge that answered, as far as it says so. */
  readonly edge: string | undefined;
}

export interface Traffic {
  /** What has been answered so far. */
  readonly answers: readonly Answered[];
  /** How often each status was answered, by region. */
  counts(): { readonly [region: string]: { readonly [status: string]: number } };
  /** Stops; resolves when the last answer is in. */
  stop(): Promise<void>;
}

/** Starts traffic that goes on until `stop`. A slow answer doesn't hold the next request back. */
export function startTraffic(spec: TrafficSpec): Traffic {
  const answers: Answered[] = [];
  const open = new Set<Promise<void>>();
  let turn = 0;
  const round = () => {
    turn += 1;
    for (const [region, base] of Object.entries(spec.targets)) {
      const request = ask(region, `${base}${spec.path}`, `user-${turn % spec.users}`).then((answer) => {
        answers.push(answer);
        open.delete(request);
      });
      open.add(request);
    }
  };
  const timer = setInterval(round, 1000 / spec.perSecond);
  const stop = async () => {
    clearInterval(timer);
    await Promise.all(open);
  };
  return { answers, counts: () => counted(answers), stop };
}

async function ask(region: string, url: string, user: string): Promise<Answered> {
  try {
    const response = await fetch(url, { headers: { authorization: `Bearer ${user}` } });
    await response.arrayBuffer();
    return { region, at: Date.now(), status: response.status, edge: response.headers.get("x-edge") ?? undefined };
  } catch {
    return { region, at: Date.now(), status: 0, edge: undefined };
  }
}

function counted(answers: readonly Answered[]): { [region: string]: { [status: string]: number } } {
  const counts: { [region: string]: { [status: string]: number } } = {};
  for (const { region, status } of answers) {
    counts[region] ??= {};
    counts[region][status] = (counts[region][status] ?? 0) + 1;
  }
  return counts;
}
