// What a person does in VS Code, with a picture of each thing that the extension shows; see screenshots.sh.
import puppeteer from "puppeteer-core";

const [chromium, address, folder] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath: chromium,
  args: ["--no-sandbox", "--disable-gpu"],
  defaultViewport: {width: 1500, height: 900},
});
const page = await browser.newPage();

const pause = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
const picture = async (name) => {
  await page.screenshot({path: `${folder}/${name}.png`});
  console.log(`${folder}/${name}.png`);
};
// Press keys together, as in press("Control", "g").
const press = async (...keys) => {
  const last = keys.pop();
  for (const key of keys) await page.keyboard.down(key);
  await page.keyboard.press(last);
  for (const key of keys) await page.keyboard.up(key);
  await pause(1);
};
const type = async (text) => {
  await page.keyboard.type(text, {delay: 30});
  await pause(1.5);
};
const run = async (command) => {
  await press("F1");
  await type(command);
  await press("Enter");
  await pause(2);
};
const go = async (line, column) => {
  await press("Control", "g");
  await type(`${line}:${column}`);
  await press("Enter");
};

await page.goto(address, {waitUntil: "domcontentloaded", timeout: 120_000});
await page.waitForSelector(".monaco-workbench", {timeout: 120_000});
await pause(5);
await press("Control", "p");
await type("spec.yaml");
await press("Enter");
await page.waitForSelector(".squiggly-error", {timeout: 120_000});
await pause(3);
await picture("findings-hints-lenses");

await press("Control", "Shift", "m");
await picture("problems");
await press("Control", "Shift", "m");

await go(13, 14);
await run("Show or Focus Hover");
await picture("hover");
await press("Escape");

await go(27, 18);
await press("Control", ".");
await pause(2);
await picture("quick-fix");
await press("Enter");
await pause(3);

await go(1, 1);
for (const lens of await page.$$(".codelens-decoration a")) {
  if (!(await lens.evaluate((each) => each.textContent)).includes("used 2 times")) continue;
  await lens.click();
  break;
}
await pause(3);
await picture("places-of-a-lens");
await press("Escape");

await go(25, 99);
await press("Enter");
await type("more: {from: si");
await picture("completion-of-a-tensor");
await type("de, apply: {Den");
await picture("completion-of-a-layer");
await press("Enter");
await type("3, act");
await picture("signature");
await press("Escape");
await press("Escape");
await type("ivation: relu");

await go(22, 4);
await press("F2");
await type("deeper");
await picture("rename");
await press("Enter");
await pause(3);
await press("Control", "s");

await run("graphspec: Show the live graph");
await pause(10);
await go(13, 14);
await pause(3);
await picture("graph-at-the-cursor");
await run("graphspec: Validate");
await pause(8);
await picture("validate");
await run("Preferences: Toggle between Light/Dark Themes");
await pause(4);
await picture("graph-in-the-dark");
await browser.close();
