/** The door: parses what cells send, checks their keys, and asks kernel and vault. It never sees a value. */
import { startProcess } from "../../kernel/process/start.ts";
import { openDoor } from "./open.ts";

await startProcess("door", openDoor);
