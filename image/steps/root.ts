/** The first step: the root, and its hash, which decides the next. */
import { writeFileSync } from "node:fs";
import { readBuild } from "../build.ts";
import { compose } from "./compose.ts";

const build = readBuild();
const hash = compose(build);
writeFileSync(build.rootHash, `${hash}\n`);
console.log(`root hash ${hash}`);
