/** What a command has to say, for a program and for a person; `main.ts` prints one of the two. */
export type Output = { json: unknown; text: string };

/** What commands are handed from outside. */
export type World = {
  /** Where `--state`, `--as` and the like were put. */
  person: string;
  state: string | undefined;
  json: boolean;
  /** A yes or no of whoever sits at the terminal; no terminal is a no. */
  confirm(question: string): Promise<boolean>;
  /** Something to read before the end of the command; goes to standard error. */
  note(text: string): void;
};
