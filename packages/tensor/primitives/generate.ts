/** Values that need no memory: constants, positions, random bits. */
import type { DType } from "../dtype.ts";
import { wgslType } from "../dtype.ts";
import type { Emitter, InlinePrimitive } from "../primitive.ts";
import { constant, ravel, wgsl } from "../schedule/index_expression.ts";
import type { Tensor } from "../tensor.ts";
import { THREEFRY_WGSL } from "../random/threefry.ts";

/** One value everywhere. */
export function fill(value: number, dtype: DType): InlinePrimitive {
  return {
    kind: "inline",
    name: "fill",
    cost: 0,
    view: true,
    emit: (e) => literal(e, value, dtype),
  };
}

/** WGSL expression of a number. */
export function literal(emitter: Emitter, value: number, dtype: DType): string {
  const type = wgslType(dtype);
  if (type === "bool") return String(value !== 0);
  if (type === "u32") return `${value >>> 0}u`;
  if (type === "i32") return `i32(${Math.trunc(value)})`;
  if (Number.isFinite(value)) {
    const rounded = Math.fround(value);
    // Literals that overflow f32 are errors in WGSL: the nearest finite value is meant
    if (!Number.isFinite(rounded)) {
      return value > 0 ? "3.4028234663852886e38f" : "-3.4028234663852886e38f";
    }
    const text = String(rounded);
    return `${/[.e]/.test(text) ? text : `${text}.0`}f`.replace(
      /^-(.*)$/,
      "(-$1)",
    );
  }
  // Non-finite constants are rejected in constant expressions, so the bits go through a function of a variable
  emitter.helper(BITS_HELPER);
  return Number.isNaN(value)
    ? "dipp_bits(0x7fc00000u)"
    : value > 0
    ? "dipp_bits(0x7f800000u)"
    : "dipp_bits(0xff800000u)";
}

// Makes a float of bits that the compiler can not fold
const BITS_HELPER = `fn dipp_bits(bits: u32) -> f32 {
  var b = bits;
  return bitcast<f32>(b);
}`;

/** 0, 1, 2, ... along the only axis. */
export function iota(dtype: DType): InlinePrimitive {
  return {
    kind: "inline",
    name: "iota",
    cost: 0,
    view: true,
    emit: (_e, _node, [c]) => `${wgslType(dtype)}(${wgsl(c)})`,
  };
}

/** Threefry-2x32 of (key, position): word 0 or 1 of the block numbered by the row-major position. */
export function randomBits(key: Tensor, lane: 0 | 1): InlinePrimitive {
  return {
    kind: "inline",
    name: "randomBits",
    cost: 60,
    emit(e, node, coords) {
      e.helper(THREEFRY_WGSL);
      const [k0, k1] = [0, 1].map((i) => e.value(key, [constant(i)]));
      const position = wgsl(ravel(coords, node.shape));
      const block = e.bind(
        `threefry2x32(vec2<u32>(${k0}, ${k1}), vec2<u32>(${position}, 0u))`,
        "vec2<u32>",
      );
      return `${block}.${lane === 0 ? "x" : "y"}`;
    },
  };
}

/** Threefry-2x32 of (key, counter words): derives a child key. Output shape [2]. */
export function foldBits(key: Tensor, counter: Tensor): InlinePrimitive {
  return {
    kind: "inline",
    name: "foldBits",
    cost: 60,
    emit(e, _node, [c]) {
      e.helper(THREEFRY_WGSL);
      const [k0, k1] = [0, 1].map((i) => e.value(key, [constant(i)]));
      const n = e.value(counter, [constant(0)]);
      // The second counter word keeps child keys apart from the blocks that randomBits draws
      const block = e.bind(
        `threefry2x32(vec2<u32>(${k0}, ${k1}), vec2<u32>(${n}, 0x666f6c64u))`,
        "vec2<u32>",
      );
      return `select(${block}.y, ${block}.x, ${wgsl(c)} == 0u)`;
    },
  };
}

/** A node that only passes its input on, with a gradient of its own choosing (none: stopGradient). */
export function identity(
  input: Tensor,
  name: string,
  vjp?: InlinePrimitive["vjp"],
): InlinePrimitive {
  return {
    kind: "inline",
    name,
    cost: 0,
    view: true,
    operands: 1,
    ...(vjp && { vjp }),
    emit: (e, _node, coords) => e.value(input, coords),
  };
}
