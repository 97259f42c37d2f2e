/** The calendar day limits count in: that of the appliance's time zone. */

/** No time zone's day begins within a minute of UTC. */
const MINUTE_MS = 60_000;

/** Says which day (`2026-11-22`) a time (ms) falls on in `timeZone` (IANA). Throws RangeError when there is no such zone. */
export function daysIn(timeZone: string): (time: number) => string {
  const format = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
  let known = { minute: Number.NaN, day: "" };
  return (time) => {
    const minute = Math.floor(time / MINUTE_MS);
    if (minute !== known.minute) known = { minute, day: format.format(minute * MINUTE_MS) };
    return known.day;
  };
}
