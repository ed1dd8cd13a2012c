import { assert, assertEquals } from "@std/assert";
import { createWebGpuBackend } from "../backend/webgpu.ts";
import { threefry2x32, THREEFRY_WGSL } from "./threefry.ts";

type Words = readonly [number, number];

/** The known answers that Random123 publishes (kat_vectors, threefry2x32 20). */
const KNOWN: readonly { counter: Words; key: Words; random: Words }[] = [
  { counter: [0, 0], key: [0, 0], random: [0x6b200159, 0x99ba4efe] },
  {
    counter: [0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    random: [0x1cb996fc, 0xbb002be7],
  },
  {
    counter: [0x243f6a88, 0x85a308d3],
    key: [0x13198a2e, 0x03707344],
    random: [0xc4923a9c, 0x483df7a0],
  },
];

Deno.test("threefry2x32() gives the published answers", () => {
  for (const { key, counter, random } of KNOWN) {
    assertEquals(threefry2x32(key, counter), [...random]);
  }
});

Deno.test("threefry2x32() flips half of the bits when one input bit flips", () => {
  let flipped = 0;
  for (let bit = 0; bit < 128; bit++) {
    const input = [KNOWN[2].key, KNOWN[2].counter].flat();
    input[bit >> 5] ^= 1 << (bit & 31);
    const [k0, k1, c0, c1] = input;
    const [x, y] = threefry2x32([k0, k1], [c0, c1]);
    for (
      let rest = (BigInt(x ^ KNOWN[2].random[0]) & 0xffffffffn) << 32n |
        (BigInt(y ^ KNOWN[2].random[1]) & 0xffffffffn);
      rest > 0n;
      rest >>= 1n
    ) flipped += Number(rest & 1n);
  }
  // Of 128 * 64 bits half, within four standard deviations (45 each).
  assert(Math.abs(flipped - 4096) < 181, `${flipped} of 8192`);
});

Deno.test("THREEFRY_WGSL computes the same on the device", async () => {
  const inputs: Words[][] = KNOWN.map(({ key, counter }) => [key, counter]);
  for (let i = 0; i < 61; i++) {
    inputs.push([threefry2x32([1, 2], [i, 0]), threefry2x32([1, 2], [i, 1])]);
  }
  const backend = await createWebGpuBackend();
  try {
    const source = backend.allocate(inputs.length * 16);
    const target = backend.allocate(inputs.length * 8);
    backend.upload(source, new Uint32Array(inputs.flat(2)));
    const pipeline = backend.compile(
      {
        code: `${THREEFRY_WGSL}
@group(0) @binding(0) var<storage, read> x: array<vec4<u32>, 64>;
@group(0) @binding(1) var<storage, read_write> y: array<vec2<u32>, 64>;
@compute @workgroup_size(64)
fn main(@builtin(local_invocation_index) i: u32) {
  y[i] = threefry2x32(x[i].xy, x[i].zw);
}`,
      },
      "threefry2x32",
      ["read", "read_write"],
    );
    backend.submit(backend.prepare([{
      kind: "dispatch",
      pipeline,
      buffers: [
        { buffer: source, access: "read" },
        { buffer: target, access: "read_write" },
      ],
      workgroups: [1, 1, 1],
    }]));
    const actual = new Uint32Array(await backend.download(target));
    const expected = inputs.map(([key, counter]) => threefry2x32(key, counter));
    assertEquals(actual, new Uint32Array(expected.flat()));
    assertEquals([...actual.subarray(0, 6)], KNOWN.flatMap((k) => k.random));
  } finally {
    backend.destroy();
  }
});
