import { testArea } from "./test_area.ts";

// The closed forms are optima of a training: examples/gaussian reaches them
await testArea("objectives", ["objectives/closed_form/"]);
