/** `exporter-inside.ts JSON`: the exporter's own pump, as its process runs it, until it is killed. Says its status each time it is asked (a line on stdin). */
import { join } from "node:path";
import { createInterface } from "node:readline";
import { formats } from "../../proxies/siem/formats.ts";
import { openSink } from "../../proxies/siem/open.ts";
import { startPump } from "../../proxies/siem/pump.ts";

const { folder, state, to, credential } = JSON.parse(process.argv[2] ?? "");
const pump = startPump({
  folder,
  cursor: join(state, "cursor.json"),
  open: (appliance) => openSink(to, credential, appliance, join(state, "files")),
  format: formats.native,
  now: Date.now,
  log: { error: (message) => console.error(`exporter: ${message}`), info: () => undefined },
  retryMsMax: 2000,
});
createInterface(process.stdin).on("line", () =>
  console.log(JSON.stringify({ ...pump.status(), rss: process.memoryUsage.rss() })),
);
