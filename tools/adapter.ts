/**
 * Prints the name of the WebGPU adapter that dipp would run on; exits non-zero
 * where there is none. `setup.sh` calls it.
 *
 * @module
 */

const adapter = await navigator.gpu?.requestAdapter();
if (!adapter) Deno.exit(1);
console.log(adapter.info.description || adapter.info.vendor || "unnamed");
