/** One end of the edge door -> vault as the crash run starts it: `edge-inside.ts RUN door|vault`. The vault answers at once. */
import { done } from "../../../kernel/abi/ends.ts";
import { doorToVault } from "../../../kernel/abi/messages.ts";
import { connect } from "../../../kernel/process/connect.ts";
import { listen } from "../../../kernel/process/listen.ts";
import { openLog } from "../../../kernel/process/log.ts";
import { call } from "./edge-call.ts";

const [run = "", side] = process.argv.slice(2);
const edge = { from: "door", to: "vault" } as const;
const log = openLog("door");
log.level = "silent";

if (side === "vault") {
  await listen(edge, doorToVault, { call: async () => done({ value: null }) }, { run, log });
  process.stdout.write("listening");
} else {
  const client = connect(edge, doorToVault, { run, log, onConnect: () => void client.request("call", call) });
}
