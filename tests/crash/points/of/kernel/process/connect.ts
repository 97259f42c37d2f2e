/** Requests as their sender sees them: about to be sent, sent, answered. */
import { connect as open } from "../../../../../../kernel/process/connect.ts";
import { crossing } from "../../../cross.ts";
import { nameOf } from "../../../names.ts";

export * from "../../../../../../kernel/process/connect.ts";

type Request = (message: string, body: unknown, timeoutMs?: number) => Promise<unknown>;

export const connect: typeof open = (edge, messages, options) => {
  const client = open(edge, messages, options);
  const request = client.request as Request;
  const marked: Request = (message, body, timeoutMs) =>
    crossing(`${nameOf(edge, message, body)} asked`, () => request(message, body, timeoutMs), setImmediate);
  return Object.assign(client, { request: marked }) as typeof client;
};
