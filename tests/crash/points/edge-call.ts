import type { doorToVault, RequestOf } from "../../../kernel/abi/messages.ts";

export const call: RequestOf<typeof doorToVault, "call"> = {
  ...{ cell: "cell_0123456789abcdef", step: 1, capability: "customer:read", arguments: {} },
  ...{ permit: null, replay: null, stand_in: true },
};
