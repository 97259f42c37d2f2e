/** What a measure is, and how it is printed. */

export type Result = {
  value: number;
  /** The floor it is held against, measured in the same run. */
  against_value: number;
};

export type Measure = {
  name: string;
  unit: "ms" | "1/s";
  /** The floor, in a few words. */
  against: string;
  run(): Promise<Result>;
};

/** One line per measure: the record itself, or the same for a person. */
export function line({ name, unit, against }: Measure, { value, against_value }: Result, json: boolean): string {
  const ratio = round(value / against_value);
  const record = { name, value: round(value), unit, against, against_value: round(against_value), ratio };
  if (json) return JSON.stringify(record);
  return `${name.padEnd(18)} ${record.value} ${unit}, against ${record.against_value} of ${against}: ratio ${ratio}`;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** The middle value; of an even count, the lower of the two. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
}
