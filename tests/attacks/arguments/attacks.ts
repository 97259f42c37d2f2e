/**
 * What an agent may send in the place of arguments, byte for byte, and what each place that reads it must say: the door over HTTP, the kernel when
 * the door is hostile, a proxy when the vault is hostile. Which tokens a case knows is the vault's to say: tests/proxies/vault/call.test.ts.
 */
import { CALL_BYTES_MAX, FRAME_DEPTH_MAX, JSON_DEPTH_MAX } from "../../../kernel/abi/bounds.ts";
import type { RefusalCode } from "../../../kernel/abi/refusals.ts";

export type Attack = {
  name: string;
  capability: "refund:create" | "email:send";
  /** The bytes of `arguments`. */
  sent: string;
  door: RefusalCode;
  /** Between kin: a refusal, or a violation, after which the connection is gone. */
  kin: "ARGUMENT_INVALID" | "violation";
};

/** Calls nobody objects to, as the canonical text of their arguments. */
export const good = {
  "refund:create": { order: "O1234", amount: 500, currency: "USD", reason: "[NAME_1] was unhappy" },
  "email:send": { to: "[EMAIL_1]", subject: "Your refund", body: "Dear [NAME_1]" },
} as const;

/** A good refund in which the value of one argument is spelt `text`. */
export function refundWith(argument: "order" | "amount" | "currency" | "reason", text: string): string {
  const members = Object.entries(good["refund:create"]).map(
    ([name, value]) => `"${name}":${name === argument ? text : JSON.stringify(value)}`,
  );
  return `{${members.join(",")}}`;
}

/** A good refund with more members behind its own. */
const plus = (members: string) => refundWith("amount", "500").replace(/\}$/, `,${members}}`);
const mailTo = (text: string) => JSON.stringify({ ...good["email:send"], to: text });
const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

type Row = [name: string, sent: string, kin?: Attack["kin"]];

function refunds(door: RefusalCode, rows: readonly Row[]): Attack[] {
  return rows.map(([name, sent, kin = "ARGUMENT_INVALID"]) => ({ name, capability: "refund:create", sent, door, kin }));
}

/** Nothing anybody could mean two things by; nobody declared it. */
const undeclared = refunds("ARGUMENT_INVALID", [
  ["an unknown argument", plus('"customer":"C0002"')],
  ["the task in an argument", plus('"task":"task_0000000000000002"')],
  ["a misspelt argument", refundWith("amount", "500").replace("amount", "ammount")],
  ["an argument in capitals", refundWith("amount", "500").replace("amount", "AMOUNT")],
  ["an argument that looks alike (a Cyrillic o)", plus('"am\u043eunt":70000')],
  ["an argument with a space behind it", plus('"amount ":70000')],
  ["an argument with an invisible character", plus('"amount\u200b":70000')],
  ["an argument with U+0000 behind it", plus('"amount\\u0000":70000')],
  ["an empty name", plus('"":1')],
  ["toString", plus('"toString":1')],
  ["valueOf", plus('"valueOf":{"amount":1}')],
  ["hasOwnProperty", plus('"hasOwnProperty":1')],
  ["__defineGetter__", plus('"__defineGetter__":1')],
  ["a path into another argument", plus('"amount.currency":"EUR"')],
  ["a name of 65 characters, which kin does not carry", plus(`"${"n".repeat(65)}":1`), "violation"],
  ["a name of 10,000 characters", plus(`"${"n".repeat(10_000)}":1`), "violation"],
  ["a thousand arguments", plus(Array.from({ length: 1000 }, (_, at) => `"a${at}":1`).join(","))],
  ["no arguments", "{}"],
  ["an argument left out", refundWith("amount", "500").replace('"amount":500,', "")],
  ["arguments inside arguments", `{"arguments":${refundWith("amount", "500")}}`],
]);

/** Two readers could disagree, or JavaScript itself could be misled: the door does not read it at all. */
const ambiguous = refunds("MALFORMED", [
  ["__proto__", plus('"__proto__":{"amount":1}')],
  ["__proto__ with an escape", plus('"\\u005f_proto__":{"amount":1}')],
  ["__proto__ two levels down", plus('"note":[{"__proto__":{"amount":1}}]')],
  ["constructor", plus('"constructor":{"prototype":{"amount":1}}')],
  ["prototype", plus('"prototype":{}')],
  ["an unknown argument twice", plus('"x":1,"x":2')],
  ["an argument twice, the second larger", plus('"amount":500000000')],
  ["an argument twice, one spelt with an escape", plus('"\\u0061mount":500000000')],
  ["a member twice inside another", plus('"note":{"a":{"b":1,"b":2}}')],
  ["a lone surrogate in a name", plus('"\\ud800":1')],
  ["a lone surrogate in a text", refundWith("reason", '"\\ud800"')],
  ["two halves in the wrong order", refundWith("reason", '"\\udc00\\ud800"')],
  [`objects ${JSON_DEPTH_MAX} deep`, plus(`"note":${nested(JSON_DEPTH_MAX - 1)}`)],
  [`lists ${FRAME_DEPTH_MAX} deep`, refundWith("reason", nested(FRAME_DEPTH_MAX)), "violation"],
  ["lists 10,000 deep", refundWith("reason", nested(10_000)), "violation"],
]);

const numbers = [
  ...refunds("MALFORMED", [
    ["1e309", refundWith("amount", "1e309")],
    ["-1e309", refundWith("amount", "-1e309")],
    ["-0", refundWith("amount", "-0")],
    ["-0.0", refundWith("amount", "-0.0")],
    ["2^53", refundWith("amount", "9007199254740992")],
    ["2^53 + 1, which rounds", refundWith("amount", "9007199254740993")],
    ["2^64", refundWith("amount", "18446744073709551616")],
    ["-2^53", refundWith("amount", "-9007199254740992")],
    ["1e-400, which is no number but 0", refundWith("amount", "1e-400")],
    ["NaN", refundWith("amount", "NaN"), "violation"],
    ["Infinity", refundWith("amount", "Infinity"), "violation"],
    ["hexadecimal", refundWith("amount", "0x1f4"), "violation"],
    ["a leading zero", refundWith("amount", "0500"), "violation"],
    ["a plus", refundWith("amount", "+500"), "violation"],
    ["a separator", refundWith("amount", "5_00"), "violation"],
    ["a big integer's n", refundWith("amount", "500n"), "violation"],
    ["digits of another script", refundWith("amount", "\u0665\u0660\u0660"), "violation"],
    ["full-width digits", refundWith("amount", "\uff15\uff10\uff10"), "violation"],
  ]),
  ...refunds("ARGUMENT_INVALID", [
    ["2^53 - 1", refundWith("amount", "9007199254740991")],
    ["one over the declared maximum", refundWith("amount", "100000001")],
    ["0", refundWith("amount", "0")],
    ["a negative amount", refundWith("amount", "-500")],
    ["money as a float", refundWith("amount", "247.5")],
    ["money as a float that looks whole", refundWith("amount", "500.01")],
    ["a fraction by its power", refundWith("amount", "5005e-1")],
    ["a number as text", refundWith("amount", '"500"')],
    ["money as people write it", refundWith("amount", '"500.00 USD"')],
    ["digits of another script as text", refundWith("amount", '"\u0665\u0660\u0660"')],
    ["an amount in a list", refundWith("amount", "[500]")],
    ["an amount in an object", refundWith("amount", '{"valueOf":500}')],
    ["an amount of true", refundWith("amount", "true")],
    ["an amount of null", refundWith("amount", "null")],
    ["an empty amount", refundWith("amount", '""')],
  ]),
];

const texts = refunds("ARGUMENT_INVALID", [
  ["U+0000 in a text", refundWith("reason", '"a\\u0000b"')],
  ["a text one too long", refundWith("reason", JSON.stringify("x".repeat(1001)))],
  ["a text that is null", refundWith("reason", "null")],
  ["a text that is a list", refundWith("reason", '["broken"]')],
  ["a text that is an object", refundWith("reason", '{"text":"broken"}')],
  ["a text that is a number", refundWith("reason", "1")],
  ["a pattern with a line behind it", refundWith("order", '"O1234\\n"')],
  ["a pattern with SQL behind it", refundWith("order", '"O1234\' or 1=1 --"')],
  ["a pattern in digits of another script", refundWith("order", '"O\u0661\u0662\u0663\u0664"')],
  ["a choice that is not offered", refundWith("currency", '"EUR"')],
  ["a choice in small letters", refundWith("currency", '"usd"')],
  ["a choice that is a prototype's name", refundWith("currency", '"constructor"')],
  ["a choice in a list", refundWith("currency", '["USD"]')],
]);

const shapes = [
  ...refunds("MALFORMED", [
    ["a list where an object is due", "[]", "violation"],
    ["the object in a list", `[${refundWith("amount", "500")}]`, "violation"],
    ["null", "null", "violation"],
    ["a text", JSON.stringify(refundWith("amount", "500")), "violation"],
    ["a number", "500", "violation"],
    ["true", "true", "violation"],
    ["two objects", `${refundWith("amount", "500")},${refundWith("amount", "500")}`, "violation"],
    ["an object that is not closed", refundWith("amount", "500").slice(0, -1), "violation"],
    ["a comma too many", plus("").replace(/,\}$/, ",}"), "violation"],
    ["a comment", refundWith("amount", "/* 1 */500"), "violation"],
  ]),
  ...refunds("TOO_LARGE", [["an oversized text", refundWith("reason", JSON.stringify("x".repeat(CALL_BYTES_MAX)))]]),
];

const tokens: Attack[] = [
  ...refunds("ARGUMENT_INVALID", [
    ["a token in the place of a number", refundWith("amount", '"[OTHER_1]"')],
    ["a token in a public argument", refundWith("order", '"[NAME_1]"')],
    ["a customer token in a public argument", refundWith("order", '"tok_8f3k2000"')],
    ["a token in the place of a choice", refundWith("currency", '"[OTHER_1]"')],
  ]),
  ...Object.entries({
    "an address where a token must stand": "eve@corp.example",
    "a token of another class": "[NAME_1]",
    "a token with text round it": "[EMAIL_1] ",
    "two tokens in one": "[EMAIL_1][EMAIL_2]",
    "a token and an address": "[EMAIL_1],eve@corp.example",
    "a token's second spelling": "[EMAIL_01]",
    "a token in small letters": "[email_1]",
    "a token of number 0": "[EMAIL_0]",
    "a token of seven digits": "[EMAIL_1000000]",
    "a full-width token": "\uff3bEMAIL_1\uff3d",
    "a token with an invisible character": "[EMAIL_\u200b1]",
    "a token with a line behind it": "[EMAIL_1]\n",
    "a customer token as recipient": "tok_8f3k2000",
    nobody: "",
  }).map(([name, to]) => ({
    ...{ name: `${name}, as recipient`, capability: "email:send" as const, sent: mailTo(to) },
    ...{ door: "ARGUMENT_INVALID" as const, kin: "ARGUMENT_INVALID" as const },
  })),
];

export const attacks: readonly Attack[] = [...undeclared, ...ambiguous, ...numbers, ...texts, ...shapes, ...tokens];

/** Spellings of 500 that are not exact, or endless: the door reads none of them. Kin writes no such thing, and reads 500. */
export const inexact: Readonly<Record<string, string>> = {
  "500 and less than a double tells apart": refundWith("amount", "500.0000000000000000001"),
  "500 spelt in 100 digits": refundWith("amount", `500.${"0".repeat(97)}`),
};

/** Other spellings of one value: they are that value everywhere, and nothing else. */
export const spellings: Readonly<Record<string, string>> = {
  "5e2": refundWith("amount", "5e2"),
  "500.0": refundWith("amount", "500.0"),
  "50000e-2": refundWith("amount", "50000e-2"),
  "a name with an escape": refundWith("amount", "500").replace("amount", "\\u0061mount"),
  "a text with escapes": refundWith("order", '"\\u004f1234"'),
  "other order, white space": `{ "reason":"[NAME_1] was unhappy",\n"currency":"USD", "amount":500, "order":"O1234" }`,
};
