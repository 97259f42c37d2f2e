/** What the door, the vault and ingress may ask of the kernel, message by message: each is one decision in one transaction. What begins something is *later* while nothing may begin. */
import { done } from "./abi/ends.ts";
import type { doorToKernel, ingressToKernel, vaultToKernel } from "./abi/messages.ts";
import type { Background } from "./background.ts";
import { tableOf } from "./cases.ts";
import type { Core } from "./core.ts";
import type { Dispatch } from "./dispatch.ts";
import { learn } from "./not-live.ts";
import { stateOf } from "./outbox.ts";
import { isCertain, outcome } from "./outcome.ts";
import type { Handlers } from "./process/listen.ts";
import { finding, lookup } from "./reports.ts";
import { submit } from "./submit.ts";

export function doorHandlers(core: Core, dispatch: Dispatch): Handlers<typeof doorToKernel> {
  return {
    intend(body) {
      dispatch.countIntent(body.cell);
      return core.stopped() ?? dispatch.intend(body);
    },
    end: dispatch.end,
    async finding(body) {
      const stopped = core.stopped();
      if (stopped !== null) return stopped;
      const end = await core.commit(() => finding(core, body.finding));
      dispatch.countFinding(body.finding.cell);
      return end;
    },
  };
}

export function vaultHandlers(core: Core, dispatch: Dispatch): Handlers<typeof vaultToKernel> {
  return {
    async submit(body) {
      const stopped = core.stopped();
      if (stopped !== null) return stopped;
      const end = await core.commit(() => submit(core, body));
      dispatch.wake();
      return end;
    },
    table: (body) => tableOf(core.store, body),
    lookup: (body) => core.stopped() ?? core.commit(() => lookup(core, body)),
    outcome(body) {
      const comparison = dispatch.comparisonOf(body.assignment);
      if (comparison !== null) return core.commit(() => learn(core, comparison, body));
      if (!isCertain(core, body)) return core.commit(() => outcome(core, body));
      core.ride(() => void outcome(core, body));
      return done({});
    },
    finding: (body) => core.stopped() ?? core.commit(() => finding(core, body.finding)),
  };
}

export function ingressHandlers(core: Core, background: Background): Handlers<typeof ingressToKernel> {
  return {
    async state(body) {
      const end = body.answer
        ? await core.commit(() => stateOf(core, body))
        : stateOf(core, { ...body, answer: false });
      if (body.answer && end.end === "done") background.settled(body.task);
      return end;
    },
  };
}
