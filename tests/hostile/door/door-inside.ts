/**
 * Child of door.test.ts: a real door from whose source guards were taken out, and one attack on it. Prints whether it got through.
 * `node door-inside.ts ATTACK GUARD…`
 */
import { registerHooks } from "node:module";
import { doorGuards } from "./guards.ts";

const [attack = "", ...taken] = process.argv.slice(2);
const out = taken.map((name) => {
  const guard = doorGuards[name];
  if (guard === undefined) throw new Error(`There is no guard ${name}.`);
  return { ...guard, left: 1 };
});

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const own = out.filter(({ file }) => url.endsWith(`/${file}`));
    if (own.length === 0) return loaded;
    let source = Buffer.from(loaded.source as Uint8Array).toString();
    for (const guard of own) {
      if (source.split(guard.from).length !== 2) throw new Error(`${guard.file} does not say once: ${guard.from}`);
      source = source.replace(guard.from, guard.to);
      guard.left = 0;
    }
    return { ...loaded, source };
  },
});

const { attacks } = await import("./attacks.ts");
const { openWorld } = await import("../../proxies/door/world.ts");
const world = await openWorld();
if (out.some(({ left }) => left > 0)) throw new Error("A guard is in a file that the door does not load.");
const isThrough = await attacks[attack]?.(world, await world.bound());
console.log(JSON.stringify(isThrough));
process.exit();
