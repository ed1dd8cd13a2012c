/** Attributes of a node, read by name and checked. */
import { type AttributeProto, type GraphProto, type TensorProto, toNumber } from "./proto/messages.ts";

/** AttributeProto.AttributeType. */
const TYPE = { float: 1, int: 2, string: 3, tensor: 4, graph: 5, floats: 6, ints: 7, strings: 8 } as const;

const text = new TextDecoder();

/** The attributes of one node. */
export class Attributes {
  readonly #byName: ReadonlyMap<string, AttributeProto>;

  constructor(attributes: readonly AttributeProto[]) {
    this.#byName = new Map(attributes.map((a) => [a.name ?? "", a]));
  }

  #get(name: string, type: keyof typeof TYPE): AttributeProto | undefined {
    const found = this.#byName.get(name);
    // Files of IR version 1 leave the type out
    if (!found || !found.type || found.type === TYPE[type]) return found;
    const got = Object.entries(TYPE).find(([, number]) => number === found.type)?.[0] ?? `type ${found.type}`;
    throw new SyntaxError(`attribute ${name} is ${got}: expected ${type}`);
  }

  /** Whether there is one of this name. */
  has(name: string): boolean {
    return this.#byName.has(name);
  }

  /** An integer. */
  int(name: string): number | undefined {
    const found = this.#get(name, "int");
    return found && toNumber(found.i);
  }

  /** A real number. */
  float(name: string): number | undefined {
    const found = this.#get(name, "float");
    return found && (found.f ?? 0);
  }

  /** A text. */
  string(name: string): string | undefined {
    const found = this.#get(name, "string");
    return found && text.decode(found.s);
  }

  /** A list of integers. */
  ints(name: string): number[] | undefined {
    return this.#get(name, "ints")?.ints.map(toNumber);
  }

  /** A list of real numbers. */
  floats(name: string): readonly number[] | undefined {
    return this.#get(name, "floats")?.floats;
  }

  /** A constant. */
  tensor(name: string): TensorProto | undefined {
    return this.#get(name, "tensor")?.t;
  }

  /** A graph. */
  graph(name: string): GraphProto | undefined {
    return this.#get(name, "graph")?.g;
  }

  /** One text of several, or an error that lists them. */
  choice<T extends string>(name: string, choices: readonly T[], missing: T): T {
    const value = this.string(name) ?? missing;
    const found = choices.find((c) => c === value);
    if (found !== undefined) return found;
    throw new RangeError(`attribute ${name} is "${value}": expected one of ${choices.join(", ")}`);
  }
}
