/**
 * Which of the machine's graphics interfaces Deno opens.
 *
 * @module
 */

const VARIABLE = "DENO_WEBGPU_BACKEND";

/**
 * Keeps Deno from opening OpenGL beside Vulkan on Linux, unless `DENO_WEBGPU_BACKEND` says what to open or may not be
 * written. To be called before the first adapter is asked for: Deno looks only then.
 *
 * An OpenGL adapter binds too few buffers for dipp, and only looking for one makes a process that ends while one of its
 * threads ends, as `deno test` does, free memory twice and abort: libglvnd's destructor frees what libEGL keeps of every
 * thread, and the thread frees it again (`__eglCurrentTeardown` and `OnThreadDestroyed` in its `libeglcurrent.c`;
 * gfx-rs/wgpu#4285).
 */
export function vulkanOnly(): void {
  const { Deno } = globalThis;
  if (Deno?.build.os !== "linux") return;
  if (Deno.permissions.querySync({ name: "env", variable: VARIABLE }).state !== "granted") return;
  if (!Deno.env.has(VARIABLE)) Deno.env.set(VARIABLE, "vulkan");
}
