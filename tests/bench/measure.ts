/** What a measure is, and how it is printed. */
import type { BenchWorld, WorldSettings } from "./world.ts";

export type Result = {
  value: number;
  /** The floor it is held against, measured in the same run. */
  against_value: number;
  /** What else was seen in that run. */
  more?: Record<string, number>;
};

export type Measure = {
  name: string;
  unit: "ms" | "1/s" | "MiB" | "cells";
  /** The floor, in a few words. */
  against: string;
  /** Of the appliance it is measured on. Left out, each cell is started for its task, and none comes up beside it. */
  settings?: WorldSettings;
  run(world: BenchWorld): Promise<Result>;
};

/** One line per measure: the record itself, or the same for a person. */
export function line(
  { name, unit, against }: Pick<Measure, "name" | "unit" | "against">,
  result: Result,
  json: boolean,
): string {
  const { value, against_value } = result;
  const ratio = round(value / against_value);
  const more = Object.fromEntries(Object.entries(result.more ?? {}).map(([key, number]) => [key, round(number)]));
  const record = { name, value: round(value), unit, against, against_value: round(against_value), ratio, ...more };
  if (json) return JSON.stringify(record);
  const rest = Object.entries(more).map(([key, number]) => `, ${key} ${number}`);
  return `${name.padEnd(22)} ${record.value} ${unit}, against ${record.against_value} of ${against}: ratio ${ratio}${rest.join("")}`;
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

/** The middle value; of an even count, the lower of the two. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value that `share` of all do not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}
