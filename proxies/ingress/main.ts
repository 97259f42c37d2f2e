/** Ingress: takes tasks from frontends and hands them their answers. It keeps neither. */
import { startProcess } from "../../kernel/process/start.ts";
import { openIngress } from "./open.ts";

await startProcess("ingress", openIngress);
