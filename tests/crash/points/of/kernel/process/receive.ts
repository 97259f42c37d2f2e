/** Requests as their receiver sees them: there, about to be answered, answered. What people ask at the console is no part of a task. */
import { type Handler, receive as open, type Receivers } from "../../../../../../kernel/process/receive.ts";
import { cross } from "../../../cross.ts";
import { nameOf } from "../../../names.ts";

export * from "../../../../../../kernel/process/receive.ts";

export const receive: typeof open = (path, edge, receivers, log) => {
  const mark = (message: string, handle: Handler): Handler => {
    return async (body, peer) => {
      const point = nameOf(edge, message, body);
      cross(`${point} received`);
      const end = await handle(body, peer);
      cross(`${point} decided`);
      // The answer is written after this and leaves at the end of the turn (write-together.ts).
      setImmediate(() => setImmediate(cross, `${point} answered`));
      return end;
    };
  };
  const marked: Receivers = new Map(
    [...receivers].map(([message, { check, handle }]) => [message, { check, handle: mark(message, handle) }]),
  );
  return open(path, edge, edge.from === "console" ? receivers : marked, log);
};
