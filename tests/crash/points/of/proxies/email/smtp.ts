/** A message at the mail server: before it is begun, its end (the lone dot of DATA) sent, its fate known. */
import { Socket } from "node:net";
import { openSession as open } from "../../../../../../proxies/email/smtp.ts";
import { cross, crossing } from "../../../cross.ts";

export * from "../../../../../../proxies/email/smtp.ts";

const { write } = Socket.prototype;
const END_OF_DATA = /(^|\n)\.\r\n$/;

Socket.prototype.write = function (this: Socket, ...written: unknown[]) {
  const took = (write as (...written: unknown[]) => boolean).apply(this, written);
  const [chunk] = written;
  if (Buffer.isBuffer(chunk) && END_OF_DATA.test(chunk.subarray(-4).toString("latin1"))) cross("end of message sent");
  return took;
} as typeof write;

export const openSession: typeof open = async (credential) => {
  const session = await crossing("mail server greeted", () => open(credential));
  const { deliver } = session;
  return { ...session, deliver: (message) => crossing("message delivered", () => deliver(message)) };
};
