/** Work that is done again and again, each piece with its own growing pause, until it succeeds; so many pieces of one line at once. */

export type Retries = {
  /** Begins a piece of work, hurries one that rests, and lets one that is being tried be tried once more. */
  add(key: string): void;
  stop(): void;
};

type Options = {
  /** The line a piece stands in; lines do not wait for each other. */
  lineOf: (key: string) => string;
  /** Pieces of one line that are tried at once. */
  inFlightMax: number;
  /** Pause after the first failure; doubles up to `restMsMax`. */
  restMs: number;
  restMsMax: number;
  /** One try. False: rest, then try again. */
  attempt: (key: string) => Promise<boolean>;
};

type Piece = { restMs: number; timer: NodeJS.Timeout | null; state: "queued" | "running" | "resting"; again: boolean };
type Line = { queue: string[]; running: number };

/** `attempt` must not throw: a throw is a defect and ends the process as an unhandled rejection. */
export function openRetries({ lineOf, inFlightMax, restMs, restMsMax, attempt }: Options): Retries {
  const pieces = new Map<string, Piece>();
  const lines = new Map<string, Line>();
  let stopped = false;

  function pump(name: string, line: Line): void {
    while (!stopped && line.running < inFlightMax) {
      const key = line.queue.shift();
      if (key === undefined) break;
      void run(key, name, line);
    }
    if (line.running === 0 && line.queue.length === 0) lines.delete(name);
  }

  async function run(key: string, name: string, line: Line): Promise<void> {
    const piece = pieces.get(key);
    if (piece === undefined) return;
    piece.state = "running";
    piece.again = false;
    line.running++;
    const succeeded = await attempt(key);
    line.running--;
    if (piece.again) enqueue(key, piece);
    else if (succeeded) pieces.delete(key);
    else rest(key, piece);
    pump(name, line);
  }

  function rest(key: string, piece: Piece): void {
    piece.state = "resting";
    piece.timer = setTimeout(() => enqueue(key, piece), piece.restMs);
    piece.restMs = Math.min(piece.restMs * 2, restMsMax);
    if (stopped && piece.timer !== null) clearTimeout(piece.timer);
  }

  function enqueue(key: string, piece: Piece): void {
    if (piece.timer !== null) clearTimeout(piece.timer);
    piece.timer = null;
    piece.state = "queued";
    const name = lineOf(key);
    const line = lines.get(name) ?? { queue: [], running: 0 };
    lines.set(name, line);
    line.queue.push(key);
    pump(name, line);
  }

  function add(key: string): void {
    const piece = pieces.get(key) ?? { restMs, timer: null, state: "resting", again: false };
    pieces.set(key, piece);
    piece.restMs = restMs;
    if (piece.state === "running") piece.again = true;
    if (piece.state === "resting") enqueue(key, piece);
  }

  return {
    add,
    stop() {
      stopped = true;
      for (const { timer } of pieces.values()) if (timer !== null) clearTimeout(timer);
    },
  };
}
