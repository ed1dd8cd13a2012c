import { assertEquals } from "@std/assert";
import { classifyAdapter } from "./webgpu_adapter.ts";

Deno.test("classifyAdapter() tells kinds of machines apart", () => {
  const adapters = [
    ["65541", "llvmpipe (LLVM 15.0.6, 256 bits)", "software"],
    ["6880", "SwiftShader Device (Subzero)", "software"],
    ["5140", "Microsoft Basic Render Driver", "software"],
    ["4318", "NVIDIA GeForce RTX 4070", "discrete"],
    ["4098", "AMD Radeon RX 7900 XTX (RADV NAVI31)", "discrete"],
    ["4098", "AMD Radeon(TM) Graphics", "integrated"],
    ["4098", "AMD Radeon Vega 8 Graphics (RADV RAVEN)", "integrated"],
    ["32902", "Intel(R) Arc(TM) A770 Graphics (DG2)", "discrete"],
    ["32902", "Intel(R) UHD Graphics 630 (CFL GT2)", "integrated"],
    ["4203", "Apple M2 Pro", "integrated"],
    ["nvidia", "", "discrete"],
    ["apple", "", "integrated"],
  ] as const;
  for (const [vendor, description, expected] of adapters) {
    assertEquals(classifyAdapter(vendor, description), expected, description);
  }
});
