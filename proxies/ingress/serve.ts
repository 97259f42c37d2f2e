/**
 * Every request of a frontend, from its path to its answer.
 *
 * Threat: strangers from the network: without a key, with another frontend's task, too fast, too large, too slow, too many.
 * Contract: whoever has no key learns the public description and nothing else; a frontend reaches its own tasks alone, at most
 * `REQUESTS_PER_SECOND_MAX` times a second; nothing a stranger wrote gets into the log.
 * Failure: JSON `{"code", "message"}` with the status that fits.
 */
import { refused } from "../../kernel/abi/ends.ts";
import type { Exchange } from "../../kernel/process/http.ts";
import { bearerOf } from "./frontends.ts";
import type { Ingress } from "./ingress.ts";
import { describeApi, OPENAPI_PATH } from "./openapi.ts";
import { laterReply, type Reply, replyOf } from "./reply.ts";
import { findRoute } from "./routes.ts";

export async function serve(ingress: Ingress, exchange: Exchange): Promise<void> {
  const handled = handle(ingress, exchange);
  ingress.inHand.add(handled);
  await handled;
  ingress.inHand.delete(handled);
}

async function handle(ingress: Ingress, exchange: Exchange): Promise<void> {
  const { status, body, headers } = await reply(ingress, exchange);
  exchange.answer(status, body, headers);
}

async function reply(ingress: Ingress, exchange: Exchange): Promise<Reply> {
  const { method, path, fault } = exchange;
  if (ingress.isStopping) return laterReply(503, "SiloOS is stopping.");
  if (fault !== undefined) return replyOf(fault, 0);
  if (method === "GET" && path === OPENAPI_PATH) return { status: 200, body: describeApi() };
  const found = findRoute(path);
  if (found === undefined) return replyOf(refused("UNKNOWN_PATH"), 0);
  if (method !== found.route.method) return wrongMethod(found.route.method);
  const frontend = ingress.findFrontend(bearerOf(exchange.header("authorization")) ?? "");
  if (frontend === null) return replyOf(refused("API_KEY_INVALID"), 0);
  if (!ingress.allow(frontend, ingress.now()))
    return laterReply(429, "More requests a second than a frontend may send.");
  return found.route.handle(ingress, frontend, exchange, found.parameter);
}

function wrongMethod(method: string): Reply {
  const body = { code: "MALFORMED", message: `This path takes ${method}.` };
  return { status: 405, body, headers: { Allow: method } };
}

/** Takes nothing new, and settles when everything in hand is answered. */
export async function drain(ingress: Ingress): Promise<void> {
  ingress.isStopping = true;
  await Promise.all(ingress.inHand);
}
