/** Requests of cells and frontends: there, about to be answered, answered. A frontend's look at a task (GET) is no part of its life. */
import { openExchange as open } from "../../../../../../kernel/process/http.ts";
import { cross } from "../../../cross.ts";

export * from "../../../../../../kernel/process/http.ts";

export const openExchange: typeof open = (res, req, bounds) => {
  const exchange = open(res, req, bounds);
  if (exchange.path.startsWith("/v1/tasks/")) return exchange;
  const point = `${exchange.method} ${exchange.path}`;
  const { answer } = exchange;
  cross(`${point} received`);
  const marked: typeof answer = (...content) => {
    cross(`${point} decided`);
    setImmediate(cross, `${point} answered`);
    return answer(...content);
  };
  return Object.assign(exchange, { answer: marked });
};
