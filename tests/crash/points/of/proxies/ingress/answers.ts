/** An answer on a frontend's WebSocket: before it is sent, sent, acknowledged. */
import { type Outlet, Answers as Unmarked } from "../../../../../../proxies/ingress/answers.ts";
import { cross } from "../../../cross.ts";

export * from "../../../../../../proxies/ingress/answers.ts";

export class Answers extends Unmarked {
  override open(frontend: string, outlet: Outlet): void {
    const { send } = outlet;
    outlet.send = (answer) => {
      cross("answer to a frontend: before");
      const took = send(answer);
      process.nextTick(cross, "answer to a frontend: sent");
      return took;
    };
    super.open(frontend, outlet);
  }

  override acknowledge(frontend: string, delivery: string): void {
    cross("acknowledgement: before");
    super.acknowledge(frontend, delivery);
    cross("acknowledgement: taken");
  }
}
