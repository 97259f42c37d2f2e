import fc from "fast-check";
import { expect, test } from "vitest";
import { fold, words } from "../../../proxies/vault/fold.ts";

test.each([
  ["ANN", "ann"],
  ["Ａｎｎ　Ｍｉｌｌｅｒ", "ann miller"],
  ["A\u200bn\u00adn\u2060", "ann"],
  ["José", "jose"],
  ["Jose\u0301", "jose"],
  ["Strauß", "strauss"],
  ["İnönü", "inonu"],
  ["ﬁne", "fine"],
  ["٠٥٥ ५५५", "055 555"],
  ["𝐀𝐧𝐧", "ann"],
  ["한국", "한국".normalize("NFKD")],
])("%s folds to %s", (written, folded) => {
  expect(fold(written).text).toBe(folded);
});

test("letters of another script that look alike stay different: this does not hold", () => {
  expect(fold("Аnn").text).not.toBe("ann"); // Cyrillic А
});

test("every folded character points into the text as written, in order", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const folded = fold(text);
      let last = 0;
      for (let at = 0; at < folded.text.length; at++) {
        const [from, to] = [folded.from(at), folded.to(at)];
        if (from < last || to <= from || to > text.length) throw new Error(`${from} ${to} ${last}`);
        last = from;
      }
    }),
  );
});

test("folding twice is folding once", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const once = fold(text).text;
      expect(fold(once).text).toBe(once);
    }),
  );
});

test("words are letters and digits; without spaces in the script, single characters", () => {
  expect(words("ann o'brien_2 李明 สวัสดี").map(({ text }) => text)).toEqual([
    ...["ann", "o", "brien", "2", "李", "明"],
    ...("สวัสดี".match(/./gu) ?? []),
  ]);
});
