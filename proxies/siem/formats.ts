/** Bodies an event can have, by the name silo.yaml has for them. */
import { cef } from "./formats/cef.ts";
import { native } from "./formats/native.ts";
import { ocsf } from "./formats/ocsf.ts";
import type { Format } from "./record.ts";

export const formats = { native, ocsf, cef } satisfies Record<string, Format>;
