/** Tensors that are filled on the device piece by piece, as files are read. */
import { byteLength, type DType, isHalf } from "../dtype.ts";
import { type Shape, show, sizeOf } from "../shape.ts";
import { Tensor } from "../tensor.ts";
import { backend } from "./device.ts";
import { reclaim } from "./reclaim.ts";
import { adopt, type Storage } from "./storage.ts";

/** Elements as the device holds them: the bits of f16 and bf16 in a Uint16Array, a bool in 32 bits. */
export type DeviceWords = Float32Array | Int32Array | Uint32Array | Uint16Array;

const WORDS: Readonly<Record<DType, new (length: number) => DeviceWords>> = {
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  bool: Uint32Array,
};

/**
 * Makes a tensor on the device out of pieces that follow each other. A piece is let go as soon as it is copied, so what
 * is loaded never lies on the host as a whole.
 *
 * @param shape The shape.
 * @param dtype The dtype.
 * @param pieces Consecutive elements, row-major, as the device holds them: a Float32Array for f32, a Uint16Array of bits
 *   for f16 and bf16 (of an even length, but for the last), an Int32Array, a Uint32Array; for bool a Uint32Array of 0
 *   and 1.
 * @returns The tensor, computed.
 * @throws {TypeError} If a piece is of another class than the dtype's.
 * @throws {RangeError} If the pieces do not fill the shape, or one of 16-bit elements ends within a word.
 *
 * @example
 * ```ts
 * import { upload } from "@dipp/tensor";
 * import { assertEquals } from "@std/assert";
 *
 * const bits = [Uint16Array.of(0x3f80, 0x4000), Uint16Array.of(0x4040)];
 * const x = await upload([3], "bf16", bits);
 * assertEquals([...await x.data()], [1, 2, 3]);
 * ```
 */
export async function upload(
  shape: Shape,
  dtype: DType,
  pieces: Iterable<DeviceWords> | AsyncIterable<DeviceWords>,
): Promise<Tensor> {
  const device = await backend();
  const storage: Storage = {};
  const tensor = new Tensor({ kind: "leaf", name: "data" }, [], [...shape], dtype, storage);
  const size = sizeOf(shape), width = isHalf(dtype) ? 2 : 4;
  const buffer = device.allocate(byteLength(dtype, size), tensor);
  try {
    await device.settle();
    let at = 0;
    for await (const piece of pieces) {
      if (!(piece instanceof WORDS[dtype])) {
        throw new TypeError(
          `Cannot fill ${dtype} ${show(shape)} from a ${piece?.constructor.name}: expected a ${WORDS[dtype].name}`,
        );
      }
      if (at + piece.length > size) throw tooFew(shape, at + piece.length, size);
      const isWhole = width === 4 || piece.length % 2 === 0;
      if (!isWhole && at + piece.length < size) {
        throw new RangeError(
          `Cannot fill ${dtype} ${show(shape)} with ${piece.length} elements from element ${at} on: expected an even ` +
            `number, or the last ones`,
        );
      }
      if (piece.length > 0) device.upload(buffer, isWhole ? piece : padded(piece), at * width);
      at += piece.length;
    }
    if (at !== size) throw tooFew(shape, at, size);
  } catch (error) {
    device.free(buffer);
    throw error;
  }
  adopt(storage, device, buffer);
  await reclaim();
  return tensor;
}

/** One element more, since the device takes whole words. */
function padded(piece: DeviceWords): Uint16Array {
  const out = new Uint16Array(piece.length + 1);
  out.set(piece);
  return out;
}

function tooFew(shape: Shape, got: number, expected: number): RangeError {
  return new RangeError(`Cannot fill a tensor of shape ${show(shape)} from ${got} elements: expected ${expected}`);
}
