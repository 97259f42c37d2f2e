/** The story the trial tells, in its order. */
import { customerNeedles, watchCells } from "./leaks.ts";
import { makeShop } from "./shop.ts";
import { approveAgents } from "./story/agents.ts";
import { type Summary, summarise, tellLeaks, tellSummary } from "./story/ending.ts";
import { collectKeys, tellHostile, tellHostileInNspawn } from "./story/hostile.ts";
import { tellLarge } from "./story/large.ts";
import { tellMany } from "./story/many.ts";
import { tellRefund } from "./story/refund.ts";
import type { Scene } from "./story/scene.ts";

const CELL_LOOK_MS = 50;

/** Plays every chapter on a running world; the teller knows afterwards what did not happen. */
export async function tellStory(scene: Scene): Promise<Summary> {
  const needles = customerNeedles(makeShop().customers);
  const watch = watchCells(needles, CELL_LOOK_MS);
  await play(scene, approveAgents);
  const keys = await play(scene, collectKeys);
  await play(scene, tellRefund);
  await play(scene, tellLarge);
  await play(scene, tellMany);
  await play(scene, () => tellHostile(scene, keys ?? { key: "", expires: 0 }));
  await play(scene, tellHostileInNspawn);
  const summary = await summarise(scene, tellLeaks(scene, needles, watch));
  tellSummary(scene, summary);
  return summary;
}

/** A chapter that breaks off is told as such, and the story goes on. */
async function play<T>(scene: Scene, chapter: (scene: Scene) => Promise<T>): Promise<T | undefined> {
  try {
    return await chapter(scene);
  } catch (error) {
    scene.teller.fact(false, `this chapter, to its end: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}
