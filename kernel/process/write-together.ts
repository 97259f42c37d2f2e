/** Frames that are ready in one turn of the event loop leave in one system call, and reach the peer as one group. */
import type { Socket } from "node:net";

/** Writes `frame` after those of the same turn. */
export function writeTogether(socket: Socket, frame: Buffer): void {
  if (socket.writableCorked === 0) {
    socket.cork();
    process.nextTick(() => socket.uncork());
  }
  socket.write(frame);
}
