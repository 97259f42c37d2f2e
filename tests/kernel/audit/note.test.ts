import { expect, test } from "vitest";
import { logKey, noteOf } from "../../../kernel/audit/note.ts";

/** golang.org/x/mod, sumdb/note/note_test.go, TestSign: PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz. */
const SEED = Buffer.from("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz", "base64").subarray(1);
const TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const NOTE = `${TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;
const peter = logKey("PeterNeumann", SEED);

test("a key signs byte for byte what Go's sumdb/note signs with it", () => {
  expect(noteOf(TEXT, [peter])).toBe(NOTE);
  expect(peter.verifier).toBe("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
});

test("it opens its own notes and nothing else", () => {
  expect(peter.open(NOTE)).toBe(TEXT);
  expect(peter.open(NOTE.replace("problem", "Problem"))).toBeNull();
  expect(peter.open(NOTE.replace("x08g", "x08h"))).toBeNull();
  expect(peter.open(noteOf(TEXT, [logKey("PeterNeumann", Buffer.alloc(32, 5))]))).toBeNull();
  expect([peter.open(TEXT), peter.open("")]).toEqual([null, null]);
});
