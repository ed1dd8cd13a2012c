/** Code as a key: what is equal does the same. */
import type { WasmFunction } from "./function.ts";
import type { Code } from "./instructions.ts";

const known = new WeakMap<WasmFunction, string>();

/**
 * A text that is equal for equal code: its bytes, and the functions that it calls with their code. A function must be
 * complete when it is first asked for.
 *
 * @param code Any code.
 * @returns The text.
 */
export function codeKey(code: Code): string {
  const parts: string[] = [];
  write(code, parts);
  return parts.join("");
}

function write(code: Code, parts: string[]): void {
  if (typeof code === "number") parts.push(String.fromCharCode(32 + code));
  else if ("callee" in code) parts.push(`<${functionKey(code.callee)}>`);
  else for (const part of code) write(part, parts);
}

/** The same for a function. */
export function functionKey(f: WasmFunction): string {
  let key = known.get(f);
  if (key === undefined) {
    known.set(f, key = `${f.name}(${f.parameters.length}:${f.variables.join("")})${codeKey(f.body)}`);
  }
  return key;
}
