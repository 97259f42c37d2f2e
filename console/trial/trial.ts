/** The whole trial: sets everything up afresh, tells the story, says where to look next, and waits to be stopped. */
import { STATE_DEFAULT } from "../cli/places.ts";
import { list } from "../cli/text.ts";
import { showLowered } from "../up/lowered.ts";
import { describe } from "../up/running.ts";
import type { Summary } from "./story/ending.ts";
import { openScene } from "./story/scene.ts";
import { openTeller, type Teller } from "./story/teller.ts";
import { tellStory } from "./story.ts";
import { startWorld, type World } from "./world.ts";

export type TrialRun = {
  /** The state directory as it is called outside the build root. */
  state: string;
  /** End after the story. */
  once: boolean;
  /** Add a last line for a program. */
  json: boolean;
  port?: number;
  /** Settles when somebody wants it to end. */
  stopped: Promise<void>;
  /** The story, and the line for a program. */
  write(text: string): void;
  /** What is being done meanwhile. */
  note(text: string): void;
};

/** Returns 0 when all of the story happened, 1 otherwise. */
export async function trial(run: TrialRun): Promise<number> {
  const { once, json, port, stopped, write } = run;
  const say = (line: string) => run.note(`silo: ${line}\n`);
  write(`${showLowered()}\n`);
  const world = await startWorld({
    ...(port === undefined ? {} : { port }),
    fresh: true,
    say,
    report: (happening) => say(describe(happening)),
  });
  let summary: Summary | undefined;
  let ending = false;
  const teller = openTeller((text) => ending || write(text));
  try {
    summary = (await Promise.race([play(teller, world), stopped])) ?? undefined;
    if (!once && summary !== undefined) {
      write(whereToLook(world, run.state));
      if (json) write(`${JSON.stringify(summary)}\n`);
      await stopped;
    }
  } finally {
    ending = true;
    say("stopping");
    await world.stop({ forget: once });
  }
  if (once && json && summary !== undefined) write(`${JSON.stringify(summary)}\n`);
  return summary?.leaks === 0 && teller.broken.length === 0 ? 0 : 1;
}

async function play(teller: Teller, world: World): Promise<Summary> {
  await world.appliance.waitReady();
  const scene = await openScene(teller, world);
  try {
    return await tellStory(scene);
  } finally {
    scene.close();
  }
}

function whereToLook({ appliance }: World, state: string): string {
  const { host, port } = appliance.settings.http;
  const silo = state === STATE_DEFAULT ? "./silo" : `./silo --state ${state}`;
  return `
SiloOS keeps running until Ctrl-C. In another terminal, in this folder:

${list([
  [`  ${silo} status`, "what runs, and which guards are lowered"],
  [`  ${silo} submit hello --customer C0007 --wait`, "send a task in yourself"],
  [`  ${silo} --as maria task list waiting`, "what waits for the manager"],
  [`  ${silo} audit show --limit 20`, "the newest of the audit log"],
  [`  ${silo} agent list`, `agents and their bundles: change one in ${state}/var/agents`],
])}

The front door is http://${host}:${port}/v1/openapi.json. ARCHITECTURE.md says how it all hangs together.
`;
}
