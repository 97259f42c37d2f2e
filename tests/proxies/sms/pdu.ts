/** Bytes of SMPP 3.4 as the tests read them, without the package the proxy speaks it with. */

export const COMMAND = {
  bind_transceiver_resp: 0x80000009,
  submit_sm: 0x00000004,
  submit_sm_resp: 0x80000004,
  deliver_sm: 0x00000005,
  enquire_link: 0x00000015,
} as const;

const HEADER_BYTES = 16;
const TLV = { message_payload: 0x0424, user_message_reference: 0x0204 } as const;

export const commandOf = (pdu: Buffer): number => pdu.readUInt32BE(4);
export const sequenceOf = (pdu: Buffer): number => pdu.readUInt32BE(12);

/** Splits a stream into PDUs: give it each chunk, get those that are whole. */
export function splitter(): (chunk: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const whole: Buffer[] = [];
    while (rest.length >= 4 && rest.length >= rest.readUInt32BE(0)) {
      const length = rest.readUInt32BE(0);
      whole.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    return whole;
  };
}

export type Submitted = {
  from: { ton: number; npi: number; address: string };
  to: { ton: number; npi: number; address: string };
  registered: number;
  coding: number;
  bytes: Buffer;
  /** Whether the text came as message_payload. */
  long: boolean;
  reference: number | undefined;
};

/** Reads one submit_sm. */
export function readSubmitted(pdu: Buffer): Submitted {
  let at = HEADER_BYTES;
  const octet = () => pdu.readUInt8(at++);
  const text = () => {
    const end = pdu.indexOf(0, at);
    const value = pdu.toString("latin1", at, end);
    at = end + 1;
    return value;
  };
  const address = () => ({ ton: octet(), npi: octet(), address: text() });
  text();
  const [from, to] = [address(), address()];
  at += 3;
  text();
  text();
  const registered = octet();
  at++;
  const coding = octet();
  at++;
  const length = octet();
  const short = pdu.subarray(at, at + length);
  const optional = readOptional(pdu.subarray(at + length));
  const payload = optional.get(TLV.message_payload);
  const reference = optional.get(TLV.user_message_reference)?.readUInt16BE(0);
  return { from, to, registered, coding, bytes: payload ?? short, long: payload !== undefined, reference };
}

function readOptional(bytes: Buffer): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt16BE(at + 2);
    found.set(bytes.readUInt16BE(at), bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return found;
}

/** message_id of a submit_sm_resp. */
export function answeredId(pdu: Buffer): string {
  return pdu.toString("latin1", HEADER_BYTES, pdu.length).split("\0")[0] ?? "";
}

/** The same PDU with user_message_reference after it. */
export function withReference(pdu: Buffer, reference: number): Buffer {
  const optional = Buffer.alloc(6);
  optional.writeUInt16BE(TLV.user_message_reference, 0);
  optional.writeUInt16BE(2, 2);
  optional.writeUInt16BE(reference, 4);
  const longer = Buffer.concat([pdu, optional]);
  longer.writeUInt32BE(longer.length, 0);
  return longer;
}

/** The answer to a request, with a status and nothing else. */
export function answerWith(pdu: Buffer, status: number): Buffer {
  const answer = Buffer.alloc(HEADER_BYTES);
  answer.writeUInt32BE(HEADER_BYTES, 0);
  answer.writeUInt32BE((commandOf(pdu) | 0x80000000) >>> 0, 4);
  answer.writeUInt32BE(status, 8);
  answer.writeUInt32BE(sequenceOf(pdu), 12);
  return answer;
}
