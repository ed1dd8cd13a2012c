/** Threefry-2x32 on four lanes; the scalar version and its source are in `random/threefry.ts`. */
import { type Code, i32, i32x4, v128, type WasmFunction } from "@dipp/kernels/wasm";
import { KEY_PARITY, ROTATIONS } from "../../random/threefry.ts";
import { splatInteger } from "./operations.ts";

/**
 * Code that leaves the two words of the blocks in two variables.
 *
 * @param f The function that it is part of.
 * @param args Two words of the keys and two of the counters, without side effects.
 * @returns The code, and the code of both words.
 */
export function threefry(f: WasmFunction, args: readonly Code[]): { code: Code; words: readonly [Code, Code] } {
  const [k0, k1, c0, c1] = args;
  const [x, y, ...keys] = f.locals("v128", 5);
  const code: Code[] = [
    keys[0].set(k0),
    keys[1].set(k1),
    keys[2].set(v128.xor(v128.xor(keys[0].get, keys[1].get), splatInteger(KEY_PARITY))),
    x.set(i32x4.add(c0, keys[0].get)),
    y.set(i32x4.add(c1, keys[1].get)),
  ];
  for (let round = 0; round < 20; round++) {
    const distance = ROTATIONS[round % 8];
    const rotated = v128.or(i32x4.shl(y.get, i32.const(distance)), i32x4.shrU(y.get, i32.const(32 - distance)));
    code.push(x.set(i32x4.add(x.get, y.get)), y.set(v128.xor(rotated, x.get)));
    if (round % 4 < 3) continue;
    const injection = (round + 1) / 4;
    code.push(
      x.set(i32x4.add(x.get, keys[injection % 3].get)),
      y.set(i32x4.add(i32x4.add(y.get, keys[(injection + 1) % 3].get), splatInteger(injection))),
    );
  }
  return { code, words: [x.get, y.get] };
}
