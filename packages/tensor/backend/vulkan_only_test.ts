import { assertEquals } from "@std/assert";

/** A process that opens a device, then looks at what it has loaded. */
const PROGRAM = `
import { vulkanOnly } from "${import.meta.resolve("./vulkan_only.ts")}";
import { openDevice } from "${import.meta.resolve("./webgpu_adapter.ts")}";

const { device } = await openDevice();
device.destroy();
const loaded = Deno.readTextFileSync("/proc/self/maps");
Deno.env.set("DENO_WEBGPU_BACKEND", "vulkan,gl");
vulkanOnly();
console.log(JSON.stringify({
  vulkan: loaded.includes("libvulkan"),
  opengl: loaded.includes("libEGL"),
  given: Deno.env.get("DENO_WEBGPU_BACKEND"),
}));
`;

Deno.test({
  name: "vulkanOnly() keeps OpenGL out of the process, where nobody has said what to open",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const { DENO_WEBGPU_BACKEND: _, ...env } = Deno.env.toObject();
    const child = new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", PROGRAM],
      clearEnv: true,
      env,
    });
    const { stdout } = await child.output();
    assertEquals(
      JSON.parse(new TextDecoder().decode(stdout)),
      { vulkan: true, opengl: false, given: "vulkan,gl" },
    );
  },
});
