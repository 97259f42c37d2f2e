/** Loaded into every process of the crashed appliance: what Node compiled is kept for its next life, for one that is killed keeps nothing. */
import { flushCompileCache } from "node:module";

/** A process has loaded everything by then. */
const LOADED_MS = 5000;

setTimeout(flushCompileCache, LOADED_MS).unref();
