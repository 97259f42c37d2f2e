/** `npm run appliance`: boots the image that `npm run image` made, its console in this terminal (image/machine/run.ts). */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { places } from "./build.ts";
import { folderOptions, inWorkshop } from "./workshop.ts";

const { port, ...folders } = parseArgs({
  options: { ...folderOptions, port: { type: "string", default: "8443" } },
}).values;

if (existsSync(places(join(folders.out, "build")).disk))
  process.exitCode = await inWorkshop(folders, ["node", "image/machine/run.ts", port]);
else {
  console.error(`silo: There is no image in ${folders.out}: make one with npm run image.`);
  process.exitCode = 1;
}
