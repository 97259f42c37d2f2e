/** What a cell may ask for: one schema a path. The arguments of a call are checked further against the operation's declaration. */
import { Type } from "typebox";
import { Capability, Step } from "../../kernel/abi/ids.ts";
import { Fields, Sentence, Text } from "../../kernel/abi/shapes.ts";
import { compile } from "../../kernel/process/schema.ts";

function body<const P extends Parameters<typeof Type.Object>[0]>(properties: P) {
  return compile(Type.Object(properties, { additionalProperties: false }));
}

export const checkWait = body({});
export const checkCall = body({
  step: Step,
  capability: Capability,
  arguments: Type.Record(Type.String(), Type.Unknown()),
});
export const checkComplete = body({ text: Text, fields: Fields });
export const checkEscalate = body({ reason: Sentence, recommendation: Sentence, facts: Fields });
