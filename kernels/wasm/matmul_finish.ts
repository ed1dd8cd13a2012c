/** What happens to a block of finished sums. */
import { control, forEach, i32 } from "./instructions.ts";
import { WasmFunction } from "./function.ts";
import type { WasmOutput } from "./matmul_spec.ts";

/**
 * A function (first, rows, columns, values, stride, buffers), all i32, that hands on a block of results: `first` is the
 * position of its first element in the row-major output of `n` columns, `stride` the bytes from row to row at `values`.
 */
export function finishBlock(output: WasmOutput, n: number): WasmFunction {
  const f = new WasmFunction("finishBlock");
  const [first, rows, columns, values, stride, buffers] = Array.from({ length: 6 }, () => f.parameter("i32"));
  const i = f.local("i32");
  const finish = "finish" in output ? output.finish : copyTo(output.buffer);
  const four = i32.const(4);
  f.body = control.if(
    i32.and(i32.eq(columns.get, i32.const(n)), i32.eq(stride.get, i32.mul(columns.get, four))),
    control.call(finish, first.get, i32.mul(rows.get, columns.get), values.get, buffers.get),
    forEach(i, i32.const(0), rows.get, 1, [
      control.call(finish, first.get, columns.get, values.get, buffers.get),
      first.set(i32.add(first.get, i32.const(n))),
      values.set(i32.add(values.get, stride.get)),
    ]),
  );
  return f;
}

/** A finish that stores results as they are. */
function copyTo(buffer: number): WasmFunction {
  const f = new WasmFunction("copyResults");
  const [first, count, values, buffers] = Array.from({ length: 4 }, () => f.parameter("i32"));
  const four = i32.const(4);
  f.body = control.copy(
    i32.add(i32.load(buffers.get, 4 * buffer), i32.mul(first.get, four)),
    values.get,
    i32.mul(count.get, four),
  );
  return f;
}
