/** `kernel -> vault: deliver`: an answer with values where tokens stood, handed to ingress. */
import { FIELD_CHARS_MAX, TEXT_CHARS_MAX } from "../../kernel/abi/bounds.ts";
import { done, type End, later, refused } from "../../kernel/abi/ends.ts";
import type { kernelToVault, RequestOf } from "../../kernel/abi/messages.ts";
import { type Cases, openHeld } from "./cases.ts";
import { HYDRATED_CHARS_MAX, hydrateText } from "./hydrate.ts";
import type { Ingress } from "./peers.ts";
import { newDraft, type Table } from "./table.ts";

type Delivery = RequestOf<typeof kernelToVault, "deliver">;
type Fields = Delivery["fields"];
type Answer = Pick<Delivery, "text" | "fields">;

/** `done` is the frontend's receipt. TOKEN_UNKNOWN, TOO_LARGE: it can never be delivered as it stands. */
export async function deliver(
  { cases, ingress }: { cases: Cases; ingress: Ingress },
  { sealed, ...delivery }: Delivery,
): Promise<End<Record<string, never>>> {
  const held = openHeld(cases, delivery.case, sealed);
  if (held.end !== "done") return held;
  try {
    const answer = hydrateAnswer(delivery, held.value.table);
    if (answer.end !== "done") return answer;
    const end = await ingress.request("answer", { ...delivery, ...answer.value });
    if (end.end === "lost") return later("ingress did not answer.");
    return end.end === "done" ? done({}) : end;
  } finally {
    cases.release(held.value);
  }
}

/** Text and every text field; numbers and the like are nobody's. */
function hydrateAnswer({ text, fields }: Pick<Delivery, "text" | "fields">, table: Table): End<Answer> {
  const hydratedText = hydrateBounded(text, TEXT_CHARS_MAX, table);
  if (hydratedText.end !== "done") return hydratedText;
  const hydrated: Fields = {};
  let chars = hydratedText.value.length;
  for (const [name, value] of Object.entries(fields)) {
    const end = typeof value === "string" ? hydrateBounded(value, FIELD_CHARS_MAX, table) : done(value);
    if (end.end !== "done") return end;
    hydrated[name] = end.value;
    chars += String(end.value).length;
  }
  return chars > HYDRATED_CHARS_MAX ? tooLarge : done({ text: hydratedText.value, fields: hydrated });
}

function hydrateBounded(text: string, charsMax: number, table: Table): End<string> {
  const end = hydrateText(text, table, newDraft());
  return end.end === "done" && end.value.length > charsMax ? tooLarge : end;
}

const tooLarge = refused("TOO_LARGE", "The answer is too large with values where tokens stand.");
