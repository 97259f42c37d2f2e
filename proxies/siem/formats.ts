/** Bodies an event can have, by the name silo.yaml has for them. */
import { native } from "./formats/native.ts";
import type { Format } from "./record.ts";

export const formats = { native } satisfies Record<string, Format>;
