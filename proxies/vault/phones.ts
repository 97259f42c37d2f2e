/** Telephone numbers by their digits: one number has many spellings (+1 555 0100, 001 555 0100, (555) 0100). */
import { type CountryCode, findPhoneNumbersInText, parsePhoneNumberFromString } from "libphonenumber-js";

/** Country of numbers that are written without one. */
const HOME_COUNTRY: CountryCode = "US";
/** Fewer digits than this are not taken for a number again. */
const PHONE_DIGITS_MIN = 6;
/** Digits from which on a run may be anybody's number (E.164 has no shorter ones in use that are not service numbers). */
const RUN_DIGITS_MIN = 7;
/** What is put before libphonenumber in one text; what is beyond is hidden unasked. It takes about 10 µs a character. */
const ASKED_CHARS_MAX = 16 * 1024;

/** `key`: the same for every spelling. `tail`: the digits every spelling ends with. `heads`: digits that may stand before them. */
export type Phone = { key: string; tail: string; heads: string[] };

/** The number behind a value of class phone; undefined where it has too few digits to be told from others. */
export function phoneOf(value: string): Phone | undefined {
  const parsed = parsePhoneNumberFromString(value, HOME_COUNTRY);
  if (parsed !== undefined && parsed.nationalNumber.length >= PHONE_DIGITS_MIN) {
    const code = parsed.countryCallingCode;
    const heads = [`00${code}0`, `00${code}`, `011${code}`, `${code}0`, code, "0"];
    return { key: parsed.number, tail: parsed.nationalNumber, heads };
  }
  const digits = value.replace(/[^0-9]/g, "");
  return digits.length < PHONE_DIGITS_MIN ? undefined : { key: digits, tail: digits, heads: [] };
}

/** Digits that stand together, with what people put between them. `places[i]`: where digit i stands in the text. */
export type DigitRun = { digits: string; places: number[] };

const RUN = /[0-9](?:[ \t\n\r().,/+·–-]{0,4}[0-9])*/g;

/** The runs of digits in folded text. */
export function digitRuns(folded: string): DigitRun[] {
  return [...folded.matchAll(RUN)].map(({ 0: run, index }) => {
    const places = [...run.matchAll(/[0-9]/g)].map((digit) => index + digit.index);
    return { digits: run.replace(/[^0-9]/g, ""), places };
  });
}

const CANDIDATE = /(?<![\p{L}\p{N}])[+(]{0,2}[0-9](?:[ ()./-]{0,3}[0-9]){6,}(?![\p{L}])/gu;

/** Where folded text holds what may be anybody's telephone number: `[from, to)`. */
export function phonesIn(folded: string): [number, number][] {
  let asked = 0;
  return [...folded.matchAll(CANDIDATE)].flatMap(({ 0: candidate, index }): [number, number][] => {
    if (candidate.replace(/[^0-9]/g, "").length < RUN_DIGITS_MIN) return [];
    asked += candidate.length;
    if (asked > ASKED_CHARS_MAX) return [[index, index + candidate.length]];
    const found = findPhoneNumbersInText(candidate, HOME_COUNTRY);
    return found.map(({ startsAt, endsAt }) => [index + startsAt, index + endsAt]);
  });
}
