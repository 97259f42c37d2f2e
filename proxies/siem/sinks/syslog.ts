/** An event as RFC 5424 has it, without what delimits it from the next. */
import { hostname } from "node:os";
import { type Event, placeOf } from "../event.ts";

/** log audit (RFC 5424, 6.2.1). */
const FACILITY = 13;
const SEVERITY = { warning: 4, informational: 6 } as const;
/** Number of an enterprise that is nobody's (RFC 5612): we have none of our own. */
const SD_ID = "silo@32473";

export function syslogMessage(event: Event): Buffer {
  const priority = FACILITY * 8 + (event.refused ? SEVERITY.warning : SEVERITY.informational);
  const place = placeOf(event.record).map(([name, value]) => `${name}="${value}"`);
  const header = `<${priority}>1 ${new Date(event.time).toISOString()} ${hostname()} silo - ${event.name}`;
  return Buffer.from(`${header} [${SD_ID} ${place.join(" ")}] ${event.line}`);
}
