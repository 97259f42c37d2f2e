/** What Stryker loads of ours: the sentences it leaves alone, and the progress it tells. */
import type { Ignorer, NodePath } from "@stryker-mutator/api/ignore";
import { declareClassPlugin, declareValuePlugin, PluginKind } from "@stryker-mutator/api/plugin";
import type { MutationTestingPlanReadyEvent, Reporter } from "@stryker-mutator/api/report";

const PROGRESS_MS = 5_000;
/** A sentence begins with a capital letter and has a space. Its wording is no guard; refusal codes and names have no space. */
const SENTENCE = /^[A-Z].* /;

/** A node of the syntax tree, as far as it is looked at here. */
type Text = { node: { type: string; value?: unknown; quasis?: { value: { raw: string } }[] } };

const sentences: Ignorer = {
  shouldIgnore(path: NodePath) {
    const { type, value, quasis } = (path as Text).node;
    const text = type === "StringLiteral" ? String(value) : (quasis?.map((quasi) => quasi.value.raw).join("x") ?? "");
    return SENTENCE.test(text) ? "the wording of a sentence" : undefined;
  },
};

class Progress implements Reporter {
  #all = 0;
  #tested = 0;
  #said = Date.now();

  onMutationTestingPlanReady({ mutantPlans }: MutationTestingPlanReadyEvent): void {
    this.#all = mutantPlans.length;
  }

  onMutantTested(): void {
    this.#tested++;
    if (Date.now() - this.#said < PROGRESS_MS) return;
    this.#said = Date.now();
    console.error(`  ${this.#tested} of ${this.#all} mutants`);
  }
}

export const strykerPlugins = [
  declareValuePlugin(PluginKind.Ignore, "sentences", sentences),
  declareClassPlugin(PluginKind.Reporter, "told", Progress),
];
