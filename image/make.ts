/** Makes the image, inside the workshop: keys where there are none, then image/silo.pkr.hcl by Packer, with all it says in a log. */
import { spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { WORKSHOP } from "./build.ts";
import { makeKeys, readKeys } from "./keys.ts";

const TEMPLATE = "image/silo.pkr.hcl";

if (makeKeys(WORKSHOP.keys))
  console.log(
    "silo: WARNING: the keys that sign this image were made just now, for trial, and lie unencrypted in the folder of --keys. Whoever reads " +
      "them makes images that its appliances start. For real ones name a folder with your company's keys.",
  );
readKeys(WORKSHOP.keys);

const packer = spawn(
  "packer",
  [
    "build",
    "-color=false",
    "-timestamp-ui",
    "-var",
    `build=${join(WORKSHOP.image, "build")}`,
    "-var",
    `accept=${process.argv[2]}`,
    TEMPLATE,
  ],
  { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, CHECKPOINT_DISABLE: "1" } },
);
const log = createWriteStream(join(WORKSHOP.image, "build.log"));
for (const stream of [packer.stdout, packer.stderr]) {
  stream.pipe(process.stdout, { end: false });
  stream.pipe(log, { end: false });
}
packer.once("close", (status) => {
  log.end();
  process.exitCode = status ?? 1;
});
