/** Work that is done again and again, each piece with its own growing pause, until it succeeds; so many pieces at once. */

export type Retries = {
  /** Begins a piece of work, hurries one that rests, and lets one that is being tried be tried once more. */
  add(key: string): void;
  stop(): void;
};

type Options = {
  inFlightMax: number;
  /** Pause after the first failure; doubles up to `restMsMax`. */
  restMs: number;
  restMsMax: number;
  /** One try. False: rest, then try again. */
  attempt: (key: string) => Promise<boolean>;
};

type Piece = { restMs: number; timer: NodeJS.Timeout | null; state: "queued" | "running" | "resting"; again: boolean };

/** `attempt` must not throw: a throw is a defect and ends the process as an unhandled rejection. */
export function openRetries({ inFlightMax, restMs, restMsMax, attempt }: Options): Retries {
  const pieces = new Map<string, Piece>();
  const queue: string[] = [];
  let running = 0;
  let stopped = false;

  function pump(): void {
    while (!stopped && running < inFlightMax) {
      const key = queue.shift();
      if (key === undefined) return;
      void run(key);
    }
  }

  async function run(key: string): Promise<void> {
    const piece = pieces.get(key);
    if (piece === undefined) return;
    piece.state = "running";
    piece.again = false;
    running++;
    const succeeded = await attempt(key);
    running--;
    if (piece.again) enqueue(key, piece);
    else if (succeeded) pieces.delete(key);
    else rest(key, piece);
    pump();
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
    queue.push(key);
    pump();
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
