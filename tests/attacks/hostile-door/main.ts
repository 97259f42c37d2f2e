/** A door that was taken over: cells come up at its sockets and are never answered; their keys and binds are its own to use. */
import { chmodSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { done } from "../../../kernel/abi/ends.ts";
import { kernelToDoor, type RequestOf } from "../../../kernel/abi/messages.ts";
import { listen } from "../../../kernel/process/listen.ts";
import { startProcess } from "../../../kernel/process/start.ts";
import { openPuppet, type Puppet } from "../puppet.ts";

export type Bind = RequestOf<typeof kernelToDoor, "bind">;

await startProcess("door", async ({ run }, log) => {
  const binds: Bind[] = [];
  const membranes = new Map<number, Server>();
  const puppet = await openPuppet(run, "door", { binds: () => binds });
  const server = await listen(
    { from: "kernel", to: "door" },
    kernelToDoor,
    {
      keys(body) {
        puppet.hear(body);
        return done({});
      },
      async expect({ slot, cell }) {
        puppet.hear({ slot, cell });
        close(slot);
        const { server, waiting } = openMembrane(`${run}/cells/${slot}/membrane`, slot, puppet);
        membranes.set(slot, server);
        await waiting;
        return done({});
      },
      bind(body) {
        puppet.hear(body);
        binds.push(body);
        return done({});
      },
      end({ slot }) {
        close(slot);
        return done({});
      },
    },
    { run, log },
  );
  return {
    status: "taken over",
    async stop() {
      server.close();
      puppet.close();
      for (const slot of membranes.keys()) close(slot);
    },
  };

  function close(slot: number): void {
    membranes.get(slot)?.close();
    membranes.get(slot)?.closeAllConnections();
    membranes.delete(slot);
  }
});

/** Answers the probe and nothing else; `waiting` settles when the cell waits for its task. */
function openMembrane(path: string, slot: number, puppet: Puppet): { server: Server; waiting: Promise<void> } {
  rmSync(path, { force: true });
  const { promise, resolve } = Promise.withResolvers<void>();
  const server = createServer(async (request, response) => {
    puppet.hear({ headers: request.rawHeaders, body: await text(request) });
    if (request.url === "/v1/probe") response.end(JSON.stringify({ slot }));
    else resolve();
  });
  server.listen(path, () => chmodSync(path, 0o666));
  return { server, waiting: promise };
}
