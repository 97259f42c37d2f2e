/** `silo cells resume`. */
import { withKernel } from "./kernel.ts";
import type { Output, World } from "./output.ts";
import { findPlaces } from "./places.ts";

export async function cellsResume(world: World): Promise<Output> {
  const found = await withKernel(findPlaces(world.state), world.person, (ask) => ask("cells_resume", {}));
  const text = found.resumed
    ? "Cells are started again. If a guard is missing still, the next one finds it and none is started any more."
    : "Nothing had stopped them: cells are started as before.";
  return { json: found, text };
}
