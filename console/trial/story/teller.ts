/** Tells the story: chapters, lines, and facts that either happened or did not. */
import { printable } from "../../cli/text.ts";

export type Teller = {
  chapter(title: string): void;
  say(line: string): void;
  /** Something the story promises. Told either way; counted when it did not happen. */
  fact(happened: boolean, sentence: string): void;
  /** How many facts there were, and which did not happen. */
  readonly facts: number;
  readonly broken: readonly string[];
};

/** `now` in milliseconds; each chapter says when it began, counted from the first line. */
export function openTeller(write: (text: string) => void, now: () => number = Date.now): Teller {
  const began = now();
  const broken: string[] = [];
  let [chapters, facts] = [0, 0];
  const line = (text: string) => write(`${printable(text)}\n`);
  return {
    chapter(title) {
      write("\n");
      line(`${++chapters}. ${title}  (+${((now() - began) / 1000).toFixed(1)} s)`);
    },
    say: (text) => line(`   ${text}`),
    fact(happened, sentence) {
      facts++;
      if (!happened) broken.push(sentence);
      line(` ${happened ? "✓" : "✗ DID NOT HAPPEN:"} ${sentence}`);
    },
    get facts() {
      return facts;
    },
    broken,
  };
}
