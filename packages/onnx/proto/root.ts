/** The messages as the protobuf library knows them. */
import protobuf from "protobufjs/light.js";
import { MESSAGES } from "./schema.ts";

/** Looks messages up by name. */
export const root: protobuf.Root = protobuf.Root.fromJSON({
  nested: Object.fromEntries(Object.entries(MESSAGES).map(([name, fields]) => [name, { fields }])),
});
