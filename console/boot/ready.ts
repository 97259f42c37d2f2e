/** Says on the console, in one line, that everything serves: for whoever started the machine, a person or a program. */
import manifest from "../../package.json" with { type: "json" };
import { addresses } from "./addresses.ts";

const mode = process.env["SILO_MODE"] ?? "appliance";
console.log(`SILO READY version=${manifest.version} mode=${mode} addresses=${addresses().join(",") || "none"}`);
