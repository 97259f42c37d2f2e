/** One launcher to a state directory: its store has one opener. */
import { statSync } from "node:fs";
import { createServer } from "node:net";
import { LaunchError } from "./launch-error.ts";

/**
 * Takes the lock of a state directory and returns what gives it back. It is an abstract socket (unix(7)) named after the directory's
 * inode: it ends with the process, however that ends, and holds across mount namespaces.
 */
export async function lockState(state: string): Promise<() => void> {
  const { dev, ino } = statSync(state);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = new LaunchError("SiloOS is running already on this state directory. Stop it, or name another one.");
      reject(error.code === "EADDRINUSE" ? taken : error);
    });
    server.listen(`\0silo-${dev}-${ino}`, resolve);
  });
  server.unref();
  return () => server.close();
}
