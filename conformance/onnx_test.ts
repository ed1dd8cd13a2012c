import { testArea } from "./test_area.ts";

await testArea("onnx");
