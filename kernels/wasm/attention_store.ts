/** Results of a strip, which lie with lanes last, into rows. */
import { type Code, control, i32, v128 } from "./instructions.ts";
import { WasmFunction } from "./function.ts";
import { STRIP, type WasmAttentionOperand } from "./attention.ts";
import { whileLeft } from "./pack.ts";
import { storeLanes, transpose } from "./pack_element.ts";

const known = new Map<string, WasmFunction>();

/** A function (sums, target, lanes), all i32, that stores `length` features of up to 8 lanes as rows at `target`. */
export function storeStrip({ rowStride, colStride }: WasmAttentionOperand, length: number): WasmFunction {
  const name = `store_strip_${length}_${rowStride}_${colStride}`;
  const found = known.get(name);
  if (found) return found;
  const f = new WasmFunction(name);
  const [from, target, lanes] = [f.parameter("i32"), f.parameter("i32"), f.parameter("i32")];
  const left = f.local("i32");
  const vectors = f.locals("v128", 4);
  const spare = f.locals("v128", 4);
  const features = (count: number): Code => [
    [0, 1].map((half) => [
      vectors.map((v, i) => v.set(v128.load(from.get, (Math.min(i, count - 1) * STRIP + 4 * half) * 4))),
      transpose(vectors, spare),
      vectors.map((v, lane) => {
        const offset = (4 * half + lane) * rowStride * 4;
        const store = colStride === 1
          ? storeLanes(target.get, v.get, count, offset)
          : Array.from({ length: count }, (_, i) => v128.store32Lane(target.get, v.get, i, offset + i * colStride * 4));
        return control.if(i32.gtS(lanes.get, i32.const(4 * half + lane)), store);
      }),
    ]),
    from.set(i32.add(from.get, i32.const(count * STRIP * 4))),
    target.set(i32.add(target.get, i32.const(count * colStride * 4))),
  ];
  f.body = [
    left.set(i32.const(length)),
    whileLeft(left, 4, features(4)),
    length % 4 === 0 ? [] : features(length % 4),
  ];
  known.set(name, f);
  return f;
}
