/** Frames that are ready in one turn of the event loop leave in one system call, and reach the peer as one group. */
import type { Socket } from "node:net";

/**
 * Writes `frame` after those of the same turn, at its end: requests of several cells come in callbacks of their own, between which all
 * that is due by process.nextTick() runs.
 */
export function writeTogether(socket: Socket, frame: Buffer): void {
  if (socket.writableCorked === 0) {
    socket.cork();
    setImmediate(() => socket.uncork());
  }
  socket.write(frame);
}
