/** The vectors of golang.org/x/mod, sumdb/note/note_test.go, and of C2SP tlog-checkpoint, against the verifier. */
import { expect, test } from "vitest";
import { openCheckpoint, openNote, readCheckpoint, readKey, Unproven } from "../../../console/audit/note.ts";
import { logKey, noteOf } from "../../../kernel/audit/note.ts";

const PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop";
const text = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const peterSig =
  "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
const enochSig =
  "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n";

test("no part of a key and no key with another byte is one", () => {
  expect(readKey(PETER).name).toBe("PeterNeumann");
  const manglings: string[] = [];
  for (let from = 0; from <= PETER.length; from++)
    for (let to = from + 1; to <= PETER.length; to++)
      if (from !== 0 || to !== PETER.length) manglings.push(PETER.slice(from, to));
  for (let at = 0; at < PETER.length; at++)
    manglings.push(PETER.slice(0, at) + String.fromCharCode(PETER.charCodeAt(at) + 1) + PETER.slice(at + 1));
  manglings.push("PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==");
  manglings.push("PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW");
  const taken = manglings.filter((mangled) => {
    try {
      return readKey(mangled) !== null;
    } catch (error) {
      return !(error instanceof Unproven);
    }
  });
  expect(taken).toEqual([]);
});

test.each([
  ["signed by it", peterSig],
  ["signed by it and by one that is unknown", peterSig + enochSig],
  ["signed by one that is unknown and by it", enochSig + peterSig],
  ["signed by it twice", peterSig + peterSig],
])("a note %s opens", (_, signatures) => {
  expect(openNote(`${text}\n${signatures}`, readKey(PETER))).toBe(text);
});

test.each([
  ["signed by another alone", `${text}\n${enochSig}`],
  ["signed a hundred times and once", `${text}\n${peterSig.repeat(101)}`],
  ["with a longer signature", `${text}\n${peterSig.slice(0, 60)}ABCD${peterSig.slice(60)}`],
  ["with one right and one wrong signature", `${text}\n${peterSig}${peterSig.replace("ZJku", "ZJkv")}`],
  ["without signatures", text],
  ["without signatures behind the empty line", `${text}\n`],
  ["without its last newline", `${text}\n${peterSig.slice(0, -1)}`],
  ["with a control character", `\x01${text}\n${peterSig}`],
  ["that was no UTF-8", Buffer.from(`\xff${text}\n${peterSig}`, "latin1").toString("utf8")],
  ["with a name of two words", `${text}\n${peterSig.replace("PeterNeumann", "Bad Name")}`],
  ["with a line too much", `${text}\n${peterSig}Unexpected line.\n`],
  ["with another name on the signature", `${text}\n${peterSig.replace("PeterNeumann", "CarmenSandiego")}`],
  ["with another key's hash on the signature", `${text}\n${peterSig.replace("x08g", "xxxx")}`],
  ["with another text", `${text.replace("cryptography", "cryptographY")}\n${peterSig}`],
])("a note %s does not", (_, note) => {
  expect(() => openNote(note, readKey(PETER))).toThrow(Unproven);
});

test("the other's key opens the other's note", () => {
  expect(openNote(`${text}\n${enochSig}`, readKey(ENOCH))).toBe(text);
});

test("the checkpoint of C2SP tlog-checkpoint reads", () => {
  const read = readCheckpoint("example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n");
  expect(read).toMatchObject({ origin: "example.com/behind-the-sofa", size: 20_852_163 });
  expect(read.root.toString("hex")).toMatch(/^0ac5186a9186/);
});

const root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
test.each([
  ["without an origin", `\n5\n${root}\n`],
  ["with a size that has a zero before it", `log\n05\n${root}\n`],
  ["with a negative size", `log\n-5\n${root}\n`],
  ["with a size no number can hold", `log\n99999999999999999999\n${root}\n`],
  ["with half a root", `log\n5\n${root.slice(0, 20)}\n`],
  ["with a root of another spelling", `log\n5\n${root.replace("I=", "J=")}\n`],
  ["with an empty line at its end", `log\n5\n${root}\n\n`],
  ["without a root", "log\n5\n"],
])("a checkpoint %s does not", (_, wrong) => {
  expect(() => readCheckpoint(wrong)).toThrow(Unproven);
});

test("a checkpoint of another log, signed by this key, is none of this log", () => {
  const key = logKey("silo/one", Buffer.alloc(32, 1));
  const verifier = readKey(key.verifier);
  expect(openCheckpoint(noteOf(`silo/one\n5\n${root}\n`, [key]), verifier).size).toBe(5);
  expect(() => openCheckpoint(noteOf(`silo/two\n5\n${root}\n`, [key]), verifier)).toThrow("of the log silo/two");
});
