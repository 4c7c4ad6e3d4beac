// Compiles the sheet and writes down which sources it came from; a test compares both.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { compile } from "sass";

const here = new URL("./", import.meta.url);
const sheet = new URL("../identity/static/style.css", here);
const sources = readdirSync(here)
  .filter((name) => name.endsWith(".scss") || ["compile.js", "package-lock.json"].includes(name))
  .sort();
const digest = createHash("sha256");
for (const name of sources) digest.update(readFileSync(new URL(name, here)));

const { css } = compile(new URL("style.scss", here).pathname, {
  charset: false,
  loadPaths: [new URL("node_modules", here).pathname],
  quietDeps: true,
  style: "compressed",
});
const body = `${css.trim()}\n`;
const own = createHash("sha256").update(body).digest("hex");
writeFileSync(
  sheet,
  `/*! Made by "make design", never by hand. Sources ${digest.digest("hex")}, body ${own}.\n` +
    "GOV.UK Frontend, MIT License, Copyright Crown Copyright (Government Digital Service). */\n" +
    body,
);
console.log(`identity/static/style.css: ${body.length} characters from ${sources.length} sources`);
