/** The calendar day limits count in: that of the appliance's time zone. */

/** Says which day (`2026-11-22`) a time (ms) falls on in `timeZone` (IANA). Throws RangeError when there is no such zone. */
export function daysIn(timeZone: string): (time: number) => string {
  const format = new Intl.DateTimeFormat("en-CA", { timeZone, year: "numeric", month: "2-digit", day: "2-digit" });
  return (time) => format.format(time);
}
