/** The trial's whole world: a shop's database, a mail server, and the appliance between them. Runs as root inside the build root. */

import { type Appliance, startAppliance } from "../up/appliance.ts";
import type { Outside } from "../up/credentials.ts";
import type { Happening } from "../up/supervise.ts";
import { type Postgres, startPostgres } from "./postgres.ts";
import { loadShop } from "./shop.ts";
import { type Smtp, startSmtp } from "./smtp.ts";

export type World = {
  appliance: Appliance;
  postgres: Postgres;
  smtp: Smtp;
  /** The appliance first, then what it speaks to. */
  stop(options?: { forget: boolean }): Promise<void>;
};

export type WorldOptions = {
  port?: number;
  /** Forget everything the state directory holds. */
  fresh?: boolean;
  /** One line about what is being done, before it is done. */
  say?: (line: string) => void;
  report?: (happening: Happening) => void;
};

/** Starts everything; processes are started, and serve once `appliance.waitReady` says so. Leaves nothing running when it throws. */
export async function startWorld({ say = () => {}, ...options }: WorldOptions = {}): Promise<World> {
  const started: { stop(): Promise<void> }[] = [];
  const stopOutside = async () => {
    for (const one of started.reverse()) await one.stop();
  };
  let postgres: Postgres | undefined;
  let smtp: Smtp | undefined;
  async function outside(): Promise<Outside> {
    say("starting PostgreSQL and loading the shop");
    postgres = await startPostgres();
    started.push(postgres);
    await loadShop(postgres);
    say("starting the mail server");
    smtp = await startSmtp();
    started.push(smtp);
    say("starting SiloOS");
    return { database: postgres.connection, smtp: smtp.connection };
  }
  try {
    const appliance = await startAppliance({ ...options, outside });
    return {
      appliance,
      postgres: postgres as Postgres,
      smtp: smtp as Smtp,
      async stop(how) {
        await appliance.stop(how);
        await stopOutside();
      },
    };
  } catch (error) {
    await stopOutside();
    throw error;
  }
}
