/** What the SMSC delivers to us: receipts are written down and then acknowledged, anything else is told no. */
import type { Log } from "../../kernel/process/log.ts";
import type { Book } from "./book.ts";
import { readReceipt } from "./receipt.ts";
import type { Take } from "./session.ts";

/** ESME_ROK and ESME_RX_P_APPN: taken; not taken, and not to be sent again (SMPP 3.4, 5.1.3). */
export const TAKEN = 0x00;
export const NOT_TAKEN = 0x65;

/** `ids`: how the SMSC writes the ids of messages into receipts. */
export function takeReceipts(book: Book, ids: "same" | "decimal", log: Log): Take {
  return async (pdu) => {
    const receipt = readReceipt(pdu, ids);
    if (receipt === undefined) {
      log.warn("the SMSC delivered what is no receipt; this appliance takes no messages");
      return NOT_TAKEN;
    }
    await book.receive(receipt);
    log.info({ state: receipt.state }, "a receipt was taken");
    return TAKEN;
  };
}
