/** Which isolation holds more. An administrator sets the weakest there may be; an agent folder may ask for more than that. */
import type { Isolation } from "./abi/messages.ts";

const byStrength: readonly Isolation[] = ["nspawn", "gvisor"];

export function isWeaker(one: Isolation, than: Isolation): boolean {
  return byStrength.indexOf(one) < byStrength.indexOf(than);
}
