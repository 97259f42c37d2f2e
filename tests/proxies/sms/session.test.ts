/** What the end of a submission means, and what an SMSC that does not keep to the protocol can do. */
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SmppCredential } from "../../../proxies/sms/credential.ts";
import { composeMessage, type Message } from "../../../proxies/sms/message.ts";
import { meaningOf, openSession, type Session, TAKING_MAX } from "../../../proxies/sms/session.ts";
import { answerWith, COMMAND, commandOf, splitter } from "./pdu.ts";

const answer = (command_status: number, command = "submit_sm_resp") => ({ command, command_status, message_id: "7" });

test.each([
  ["taken", answer(0), { end: "accepted", id: "7" }],
  ["throttled", answer(0x58), { end: "deferred", status: 0x58 }],
  ["a full queue", answer(0x14), { end: "deferred", status: 0x14 }],
  ["refused", answer(0x45), { end: "rejected", status: 0x45 }],
  ["not understood", answer(0x03, "generic_nack"), { end: "rejected", status: 0x03 }],
  ["not understood, and yet in order", answer(0, "generic_nack"), { end: "unknown", status: 0 }],
  ["the answer to something else", answer(0, "enquire_link_resp"), { end: "unknown", status: 0 }],
  ["a connection gone before", -1, { end: "deferred", status: -1 }],
  ["no answer", -2, { end: "unknown", status: -2 }],
])("%s", (_, given, meaning) => {
  expect(meaningOf(given)).toEqual(meaning);
});

/** The fields of an empty deliver_sm, then user_message_reference without its value. */
const CUT_SHORT = Buffer.concat([Buffer.alloc(17), Buffer.from([0x02, 0x04, 0x00, 0x02])]);

describe("an SMSC that", () => {
  let server: Server;
  let smsc: Socket;
  let onPdu: (pdu: Buffer) => void;
  let session: Session;
  let taken: number;
  let release: (() => void)[];

  /** Takes the bind, and every other PDU is `onPdu`'s. */
  beforeEach(async () => {
    [taken, release] = [0, []];
    onPdu = () => undefined;
    server = createServer((socket) => {
      smsc = socket.on("error", () => undefined);
      const split = splitter();
      socket.on("data", (chunk: Buffer) => {
        for (const pdu of split(chunk)) {
          if (commandOf(pdu) === 0x09) socket.write(answerWith(pdu, 0));
          else onPdu(pdu);
        }
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    session = await openSession(credential(), async () => {
      taken++;
      await new Promise<void>((resolve) => release.push(resolve));
      return 0;
    });
  });
  afterEach(() => {
    smsc.destroy();
    server.close();
  });

  function credential(): SmppCredential {
    const { port } = server.address() as { port: number };
    const account = { system_id: "silo", password: "secret", from: "Shop" };
    return { host: "127.0.0.1", port, tls: "none", ...account, receipt_ids: "same", receipts_carry_reference: false };
  }

  test("refuses the bind is not bound to", async () => {
    server.removeAllListeners("connection");
    server.on("connection", (socket: Socket) =>
      socket.once("data", (pdu: Buffer) => socket.write(answerWith(pdu, 0x0e))),
    );
    await expect(openSession(credential(), async () => 0)).rejects.toThrow("status 14");
  });

  test("closes in place of an answer leaves the submission unknown", async () => {
    onPdu = () => smsc.destroy();
    expect(await session.submit(message(), undefined)).toMatchObject({ end: "unknown" });
    await session.closed;
    expect(await session.submit(message(), undefined)).toMatchObject({ end: "deferred" });
  });

  test.each([
    ["claims a PDU of a gigabyte", frame(1 << 30, COMMAND.deliver_sm)],
    ["sends a command nobody knows", frame(16, 0x7777)],
    ["sends a command that has no answer", frame(16, 0x102)],
    ["submits to us", frame(16, COMMAND.submit_sm)],
    ["sends a PDU whose last parameter lies outside it", frame(37, COMMAND.deliver_sm, CUT_SHORT)],
  ])("%s loses the connection, and what is in flight is unknown", async (_, bytes) => {
    onPdu = () => smsc.write(bytes);
    const submitted = session.submit(message(), undefined);
    expect(await Promise.race([submitted, settled()])).toMatchObject({ end: "unknown" });
  });

  test(`sends more than ${TAKING_MAX} receipts is read no further until they are taken`, async () => {
    const receipt = frame(33, COMMAND.deliver_sm, Buffer.alloc(17));
    smsc.write(Buffer.concat(Array.from({ length: TAKING_MAX + 1 }, () => receipt)));
    await settled();
    expect(taken).toBe(TAKING_MAX);
    const answers: number[] = [];
    onPdu = (pdu) => answers.push(commandOf(pdu));
    for (const take of release.splice(0)) take();
    await settled();
    expect(taken).toBe(TAKING_MAX + 1);
    expect(answers).toEqual(Array(TAKING_MAX).fill(0x80000005));
  });

  test("asks whether we are there is answered", async () => {
    const answers: number[] = [];
    onPdu = (pdu) => answers.push(commandOf(pdu));
    smsc.write(frame(16, COMMAND.enquire_link));
    await settled();
    expect(answers).toEqual([0x80000015]);
  });

  test("says goodbye is answered, and the session is over", async () => {
    smsc.write(frame(16, 0x06));
    await session.closed;
  });
});

const settled = () => new Promise((resolve) => setTimeout(resolve, 300, "nothing yet"));

function frame(length: number, command: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32BE(length, 0);
  header.writeUInt32BE(command, 4);
  header.writeUInt32BE(1, 12);
  return Buffer.concat([header, body]);
}

function message(): Message {
  const from = { ton: 5, npi: 0, address: "Shop" };
  const composed = composeMessage({ key: "k", values: { to: "+49 30 23125 001", text: "Hello" } }, from);
  if (composed.end !== "done") throw new Error(composed.message);
  return composed.value;
}
