import { testArea } from "./test_area.ts";

await testArea("image_preprocess");
