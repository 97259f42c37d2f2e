/** smpp 0.5.1 ships no types. What this proxy uses of it; fields of a PDU have the names of the SMPP 3.4 specification. */
declare module "smpp" {
  import type { EventEmitter } from "node:events";

  export type Pdu = {
    command: string;
    command_status: number;
    message_id?: unknown;
    /** The answer to this request; throws for a command that has none. */
    response(fields?: { command_status?: number }): Pdu;
    [field: string]: unknown;
  };

  type Fields = Record<string, string | number | Buffer>;
  /** Returns false where the connection takes nothing any more: then nothing was sent. */
  type Request = (fields: Fields, onAnswer: (answer: Pdu) => void) => boolean;

  export type Session = EventEmitter & {
    send(pdu: Pdu): boolean;
    bind_transceiver: Request;
    submit_sm: Request;
    enquire_link: Request;
    unbind: Request;
    /** Stops reading; `resume` reads on. */
    pause(): void;
    resume(): void;
    destroy(): void;
  };

  const smpp: {
    connect(options: { host: string; port: number; tls: boolean }): Session;
    /** `default`: how a text of data_coding 0 is read, of the whole process. */
    encodings: { default: "ASCII" | "LATIN1" | "UCS2" };
  };
  export default smpp;
}
