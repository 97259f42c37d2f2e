import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TEXT_CHARS_MAX } from "../../../kernel/abi/bounds.ts";
import { splitAtTokens } from "../../../kernel/abi/tokens.ts";
import { fold, words } from "../../../proxies/vault/fold.ts";
import { hydrateText } from "../../../proxies/vault/hydrate.ts";
import { sweep } from "../../../proxies/vault/sweep.ts";
import { newDraft, type Table } from "../../../proxies/vault/table.ts";
import { classes, person, tableOf } from "./people.ts";

const ann = {
  name: "Ann Miller",
  email: "ann@shop.example",
  phone: "+1 202 555 0143",
  address: "12 Main St, Springfield",
};

function swept(text: string, customer = ann): string {
  const { table, draft } = tableOf(customer);
  return sweep(text, table, draft);
}

function back(text: string, table: Table): string {
  const end = hydrateText(text, table, newDraft());
  if (end.end !== "done") throw new Error(JSON.stringify(end));
  return end.value;
}

test("this customer's values become their tokens", () => {
  expect(swept("I am Ann Miller, ann@shop.example, +1 202 555 0143, 12 Main St, Springfield.")).toBe(
    "I am [NAME_1], [EMAIL_1], [PHONE_1], [ADDRESS_1].",
  );
});

describe("known values are found however they are spelled", () => {
  test.each([
    ["in capitals", "ANN MILLER", "[NAME_1]"],
    ["in full width", "Ａｎｎ　Ｍｉｌｌｅｒ", "[NAME_1]"],
    ["with zero-width characters inside", "A\u200bn\u200dn Mil\u2060ler", "[NAME_1]"],
    ["with a soft hyphen", "Ann Mil\u00adler", "[NAME_1]"],
    ["over two lines", "Ann\n   Miller", "[NAME_1]"],
    ["with a no-break space", "Ann\u00a0Miller", "[NAME_1]"],
    ["the other way round", "Miller, Ann", "[NAME_2], [NAME_3]"],
    ["in part", "Mrs. Miller", "Mrs. [NAME_2]"],
    ["with a genitive", "Ann Miller's order", "[NAME_1]'s order"],
    ["as an address of two lines", "12 Main St\nSpringfield", "[ADDRESS_2]"],
    ["as the street alone", "at 12 main st", "at [ADDRESS_2]"],
    ["a number in other groups", "(202) 555-0143", "[PHONE_1]"],
    ["a number without its country", "2025550143", "[PHONE_1]"],
    ["a number dialled abroad", "001 202 555 0143", "[PHONE_1]"],
    ["a number in another script's digits", "٢٠٢٥٥٥٠١٤٣", "[PHONE_1]"],
    ["an e-mail in capitals", "ANN@SHOP.EXAMPLE", "[EMAIL_1]"],
  ])("%s", (_, written, tokens) => {
    expect(swept(`x ${written} y`)).toBe(`x ${tokens} y`);
  });

  test("joined by a hyphen or accented otherwise it is hidden, as a value of its own", () => {
    expect(swept("Änn-Miller")).toBe("[NAME_2]");
  });
});

describe("what does not hold, and is said in known-values.ts", () => {
  test.each([
    ["a letter of another script", "Аnn"],
    ["letters set apart", "A n n"],
    ["words run together", "annmiller"],
  ])("%s", (_, written) => {
    expect(swept(written)).toBe(written);
  });
});

test("a known card or account is found in groups of any size, and is no telephone number", () => {
  const { table, draft } = tableOf(ann);
  table.tokenFor("card", "4111111111111111", draft);
  table.tokenFor("iban", "DE89 3704 0044 0532 0130 00", draft);
  expect(sweep("4111 1111 1111 1111, de8937040044053201 3000", table, draft)).toBe("[CARD_1], [IBAN_1]");
  table.tokenFor("card", "2025550199", draft);
  expect(sweep("202-555-0199", table, draft)).toBe("[CARD_2]");
});

describe("where known values run into each other no digit of either stays readable", () => {
  const written = (text: string) => {
    const { table, draft } = tableOf({ ...ann, phone: "+1 202 555 0141" });
    table.tokenFor("card", "4111111111111111", draft);
    table.tokenFor("card", "4111111111112025", draft);
    table.tokenFor("card", "0141111111111111", draft);
    return sweep(text, table, draft);
  };

  test.each([
    ["a card right before a number", "41111111111111112025550141", "[CARD_1][PHONE_1]"],
    ["a number right before a card", "20255501414111111111111111", "[PHONE_1][CARD_1]"],
    ["a card inside other digits", "9941111111111111117", "99[CARD_1]7"],
    ["a card and a number that share digits", "4111111111112025550141", "[CARD_2][OTHER_1]"],
    ["a number and a card that share digits", "2025550141111111111111", "[OTHER_1][CARD_3]"],
  ])("%s", (_, text, tokens) => {
    expect(written(text)).toBe(tokens);
  });
});

test.each([
  ["after a comma", "202 555 0141, 202 555 0141", "[PHONE_1], [PHONE_1]"],
  ["after a space", "202-555-0141 202-555-0141", "[PHONE_1] [PHONE_1]"],
  ["without anything between", "20255501412025550141", "[PHONE_1][PHONE_1]"],
  ["the second with its country", "2025550141 12025550141", "[PHONE_1] [PHONE_1]"],
])("a number said twice, whose last digit could begin the next one, is hidden whole: %s", (_, written, tokens) => {
  expect(swept(written, { ...ann, phone: "+1 202 555 0141" })).toBe(tokens);
});

/** Characters that fold, compose or vanish, each beside and inside what looks like a token. */
test("no character beside or inside a token's form makes it pass for one that stands for something", () => {
  const { table, draft } = tableOf(ann);
  for (let code = 0; code < 0x3100; code++) {
    const char = String.fromCharCode(code);
    for (const text of [
      `${char}tok_0a1b2c3d`,
      `tok_0a1b2c3d${char}`,
      `[NAME_1${char}]`,
      `[${char}NAME_1]`,
      `tok_0a1b2c3${char}`,
    ]) {
      const out = sweep(text, table, draft);
      const end = hydrateText(out, table, newDraft());
      if (end.end !== "done" || end.value.length !== text.length)
        throw new Error(`${code.toString(16)}: ${text} -> ${out}`);
    }
  }
});

test("anybody else's e-mail and telephone number become tokens too", () => {
  expect(swept("ask bob.k+x@corp.example or +49 151 12345678 today")).toBe("ask [EMAIL_2] or [PHONE_2] today");
});

describe("a value whose shape is found late in a text is hidden where it stands earlier too", () => {
  test.each([
    ["a number", "0+49 151 12345678José +49 151 12345678", "0[PHONE_2]José [PHONE_2]"],
    ["an address", "Bob Corp Example, bob@corp.example", "[EMAIL_3], [EMAIL_2]"],
  ])("%s", (_, written, tokens) => {
    expect(swept(written)).toBe(tokens);
  });

  test("and what only comes to light through that is hidden with what stands round it", () => {
    const [one, two] = ["+49 151 12345678", "+49 151 22222222"];
    expect(swept(`0${two}José 0${one}${two}, ${one}`)).toBe("[OTHER_1][PHONE_2][PHONE_3], [PHONE_2]");
  });
});

test("an address that holds a known word is hidden whole", () => {
  expect(swept("miller@corp.example")).toBe("[EMAIL_2]");
});

test("ordinary text stays as it is", () => {
  const text = "Order O1234 of 2024-11-22 over 247.50 USD [see 1] was late @ the door; 3 of 12 pieces broke.";
  expect(swept(text)).toBe(text);
});

test.each([
  "[NAME_1]",
  "[name_1]",
  "[ NAME 1 ]",
  "［ＮＡＭＥ＿１］",
  "[NA\u200bME_1]",
  "[EMAIL_99]",
  "tok_0a1b2c3d",
  "tok_zzzzzzzz",
])("what already looks like a token is a value itself and comes back as it was: %s", (written) => {
  const { table, draft } = tableOf(ann);
  const text = sweep(`x ${written} y`, table, draft);
  expect(text).toBe("x [OTHER_1] y");
  expect(back(text, table)).toBe(`x ${written} y`);
});

/** Texts that mix the customer's values, look-alikes and noise. */
const mixed = person.chain((customer) =>
  fc
    .array(
      fc.oneof(
        fc.constantFrom(...classes.map((name) => customer[name])),
        fc.constantFrom(...customer.name.split(" ")),
        fc.constantFrom(
          "[NAME_1]",
          "[EMAIL_2]",
          "tok_0a1b2c3d",
          "tok_",
          "[",
          "]",
          "_1]",
          "a@b.example",
          "+49 151 12345678",
          "555",
        ),
        fc.string({ unit: "grapheme", maxLength: 8 }),
        fc.constantFrom(" ", "\n", ", ", "\u200b", ""),
      ),
      { maxLength: 12 },
    )
    .map((parts) => ({ customer, text: parts.join("") })),
);

test("every token in a swept text is one of the table, and it comes back as it was but for the spelling of values", () => {
  fc.assert(
    fc.property(mixed, ({ customer, text }) => {
      const { table, draft } = tableOf(customer);
      const out = sweep(text, table, draft);
      for (const [at, part] of splitAtTokens(out).entries()) if (at % 2 === 1) expect(table.lookUp(part)).toBeDefined();
      const again = back(out, table);
      const bare = (value: string) => fold(value).text.replace(/[^\p{L}\p{N}]/gu, "");
      const withoutPhones = (value: string) => bare(value).replace(/(?:001|1)?202555/g, "202555");
      expect(withoutPhones(again)).toBe(withoutPhones(text));
    }),
    { numRuns: 1000 },
  );
});

test("no known value survives the sweep, in whatever noise it stands", () => {
  fc.assert(
    fc.property(mixed, ({ customer, text }) => {
      const out = swept(text, customer);
      const plain = splitAtTokens(out).filter((_, at) => at % 2 === 0);
      for (const part of plain) {
        const left = words(fold(part).text).map((word) => word.text);
        for (const name of classes) {
          const value = words(fold(customer[name]).text).map((word) => word.text);
          expect(contains(left, value)).toBe(false);
        }
        for (const word of words(fold(customer.name).text)) {
          if (word.text.length >= 3) expect(left).not.toContain(word.text);
        }
      }
    }),
    { numRuns: 1000 },
  );
});

function contains(all: string[], sequence: string[]): boolean {
  return all.some((_, at) => sequence.every((word, offset) => all[at + offset] === word));
}

test("a swept text has nothing more to sweep", () => {
  fc.assert(
    fc.property(mixed, ({ customer, text }) => {
      const { table, draft } = tableOf(customer);
      const once = splitAtTokens(sweep(text, table, draft)).filter((_, at) => at % 2 === 0);
      for (const part of once) expect(sweep(part, table, draft)).toBe(part);
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ["digits", "12345678 "],
  ["at signs", "a@"],
  ["name parts", "Ann "],
  ["brackets", "[NAME_"],
  ["look-alikes", "[name 1]"],
  ["one unbroken word", "aaaaaaaa"],
  ["marks", "a\u0301\u0301\u0301"],
  ["wide letters", "Ａ"],
])("a hostile text of %s takes a bounded time", (_, unit) => {
  const text = unit.repeat(Math.floor(TEXT_CHARS_MAX / 6 / unit.length));
  const start = performance.now();
  swept(text);
  expect(performance.now() - start).toBeLessThan(5000);
});
