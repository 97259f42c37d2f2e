/**
 * Gives a process the credential of an outside system: `node console/boot/give.ts PROCESS CREDENTIAL < FILE`, as root on the appliance. It is sealed
 * like the appliance's own secrets, opens from the next boot on, and in this one too: systemd hands it over when the process starts again.
 */
import { readFileSync, rmSync } from "node:fs";
import { writeDurably } from "../../kernel/process/durably.ts";
import { LaunchError } from "../up/launch-error.ts";
import { services } from "../up/processes.ts";
import { keeperOf } from "./keeper.ts";
import { credentialName, putInto } from "./secrets.ts";
import { ownTpm } from "./tpm.ts";

const STATE = "/var/silo";
const STORE = "/run/credstore";
const STDIN = 0;
/** Made by the appliance itself, and nobody's to give. */
const OWN = /^(permit.*|signin|frontends\.json|keystore)$/;

const [to = "", credential = ""] = process.argv.slice(2);
const service = services.find(({ name }) => name === to);
const known = service === undefined ? [] : [...service.credentials, ...service.optional];
if (!known.includes(credential) || OWN.test(credential))
  throw new LaunchError(`There is no credential ${credential} that could be given to ${to}.`);
const name = credentialName(to, credential);
const secret = readFileSync(STDIN);
const { keeper } = keeperOf(STATE, ownTpm);
writeDurably(`${STATE}/sealed/${name}`, keeper.close(name, secret));
rmSync(`${STORE}/${name}`, { force: true });
putInto(STORE, name, secret);
