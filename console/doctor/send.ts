/** Sends one packet to this machine's discard port and prints what came of it: `sent`, or the error's code. */
import { createSocket } from "node:dgram";

const DISCARD = 9;

const socket = createSocket("udp4");
socket.send("x", DISCARD, "127.0.0.1", (error) => {
  console.log(error === null ? "sent" : (error as NodeJS.ErrnoException).code);
  socket.close();
});
