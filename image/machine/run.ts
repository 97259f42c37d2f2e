/**
 * `npm run appliance`, inside the workshop: boots the image that was made last, its console in this terminal, until it is switched off.
 * What it wrote is there again at the next start.
 */
import { join } from "node:path";
import { places, WORKSHOP } from "../build.ts";
import { switchOn } from "./machine.ts";

const [port = "8443"] = process.argv.slice(2);
/** Where ingress listens inside. */
const INGRESS_PORT = 8443;

console.log(
  `silo: the front door will be port ${port} of this machine's loopback address. Ctrl-A X switches the appliance off.`,
);
const { off } = await switchOn(
  {
    folder: join(WORKSHOP.image, "machine"),
    image: places(join(WORKSHOP.image, "build")).disk,
    keys: WORKSHOP.keys,
    forward: [{ host: Number(port), guest: INGRESS_PORT }],
    reboots: true,
  },
  "inherit",
);
await off;
