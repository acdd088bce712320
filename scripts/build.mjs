// `npm run build`: compiles each package into its dist folder.
import { bootstrap, runMain } from "./bootstrap.mjs";
import { buildPackages } from "./packages.mjs";

await runMain(async () => {
  await bootstrap();
  return buildPackages();
});
