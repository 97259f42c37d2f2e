/**
 * Numbers and names as SMPP writes them (SMPP 3.4, 5.2.5 and 5.2.6).
 *
 * Threat: a number that is read as another one sends a customer's message to a stranger.
 * Contract: a recipient is one international number, told by its plus sign; no country is guessed.
 * Failure: undefined, and nothing is sent.
 */
import { parsePhoneNumberFromString } from "libphonenumber-js";

export type Address = { ton: number; npi: number; address: string };

const TON = { international: 1, network: 3, alphanumeric: 5 } as const;
const NPI = { unknown: 0, isdn: 1 } as const;

/** E.164: country code and number, 15 digits at most; seven at least, so that no service number passes. */
const INTERNATIONAL = /^\+([1-9][0-9]{6,14})$/;
const SHORT_CODE = /^[0-9]{3,8}$/;
/** A sender's name: what fits TP-OA of a phone, eleven characters of the basic alphabet. */
const NAME = /^(?=.*[A-Za-z])[A-Za-z0-9 .&_-]{1,11}$/;

/** The one number a value of class phone stands for, or undefined. People write the 0 of `+44 (0)20 …`, and no phone dials it. */
export function recipientOf(value: string): Address | undefined {
  const parsed = parsePhoneNumberFromString(value, { extract: false });
  if (parsed === undefined || !parsed.isPossible() || parsed.ext !== undefined) return undefined;
  return international(parsed.number);
}

/** Whom a message comes from: `+49…`, a short code, or a name. Undefined where it is none of them. */
export function senderOf(from: string): Address | undefined {
  const number = international(from);
  if (number !== undefined) return number;
  if (SHORT_CODE.test(from)) return { ton: TON.network, npi: NPI.unknown, address: from };
  if (NAME.test(from)) return { ton: TON.alphanumeric, npi: NPI.unknown, address: from };
  return undefined;
}

function international(text: string): Address | undefined {
  const digits = INTERNATIONAL.exec(text)?.[1];
  return digits === undefined ? undefined : { ton: TON.international, npi: NPI.isdn, address: digits };
}
