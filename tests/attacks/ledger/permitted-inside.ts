/** Has one refund permitted in the store in the folder it is given, says its task, and waits to be killed before anything is reported. */
import { writeSync } from "node:fs";
import { setInterval } from "node:timers";
import { codeOf, openWorld } from "../../kernel/world.ts";
import { attemptOf, refunding, setLimits, usd } from "./ledger-world.ts";

const world = await openWorld(process.argv[2]);
setLimits(world, [usd("customer_day", 1_000)]);
const attempt = attemptOf(world);
const end = await world.core.commit(refunding(world, attempt, 1, 600));
writeSync(1, `${codeOf(end)} ${attempt.document.task}\n`);
setInterval(() => undefined, 1_000);
